/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A table of sets.  Which set a ClientHello belongs to depends on a secret, so
 * that nobody fills one on purpose; a full one refuses, and who is refused does
 * a whole handshake, no more.
 */
#include "core/tls/replay.h"

#include "core/base/siphash.h"
#include "core/os/random.h"
#include "core/shm/registry.h"

/* OpenSSL takes a ClientHello for fresh within 10 seconds, in whole seconds. */
enum { KEPT_SECONDS = 16 };

/* LAYOUT changes with struct seen. */
enum { LAYOUT = 1, WAYS = 8, SETS = 16384, INSTANCE = 16 };

struct seen {
    uint32_t until; /* seconds of the monotonic clock; 0: nobody             */
    uint32_t tag;
};

/* Of the process, in memory that its workers share. */
struct table {
    uint64_t    seed[2];
    char        instance[INSTANCE];
    struct seen sets[SETS][WAYS];
};

enum { ZONE_SIZE = sizeof(struct table) + 16 * ZONE_PAGE };

static struct zone  *zone;
static struct table *table;


/* The memory of a new zone is zeroed. */
static bool
init(struct zone *z)
{
    struct table *t = zone_alloc(z, sizeof(*t));

    if (t == NULL)
        return false;
    random_fill(t->seed, sizeof(t->seed));
    random_fill(t->instance, sizeof(t->instance));
    zone_set_root(z, t);
    return true;
}


bool
tls_replay_init(void)
{
    static const struct zone_use use
        = { .name = "tls replay", .version = LAYOUT, .init = init };

    if (zone == NULL)
        zone = zone_own("(tls replay)", ZONE_SIZE, &use, &log_start);
    if (zone == NULL)
        return false;
    table = zone_root(zone);
    return true;
}


str_t
tls_replay_instance(void)
{
    return table != NULL ? (str_t){ table->instance, INSTANCE } : STR("");
}


/* A place that is free, where the tag is not there; else NULL. */
static struct seen *
find_place(struct seen *set, uint32_t tag, uint32_t now)
{
    struct seen *place = NULL;

    for (unsigned i = 0; i < WAYS; i++) {
        if (set[i].until < now)
            place = &set[i];
        else if (set[i].tag == tag)
            return NULL;
    }
    return place;
}


bool
tls_replay_is_first(str_t random, msec_t now)
{
    uint32_t     seconds = (uint32_t) (now / 1000);
    struct seen *place;
    uint64_t     h;

    if (table == NULL)
        return false;
    h = siphash(table->seed, random);
    (void) zone_lock(zone); /* any table is good, half written ones, too */
    place = find_place(table->sets[h % SETS], (uint32_t) (h >> 32), seconds);
    if (place != NULL)
        *place = (struct seen){ seconds + KEPT_SECONDS, (uint32_t) (h >> 32) };
    zone_unlock(zone);
    return place != NULL;
}
