/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Places are taken by one instruction, and for good: a zone that comes back with
 * a later configuration goes on counting.
 */
#include "core/net/resolver_tally.h"

#include <errno.h>

#include "core/base/hash.h"

enum { PLACES = 256 };

static struct resolver_tally *places;


size_t
resolver_tallies_size(void)
{
    return PLACES * sizeof(*places);
}


void
resolver_tallies_open(void *table)
{
    places = table;
}


struct resolver_tally *
resolver_tally(str_t zone)
{
    uint64_t key = str_mix(1, zone);

    if (key == 0)
        key = 1;
    for (unsigned i = 0; places != NULL && i < PLACES; i++) {
        struct resolver_tally *t = &places[(key + i) % PLACES];
        uint64_t               was = 0;

        if (atomic_compare_exchange_strong(&t->key, &was, key) || was == key)
            return t;
    }
    return NULL;
}


void
resolver_tally_ask(struct resolver_tally *t, bool is_service)
{
    if (t != NULL)
        atomic_fetch_add(is_service ? &t->services : &t->names, 1);
}


void
resolver_tally_end(struct resolver_tally *t, int code)
{
    unsigned which = RESOLVER_UNKNOWN;

    if (code == ETIMEDOUT)
        which = RESOLVER_TIMEDOUT;
    else if (code >= 0 && code <= RESOLVER_REFUSED)
        which = (unsigned) code;
    if (t != NULL)
        atomic_fetch_add(&t->results[which], 1);
}
