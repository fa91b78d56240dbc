/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Places are taken by one instruction, and for good: a zone that comes back with
 * a later configuration goes on counting.
 */
#include "core/net/tally.h"

#include <errno.h>

#include "core/base/hash.h"
#include "core/net/counters.h"

enum { PROBES = 64 };

static struct tally *places;


size_t
tallies_size(void)
{
    return COUNTERS_PLACES * sizeof(*places);
}


void
tallies_open(void *table)
{
    places = table;
}


static uint64_t
key_of(enum tally_kind kind, unsigned part, str_t name)
{
    uint64_t key = str_mix(1 + (uint64_t) kind + ((uint64_t) part << 8), name);

    return key != 0 ? key : 1;
}


struct tally *
tally_of(enum tally_kind kind, unsigned part, str_t name)
{
    uint64_t key = key_of(kind, part, name);

    for (unsigned i = 0; places != NULL && i < PROBES; i++) {
        struct tally *t = &places[(key + i) % COUNTERS_PLACES];
        uint64_t      was = atomic_load(&t->key);

        if (was == key
            || (was == 0
                && (atomic_compare_exchange_strong(&t->key, &was, key)
                    || was == key)))
            return t;
    }
    return NULL;
}


struct tally *
tally_find(enum tally_kind kind, unsigned part, str_t name)
{
    uint64_t key = key_of(kind, part, name);

    for (unsigned i = 0; places != NULL && i < PROBES; i++) {
        struct tally *t = &places[(key + i) % COUNTERS_PLACES];
        uint64_t      has = atomic_load(&t->key);

        if (has == 0 || has == key)
            return has == key ? t : NULL;
    }
    return NULL;
}


unsigned
tally_number(const struct tally *t)
{
    return (unsigned) (t - places);
}


void
tally_forget(struct tally *t)
{
    for (unsigned i = 0; t != NULL && i < TALLY_COUNTS; i++)
        atomic_store(&t->at[i], 0);
}


enum resolver_count
tally_resolver_result(int code)
{
    if (code == ETIMEDOUT)
        return RESOLVER_TIMEDOUT;
    if (code >= 0 && code <= RESOLVER_REFUSED - RESOLVER_NOERROR)
        return RESOLVER_NOERROR + (unsigned) code;
    return RESOLVER_UNKNOWN;
}
