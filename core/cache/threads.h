/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * thread_pool: the named pools of threads that read files.  Each worker
 * creates a pool on its first use.
 */
#pragma once

#include "core/conf/conf.h"
#include "core/event/pool.h"

struct thread_pool;

/* The pool that the current directive names.  Whether it is defined is checked
 * at the end of the configuration; "default" always is. */
struct thread_pool *thread_pool_use(struct conf *cf, str_t name);
/* For use at run time; NULL: no pool has that name. */
struct thread_pool *thread_pool_find(const struct generation *g, str_t name);
/* This process's threads for the pool; g is the pool's generation. */
struct pool *thread_pool_open(const struct generation *g,
                              struct thread_pool      *p);

extern struct module thread_pool_module;
