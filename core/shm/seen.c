/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A table of fingerprints, each in the one place that it says itself: a read or
 * a write is one instruction, so there is no lock, and a process can die at any
 * time.
 */
#include "core/shm/seen.h"

#include <stdatomic.h>

#include "core/base/siphash.h"
#include "core/os/random.h"
#include "core/shm/registry.h"

enum { PLACES = 1 << 14, LAYOUT = 1 };

struct table {
    uint64_t         seed[2];
    _Atomic uint64_t at[PLACES]; /* 0: empty                                 */
};

static struct table *table;


static bool
init(struct zone *z)
{
    struct table *t;

    if (!zone_make_object(z, sizeof(*t)))
        return false;
    t = zone_root(z);
    random_fill(t->seed, sizeof(t->seed));
    return true;
}


bool
seen_share(const struct log *log)
{
    static const struct zone_use use
        = { .name = "seen", .version = LAYOUT, .init = init };
    void *root;

    if (zone_own_object("(seen)", sizeof(*table), &use, log, &root) == NULL)
        return false;
    table = root;
    return true;
}


static uint64_t
fingerprint(str_t what)
{
    return siphash(table->seed, what) | 1;
}


static _Atomic uint64_t *
place_of(uint64_t print)
{
    return &table->at[print >> 1 & (PLACES - 1)];
}


void
seen_note(str_t what)
{
    uint64_t print;

    if (table == NULL)
        return;
    print = fingerprint(what);
    if (atomic_load_explicit(place_of(print), memory_order_relaxed) != print)
        atomic_store_explicit(place_of(print), print, memory_order_relaxed);
}


bool
seen_before(str_t what)
{
    uint64_t print;

    if (table == NULL)
        return false;
    print = fingerprint(what);
    return atomic_load_explicit(place_of(print), memory_order_relaxed) == print;
}
