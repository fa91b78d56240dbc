/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each process holds of objects that are counted in shared memory (the
 * connections of a peer): a set of counters for each process, so that the
 * holdings of a process that died can be subtracted.  Code that counts
 * something in shared memory until it is released also counts it here.
 *
 * All functions are called under the lock of the counted object.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct held;

/* The number of bytes for n counters of each process. */
size_t held_size(size_t n);
/* Initialises the table in that many zeroed bytes. */
void held_init(struct held *h, size_t n);

/* New counters, zeroed, for a process that has none yet.  NULL: there are too
 * many processes; what this one holds is lost if it dies. */
unsigned *held_take(struct held *h, pid_t pid);
/* The counters of a process that has ended, NULL if it had none; held_give
 * frees their row. */
unsigned *held_find(struct held *h, pid_t pid);
void      held_give(struct held *h, unsigned *counters);
