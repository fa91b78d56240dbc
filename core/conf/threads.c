/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * thread_pool NAME threads=N [max_queue=N]
 */
#include "core/conf/threads.h"

#include "core/conf/types.h"
#include "core/net/worker.h"

enum { THREADS = 32, QUEUE = 65536 };

struct pools {
    VEC(struct thread_pool *) all;
};


struct thread_pool *
threads_find(struct conf *cf, str_t name)
{
    struct pools       *pools = conf_main(cf, &thread_pool_module);
    struct thread_pool *t;

    if (name.n == 0)
        name = STR("default");
    VEC_EACH(&pools->all, it)
        if (str_eq((*it)->name, name))
            return *it;
    t = arena_make(cf->arena, struct thread_pool);
    t->name = str_copy(cf->arena, name);
    t->file = cf->file;
    t->line = cf->line;
    t->max_queue = QUEUE;
    *vec_push(cf->arena, &pools->all) = t;
    return t;
}


struct pool *
threads_pool(struct thread_pool *t)
{
    if (t->pool == NULL)
        t->pool = pool_new(worker->loop, t->name.p, t->threads, t->max_queue,
                           &worker->log);
    return t->pool;
}


static bool
take_number(str_t arg, const char *name, unsigned least, unsigned *out,
            bool *is_wrong)
{
    str_t    value;
    uint64_t n;

    if (!conf_param(arg, name, &value))
        return false;
    *is_wrong = !number_parse(value, INT32_MAX, &n) || n < least;
    if (!*is_wrong)
        *out = (unsigned) n;
    return true;
}


static const char *
parse(struct conf *cf, void *field)
{
    struct thread_pool *t = threads_find(cf, cf->args[1]);
    bool                is_wrong;

    (void) field;
    if (t->is_defined)
        return conf_error(cf, "duplicate thread pool \"" STR_F "\"",
                          STR_A(t->name));
    t->is_defined = true;
    for (unsigned i = 2; i < cf->n_args; i++) {
        str_t arg = cf->args[i];

        if (take_number(arg, "threads", 1, &t->threads, &is_wrong)) {
            if (is_wrong)
                return conf_error(cf, "invalid threads value \"" STR_F "\"",
                                  STR_A(arg));
        } else if (take_number(arg, "max_queue", 0, &t->max_queue, &is_wrong)) {
            if (is_wrong)
                return conf_error(cf, "invalid max_queue value \"" STR_F "\"",
                                  STR_A(arg));
        }
    }
    if (t->threads == 0)
        return conf_error(cf, "\"" STR_F "\" must have \"threads\" parameter",
                          STR_A(cf->args[0]));
    return NULL;
}


static const char *
check_all(struct conf *cf, void *main)
{
    struct pools *pools = main;

    VEC_EACH(&pools->all, it) {
        struct thread_pool *t = *it;

        if (!t->is_defined && str_is(t->name, "default"))
            t->threads = THREADS;
        else if (!t->is_defined)
            conf_error_at(cf, t->file, t->line,
                          "unknown thread pool \"" STR_F "\"", STR_A(t->name));
    }
    return NULL;
}


static void
stop_all(struct worker *w)
{
    const struct pools *pools
        = generation_main(w->gen, thread_pool_module.slot);

    for (size_t i = 0; i < pools->all.n; i++) {
        struct thread_pool *t = pools->all.at[i];

        if (t->pool != NULL)
            pool_free(t->pool);
        t->pool = NULL;
    }
}


static const struct conf_type type = { .name = "thread pool", .parse = parse };

static const struct directive directives[]
    = { { "thread_pool", IN_MAIN | ROW_MANY, ARGS_2 | ARGS_3, &type, 0, NULL,
          NULL },
        { .name = NULL } };

struct module thread_pool_module = {
    .name = "thread_pool",
    .directives = directives,
    .main_size = sizeof(struct pools),
    .main_ready = check_all,
    .worker_stop = stop_all,
};
