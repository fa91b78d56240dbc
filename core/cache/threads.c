/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * thread_pool.
 */
#include "core/cache/threads.h"

#include "core/net/worker.h"

enum { THREADS_DEFAULT = 32, QUEUE_DEFAULT = 65536 };

struct thread_pool {
    str_t               name; /* with a NUL                                  */
    uint64_t            threads, max_queue;
    const char         *file; /* of the first use                            */
    unsigned            line;
    bool                is_defined;
    struct pool        *pool; /* this worker's, or NULL                      */
    struct thread_pool *next;
};

struct pools {
    struct thread_pool *first;
};


static struct thread_pool *
find(const struct pools *pools, str_t name)
{
    struct thread_pool *p = pools->first;

    while (p != NULL && !str_eq(p->name, name))
        p = p->next;
    return p;
}


struct thread_pool *
thread_pool_find(const struct generation *g, str_t name)
{
    return find(generation_main(g, thread_pool_module.slot), name);
}


struct thread_pool *
thread_pool_use(struct conf *cf, str_t name)
{
    struct pools       *pools = conf_main(cf, &thread_pool_module);
    struct thread_pool *p = find(pools, name);

    if (p != NULL)
        return p;
    p = arena_make(cf->arena, struct thread_pool);
    p->name = str_copy(cf->arena, name);
    p->threads = THREADS_DEFAULT;
    p->max_queue = QUEUE_DEFAULT;
    p->file = cf->file;
    p->line = cf->line;
    p->is_defined = str_is(name, "default");
    p->next = pools->first;
    pools->first = p;
    return p;
}


struct pool *
thread_pool_open(struct thread_pool *p)
{
    if (p->pool == NULL)
        p->pool = pool_new(worker->loop, p->name.p, (unsigned) p->threads,
                           (unsigned) p->max_queue, &worker->log);
    return p->pool;
}

/* --- the row ------------------------------------------------------------- */

static const char *
parse_parameters(struct conf *cf, struct thread_pool *p)
{
    bool     has_threads = false;
    unsigned i;
    str_t    v;

    for (i = 2; i < cf->n_args; i++) {
        if (conf_param(cf->args[i], "threads", &v)) {
            has_threads = true;
            if (!number_parse(v, 4096, &p->threads) || p->threads == 0)
                return conf_error(cf, "invalid threads value \"" STR_F "\"",
                                  STR_A(cf->args[i]));
        } else if (conf_param(cf->args[i], "max_queue", &v)) {
            if (!number_parse(v, INT32_MAX, &p->max_queue))
                return conf_error(cf, "invalid max_queue value \"" STR_F "\"",
                                  STR_A(cf->args[i]));
        } else {
            return conf_error(cf, "invalid parameter \"" STR_F "\"",
                              STR_A(cf->args[i]));
        }
    }
    return has_threads ? NULL : conf_error(cf, "missing \"threads\" parameter");
}


static const char *
parse(struct conf *cf, void *field)
{
    struct pools       *pools = conf_main(cf, &thread_pool_module);
    struct thread_pool *p = find(pools, cf->args[1]);

    (void) field;
    if (p != NULL && p->is_defined)
        return conf_error(cf, "duplicate thread pool \"" STR_F "\"",
                          STR_A(cf->args[1]));
    p = thread_pool_use(cf, cf->args[1]);
    p->is_defined = true;
    return parse_parameters(cf, p);
}


static const struct conf_type pool_type = {
    .name = "thread pool",
    .parse = parse,
    .unset = "default threads=32 max_queue=65536",
};

static const struct directive rows[] = {
    { "thread_pool", IN_MAIN | ROW_MANY, ARGS_2 | ARGS_3, &pool_type, 0, NULL,
      NULL, "name threads=number [max_queue=number]",
      "Names a pool of threads that aio threads= can use. Requests "
      "that find the queue full read in the worker itself." },
    { .name = NULL },
};


static const char *
check_names(struct conf *cf, void *main)
{
    const struct pools       *pools = main;
    const struct thread_pool *p;

    for (p = pools->first; p != NULL; p = p->next)
        if (!p->is_defined)
            conf_error_at(cf, p->file, p->line,
                          "unknown thread pool \"" STR_F "\"", STR_A(p->name));
    return NULL;
}


static void
stop(struct worker *w)
{
    struct pools *pools = generation_main(w->gen, thread_pool_module.slot);
    struct thread_pool *p;

    for (p = pools->first; p != NULL; p = p->next) {
        if (p->pool != NULL)
            pool_free(p->pool);
        p->pool = NULL;
    }
}


struct module thread_pool_module = {
    .name = "core",
    .directives = rows,
    .main_size = sizeof(struct pools),
    .main_ready = check_names,
    .worker_stop = stop,
};
