/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Thread pools by name (thread_pool NAME threads=N), for what says "aio
 * threads".  The threads of a worker start with the first job.
 */
#pragma once

#include "core/conf/conf.h"
#include "core/event/pool.h"

struct thread_pool {
    str_t        name;
    const char  *file; /* where it is defined or first asked for             */
    unsigned     line;
    bool         is_defined;
    unsigned     threads, max_queue;
    struct pool *pool; /* the worker's, made when first needed               */
};

/* The pool of that name, to be used by the directive at hand; it may be
 * defined further down.  An empty name is "default", which need not be
 * defined. */
struct thread_pool *threads_find(struct conf *cf, str_t name);

/* The threads of this worker. */
struct pool *threads_pool(struct thread_pool *t);

extern struct module thread_pool_module;
