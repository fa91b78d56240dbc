/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * thread_pool: the named pools of threads that read files.  Each worker makes
 * a pool when it is first asked for.
 */
#pragma once

#include "core/conf/conf.h"
#include "core/event/pool.h"

struct thread_pool;

/* A pool that the directive at hand names; whether it is defined is checked
 * when all is read.  "default" always is. */
struct thread_pool *thread_pool_use(struct conf *cf, str_t name);
/* At run time; NULL: there is none of that name. */
struct thread_pool *thread_pool_find(const struct generation *g, str_t name);
/* This process's threads for it; g is its generation. */
struct pool *thread_pool_open(const struct generation *g,
                              struct thread_pool      *p);

extern struct module thread_pool_module;
