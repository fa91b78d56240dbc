/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory shared by the workers of one configuration.  The master creates it
 * when it reads the configuration, so that it has the same address in all
 * forked processes, and pointers within it and into the configuration are
 * valid in all of them.
 */
#pragma once

#include <pthread.h>

#include "core/base/arena.h"

/* n bytes, zeroed, until the arena is freed; NULL with errno without
 * memory. */
void *shared_zalloc(struct arena *a, size_t n);

/* A lock in shared memory, to be held only briefly.  It survives the death of
 * its holder. */
struct shared_lock {
    pthread_mutex_t mutex;
};

void shared_lock_init(struct shared_lock *l);
void shared_lock_take(struct shared_lock *l);
void shared_lock_give(struct shared_lock *l);
