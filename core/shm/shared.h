/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that the workers of one configuration share: made by the master when
 * it builds the configuration, it stands at the same address in all processes
 * that are forked from it, so that pointers within it, and to the
 * configuration, hold in all of them.
 */
#pragma once

#include <pthread.h>

#include "core/base/arena.h"

/* n bytes, zeroed, until the arena ends; NULL with errno without memory. */
void *shared_zalloc(struct arena *a, size_t n);

/* A lock within shared memory, held for moments only.  It outlives whoever
 * dies with it. */
struct shared_lock {
    pthread_mutex_t mutex;
};

void shared_lock_init(struct shared_lock *l);
void shared_lock_take(struct shared_lock *l);
void shared_lock_give(struct shared_lock *l);
