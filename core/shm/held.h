/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each process holds of objects that are counted in a zone (the connections
 * of a peer), so that the holdings of a process that died can be subtracted.
 * Code that counts something in a zone until it is released also counts it here.
 * The objects have numbers, which are best small.  Where a number is used again
 * for another object, that has another generation; otherwise it is 0.
 *
 * All functions are called under the lock of the zone, but those at the end: a
 * process may change its own counters without it, in this order.
 *
 *     holder_begin      it is busy with the object
 *     ...               the object itself is counted, with a release
 *     holder_end        its counter; it is not busy any more
 *
 * Who has waited for those that are busy (held_settle) finds that the object is
 * the sum of the counters; but one that died on the way, who is not to be in the
 * list any more.
 */
#pragma once

#include <sys/types.h>

#include "core/shm/zone.h"

struct holder;

/* Of all processes; in the zone.  Zeroed: nobody holds anything. */
struct held {
    struct holder *first;
};

/* This process, new if need be.  NULL: the zone is full, and what the process
 * holds is lost if it dies. */
struct holder *held_take(struct zone *z, struct held *h);
/* Some process that has ended; NULL: there is none. */
struct holder *held_find_dead(const struct held *h);
/* It is taken from the list, and then forgotten. */
void held_unlink(struct held *h, struct holder *it);
void held_free(struct zone *z, struct holder *it);

/* How many of the object it holds; and one more, one less, of generation 0.  One
 * more is lost if the zone is full. */
unsigned holder_count(const struct holder *it, unsigned object,
                      uint32_t generation);
void     holder_add(struct zone *z, struct holder *it, unsigned object);
void     holder_subtract(struct holder *it, unsigned object);

/* How many of the object all processes hold that are in the list. */
unsigned held_sum(const struct held *h, unsigned object, uint32_t generation);

/* Makes room for the counter of the object; false: the zone is full. */
bool holder_grow(struct zone *z, struct holder *it, unsigned object);
/* Whether it is in the middle of a change of the object. */
bool holder_is_busy(const struct holder *it, unsigned object);
/* Waits, for a short time, until nobody is. */
void held_settle(const struct held *h, unsigned object);

/* --- without the lock, one's own -------------------------------------------- */

/* What follows is of held.c, and here only to be fast. */
struct holder {
    struct holder   *next;
    pid_t            pid;
    unsigned         room;
    uint64_t         id;      /* of the process, random                      */
    _Atomic uint32_t busy;    /* the object that it changes, plus 1; 0: none */
    _Atomic uint64_t *counts; /* each below a generation                     */
};

/* This process, once somebody has asked.  Not its number alone, which another
 * may have had before. */
extern struct held_own {
    pid_t    pid; /* 0: nobody has                                           */
    uint64_t id;
} held_own;


/* Whether it is that of this process; NULL: no. */
static inline bool
holder_is_own(const struct holder *it)
{
    return it != NULL && it->pid == held_own.pid && it->id == held_own.id;
}


/* False: it has no counter for the object, see holder_grow.  That it is busy has
 * to be seen by all who see the change of the object, so that change has to be a
 * release. */
static inline bool
holder_begin(struct holder *it, unsigned object)
{
    if (object >= it->room)
        return false;
    atomic_store_explicit(&it->busy, object + 1, memory_order_relaxed);
    return true;
}


static inline uint32_t
holder_count_in(uint64_t counter, uint32_t generation)
{
    return counter >> 32 == generation ? (uint32_t) counter : 0;
}


/* by: 1, -1 or 0.  Never less than nothing.  Who sees that it is not busy any
 * more sees its counter: a release. */
static inline void
holder_end(struct holder *it, unsigned object, uint32_t generation, int by)
{
    _Atomic uint64_t *at = &it->counts[object];
    uint32_t          n = holder_count_in(
        atomic_load_explicit(at, memory_order_relaxed), generation);

    if (by > 0 || (by < 0 && n != 0))
        atomic_store_explicit(
            at, (uint64_t) generation << 32 | (n + (uint32_t) by),
            memory_order_relaxed);
    atomic_store_explicit(&it->busy, 0, memory_order_release);
}
