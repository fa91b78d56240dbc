/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What limit_table.c and limit_held.c know of a table.
 */
#pragma once

#include "core/shm/held.h"
#include "modules/gate/limit_table.h"

struct table {
    struct held         held;
    struct limit_notes  notes;
    uint64_t            swept_at; /* seconds                                 */
    uint64_t            seed[2];
    uint64_t            cost; /* of limit_req: that words are meant with     */
    _Atomic uint64_t    listed; /* the last number given                     */
    uint64_t            tag;    /* the bits of a generation in words; 0: there
                                   are no words                              */
    uint32_t            room, used; /* entries                               */
    uint32_t            plenty; /* that are used before one without a count
                                   gets another key                          */
    uint32_t            hand;   /* where to look for such a one              */
    uint64_t            full_at; /* when there was none, in milliseconds     */
    uint32_t            newest, oldest;
    uint32_t            mask;    /* of the buckets                           */
    _Atomic uint32_t    changes; /* of chains; odd: in the middle of one     */
    bool                is_held; /* words are what processes hold            */
    _Atomic bool        is_told;
    _Atomic uint32_t   *buckets;
    struct limit_entry *entries;
};


static inline struct table *
limit_table(const struct zone *z)
{
    return zone_root(z);
}


static inline uint32_t
limit_number(const struct table *t, const struct limit_entry *e)
{
    return (uint32_t) (e - t->entries) + 1;
}


/* limit_held.c: gives back what processes had held that have died.  is_whole:
 * none of them had the lock. */
void limit_sweep(struct zone *z, struct table *t, bool is_whole);
