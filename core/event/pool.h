/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads for calls that block: opening and reading files on a slow disk.  A
 * job is embedded in its owner's memory.  work runs in a thread, then done in
 * the loop.
 *
 * Between pool_submit and done the job belongs to the pool, even when its task
 * ends.  So it is in memory of its own (never in the task's arena), and done
 * checks whether anybody still waits for it.
 */
#pragma once

#include "core/event/loop.h"
#include "core/log/log.h"

struct pool;

struct job {
    struct job *next;            /* the pool's                               */
    void      (*work)(struct job *); /* in a thread: touches the job alone,
                                        logs nothing                         */
    void      (*done)(struct job *); /* in the loop; may free the job        */
};

/* The threads are started by the first job, so that a pool can be made before
 * a fork.  name and log are borrowed. */
struct pool *pool_new(struct loop *l, const char *name, unsigned threads,
                      unsigned max_queue, const struct log *log);

/* False: the queue is full, or no thread could be started (both are logged);
 * the job belongs to the caller again. */
bool pool_submit(struct pool *p, struct job *j);

/* The number of jobs submitted and not yet done. */
size_t pool_pending(const struct pool *p);

/* Waits until all queued jobs are finished, calls done for each, and frees the
 * pool.  Must not be called from a done. */
void pool_free(struct pool *p);
