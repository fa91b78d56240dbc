/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each process holds of things that are counted in shared memory (the
 * connections of a peer): so many counters for each, so that what a process
 * held that died can be taken off again.  Whoever counts in shared memory
 * what is given back later keeps it here as well.
 *
 * All of it is called under the lock of what is counted.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct held;

/* The bytes that n counters of each process take. */
size_t held_size(size_t n);
/* In that many bytes, zeroed. */
void held_init(struct held *h, size_t n);

/* The counters of a process, which has none yet: zeroed.  NULL: too many
 * processes have some, and what this one holds is lost when it dies. */
unsigned *held_take(struct held *h, pid_t pid);
/* The counters of a process that has ended, NULL where it had none; and its
 * place for another. */
unsigned *held_find(struct held *h, pid_t pid);
void      held_give(struct held *h, unsigned *counters);
