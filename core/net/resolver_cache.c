/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entries of the resolver, and for how long they are valid.
 */
#include <stdlib.h>

#include "core/net/resolver_inside.h"
#include "core/os/clock.h"


msec_t
entry_end(const struct entry *e, msec_t ttl_min, msec_t ttl_max)
{
    uint64_t valid = e->owner->options.valid_sec;
    msec_t   ms = (msec_t) e->ttl * 1000;

    if (valid != 0)
        return e->answered_at + valid * 1000;
    if (ttl_min == 0)
        ttl_min = RESOLVER_TTL_MIN_MS;
    if (ttl_max == 0)
        ttl_max = RESOLVER_TTL_MAX_MS;
    if (ms > ttl_max)
        ms = ttl_max;
    if (ms < ttl_min)
        ms = ttl_min;
    return e->answered_at + ms;
}


void
half_clear(struct half *h)
{
    free(h->alias);
    free(h->at);
    memset(h, 0, sizeof(*h));
}


void
entry_free(struct entry *e)
{
    for (size_t i = 0; i < HALVES; i++)
        half_clear(&e->half[i]);
    free(e->at);
    free(e->services);
    free(e);
}


static struct entry **
place_of(struct service *rs, str_t name, bool is_service)
{
    struct entry **at = &rs->buckets[str_hash(name) % BUCKETS];

    while (*at
           && !((*at)->is_service == is_service && str_eq((*at)->name, name)))
        at = &(*at)->next;
    return at;
}


/* Makes room by dropping expired entries, and others while the table is full;
 * never those in use. */
static void
purge(struct service *rs)
{
    msec_t now = clock_ms();

    for (size_t i = 0; i < BUCKETS; i++) {
        struct entry **at = &rs->buckets[i];

        while (*at) {
            struct entry *e = *at;

            if (e->running != 0 || e->is_asking
                || (entry_end(e, 0, 0) > now && rs->entries < ENTRIES_MAX))
            {
                at = &e->next;
                continue;
            }
            *at = e->next;
            rs->entries--;
            entry_free(e);
        }
    }
}


struct entry *
entry_get(struct service *rs, str_t name, bool is_service)
{
    struct entry **at = place_of(rs, name, is_service);
    struct entry  *e = *at;

    if (e)
        return e;
    if (rs->entries >= ENTRIES_MAX) {
        purge(rs);
        at = place_of(rs, name, is_service);
    }
    e = calloc(1, sizeof(*e) + name.n + 1);
    if (!e)
        check_memory(sizeof(*e) + name.n + 1);
    memcpy(e + 1, name.p, name.n);
    e->name = (str_t){ (char *) (e + 1), name.n };
    e->is_service = is_service;
    e->owner = rs;
    list_init(&e->waiting);
    *at = e;
    rs->entries++;
    return e;
}
