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

enum { ZONE_SIZE = sizeof(struct table) + 16 * ZONE_PAGE };

static struct table *table;


/* The memory of a new zone is zeroed. */
static bool
init(struct zone *z)
{
    struct table *t = zone_alloc(z, sizeof(*t));

    if (t == NULL)
        return false;
    random_fill(t->seed, sizeof(t->seed));
    zone_set_root(z, t);
    return true;
}


bool
seen_share(const struct log *log)
{
    static const struct zone_use use
        = { .name = "seen", .version = LAYOUT, .init = init };
    struct zone *z = zone_own("(seen)", ZONE_SIZE, &use, log);
    uintptr_t    at = z != NULL ? (uintptr_t) zone_root(z) : 0;

    if (z == NULL)
        return false;
    if (at - (uintptr_t) z > ZONE_SIZE - sizeof(*table)
        || at % sizeof(uint64_t) != 0)
    {
        log_at(log, LEVEL_EMERG, 0, "the shared memory of tags is damaged");
        return false;
    }
    table = (struct table *) at;
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
