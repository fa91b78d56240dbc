/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * thread_pool.
 */
#include "core/cache/threads.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/net/worker.h"

enum { THREADS_DEFAULT = 32, QUEUE_DEFAULT = 65536 };

struct thread_pool {
    str_t               name; /* with a NUL                                  */
    uint64_t            threads, max_queue;
    const char         *file; /* of the first use                            */
    unsigned            line;
    bool                is_defined;
    struct shared_pool *shared; /* of this process, or NULL                 */
    struct thread_pool *next;
};

struct pools {
    struct thread_pool *first;
};

/* The threads of this process.  They outlive a generation if the next one has
 * a pool with the same name and parameters. */
struct shared_pool {
    struct shared_pool *next;
    struct pool        *pool;
    unsigned refs; /* generations that use it                         */
    uint64_t threads, max_queue;
    char     name[];
};

static struct shared_pool *all;


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


static struct shared_pool *
start_shared(const struct thread_pool *p)
{
    struct shared_pool *s = calloc(1, sizeof(*s) + p->name.n + 1);

    if (s == NULL)
        check_memory(sizeof(*s));
    memcpy(s->name, p->name.p, p->name.n);
    s->threads = p->threads;
    s->max_queue = p->max_queue;
    s->pool = pool_new(worker->loop, s->name, (unsigned) s->threads,
                       (unsigned) s->max_queue, &worker->log);
    s->next = all;
    all = s;
    return s;
}


static struct shared_pool *
find_shared(const struct thread_pool *p)
{
    struct shared_pool *s = all;

    while (s != NULL
           && !(str_eq(p->name, str_of(s->name)) && s->threads == p->threads
                && s->max_queue == p->max_queue))
        s = s->next;
    return s;
}


static void
end_shared(struct shared_pool *s)
{
    struct shared_pool **at = &all;

    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    pool_free(s->pool);
    free(s);
}


static bool
is_idle(const struct shared_pool *s)
{
    return s->refs == 0 && (s->pool == NULL || pool_pending(s->pool) == 0);
}


/* The generation of a thread_pool ends.  Its requests have ended, but a thread
 * may still work on a job that one of them has abandoned.  That is not waited
 * for: in this case, the threads are stopped at the next reload. */
static void
leave(void *arg)
{
    struct thread_pool *p = arg;
    struct shared_pool *s = p->shared;

    p->shared = NULL;
    s->refs--;
    if (is_idle(s))
        end_shared(s);
}


struct pool *
thread_pool_open(const struct generation *g, struct thread_pool *p)
{
    if (p->shared == NULL) {
        p->shared = find_shared(p);
        if (p->shared == NULL)
            p->shared = start_shared(p);
        p->shared->refs++;
        arena_defer(g->arena, leave, p);
    }
    return p->shared->pool;
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


/* Waits for the threads.  The generations that are left no longer use them. */
static void
stop(struct worker *w)
{
    (void) w;
    for (struct shared_pool *s = all; s != NULL; s = s->next) {
        pool_free(s->pool);
        s->pool = NULL;
    }
}


static bool
adopt(struct worker *w, struct generation *g)
{
    struct shared_pool *s = all, *next;

    (void) w;
    (void) g;
    for (; s != NULL; s = next) {
        next = s->next;
        if (is_idle(s))
            end_shared(s);
    }
    return true;
}


struct module thread_pool_module = {
    .name = "core",
    .directives = rows,
    .main_size = sizeof(struct pools),
    .main_ready = check_names,
    .process_stop = stop,
    .adopt = adopt,
};
