/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Places are taken by one instruction, and for good: a zone that comes back with
 * a later configuration goes on counting.  When none is left, that is logged, once
 * for all processes of the table.
 */
#include "core/net/tally.h"

#include <errno.h>

#include "core/base/hash.h"
#include "core/net/counters.h"
#include "core/net/worker.h"

struct table {
    struct tally at[COUNTERS_PLACES];
    atomic_bool  is_told; /* that it is full                                 */
};

static struct table *table;


size_t
tallies_size(void)
{
    return sizeof(*table);
}


void
tallies_open(void *memory)
{
    table = memory;
}


static uint64_t
key_of(enum tally_kind kind, unsigned part, str_t name)
{
    uint64_t key = str_mix(1 + (uint64_t) kind + ((uint64_t) part << 8), name);

    return key != 0 ? key : 1;
}


static void
tell_full(str_t name)
{
    if (worker == NULL || atomic_exchange(&table->is_told, true))
        return;
    log_warn(&worker->log,
             "\"" STR_F "\" is not counted: all %u places for counts are taken",
             STR_A(name), COUNTERS_PLACES);
}


struct tally *
tally_of(enum tally_kind kind, unsigned part, str_t name)
{
    uint64_t key = key_of(kind, part, name);

    for (unsigned i = 0; table != NULL && i < COUNTERS_PLACES; i++) {
        struct tally *t = &table->at[(key + i) % COUNTERS_PLACES];
        uint64_t      was = atomic_load(&t->key);

        if (was == key
            || (was == 0
                && (atomic_compare_exchange_strong(&t->key, &was, key)
                    || was == key)))
            return t;
    }
    if (table != NULL)
        tell_full(name);
    return NULL;
}


struct tally *
tally_find(enum tally_kind kind, unsigned part, str_t name)
{
    uint64_t key = key_of(kind, part, name);

    for (unsigned i = 0; table != NULL && i < COUNTERS_PLACES; i++) {
        struct tally *t = &table->at[(key + i) % COUNTERS_PLACES];
        uint64_t      has = atomic_load(&t->key);

        if (has == 0 || has == key)
            return has == key ? t : NULL;
    }
    return NULL;
}


unsigned
tally_number(const struct tally *t)
{
    return (unsigned) (t - table->at);
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
