/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each process holds of objects that are counted in a zone (the
 * connections of a peer), so that the holdings of a process that died can be
 * subtracted.  Code that counts something in a zone until it is released also
 * counts it here.  The objects have numbers, which are best small.
 *
 * All functions are called under the lock of the zone.
 */
#pragma once

#include "core/shm/zone.h"

struct holder;

/* Of all processes; in the zone.  Zeroed: nobody holds anything. */
struct held {
    struct holder *first;
};

/* This process, new if need be.  NULL: the zone is full, and what the process
 * holds is lost if it dies. */
struct holder *held_take(struct zone *z, struct held *h);
/* Some process that has ended; NULL: there is none.  held_free forgets it. */
struct holder *held_find_dead(const struct held *h);
void           held_free(struct zone *z, struct held *h, struct holder *it);

/* How many of the object it holds; and one more, one less.  One more is lost
 * if the zone is full. */
unsigned holder_count(const struct holder *it, unsigned object);
void     holder_add(struct zone *z, struct holder *it, unsigned object);
void     holder_subtract(struct holder *it, unsigned object);

/* How many of the object all processes hold. */
unsigned held_sum(const struct held *h, unsigned object);
/* Nobody holds the object any more. */
void held_forget(struct held *h, unsigned object);
