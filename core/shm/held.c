/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A list of processes, each with an array of counters that grows.  A process
 * that is killed in the middle of a change leaves the list whole; at worst, a
 * piece of the zone is lost.
 */
#include "core/shm/held.h"

#include <stdatomic.h>
#include <string.h>

enum { ROOM_LEAST = 16 };

struct holder {
    struct holder *next;
    pid_t          pid;
    unsigned       room;
    unsigned      *counts;
};

/* As in zone.c: stores before it are made before those behind it. */
#define IN_ORDER() atomic_signal_fence(memory_order_seq_cst)


struct holder *
held_find(const struct held *h, pid_t pid)
{
    struct holder *it = h->first;

    while (it != NULL && it->pid != pid)
        it = it->next;
    return it;
}


struct holder *
held_take(struct zone *z, struct held *h, pid_t pid)
{
    struct holder *it = held_find(h, pid);

    if (it != NULL)
        return it;
    it = zone_alloc(z, sizeof(*it));
    if (it == NULL)
        return NULL;
    *it = (struct holder){ .next = h->first, .pid = pid };
    IN_ORDER();
    h->first = it;
    return it;
}


void
held_free(struct zone *z, struct held *h, struct holder *it)
{
    struct holder **at = &h->first;

    while (*at != it)
        at = &(*at)->next;
    *at = it->next;
    IN_ORDER();
    zone_free(z, it->counts);
    zone_free(z, it);
}


unsigned
holder_count(const struct holder *it, unsigned object)
{
    return object < it->room ? it->counts[object] : 0;
}


static bool
grow(struct zone *z, struct holder *it, unsigned least)
{
    unsigned  room = it->room != 0 ? it->room : ROOM_LEAST;
    unsigned *counts, *before = it->counts;

    while (room < least)
        room *= 2;
    counts = zone_alloc(z, room * sizeof(*counts));
    if (counts == NULL)
        return false;
    memset(counts, 0, room * sizeof(*counts));
    if (it->room != 0)
        memcpy(counts, before, it->room * sizeof(*counts));
    it->counts = counts;
    IN_ORDER();
    it->room = room;
    zone_free(z, before);
    return true;
}


void
holder_add(struct zone *z, struct holder *it, unsigned object)
{
    if (object < it->room || grow(z, it, object + 1))
        it->counts[object]++;
}


void
holder_subtract(struct holder *it, unsigned object)
{
    if (holder_count(it, object) != 0)
        it->counts[object]--;
}


unsigned
held_sum(const struct held *h, unsigned object)
{
    unsigned sum = 0;

    for (const struct holder *it = h->first; it != NULL; it = it->next)
        sum += holder_count(it, object);
    return sum;
}
