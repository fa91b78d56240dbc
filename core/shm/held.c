/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A list of processes, each with an array of counters that grows.  A process
 * that is killed in the middle of a change leaves the list whole; at worst, a
 * piece of the zone is lost.
 */
#include "core/shm/held.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/os/random.h"

enum { ROOM_LEAST = 16 };

struct holder {
    struct holder *next;
    pid_t          pid;
    unsigned       room;
    uint64_t       id; /* of the process, random                             */
    unsigned      *counts;
};


/* This process, once somebody has asked.  Not its number alone, which another
 * may have had before. */
static struct {
    pid_t    pid; /* 0: nobody has                                           */
    uint64_t id;
    bool     is_watched; /* a fork has its child forget it                   */
} own;


static void
forget_own(void)
{
    own.pid = 0;
}


static void
find_own(void)
{
    if (!own.is_watched)
        CHECK(pthread_atfork(NULL, NULL, forget_own) == 0);
    own.is_watched = true;
    random_fill(&own.id, sizeof(own.id));
    own.pid = getpid();
}


static bool
is_own(const struct holder *it)
{
    return it->pid == own.pid && it->id == own.id;
}


struct holder *
held_take(struct zone *z, struct held *h)
{
    struct holder *it = h->first;

    if (own.pid == 0)
        find_own();
    while (it != NULL && !is_own(it))
        it = it->next;
    if (it != NULL)
        return it;
    it = zone_alloc(z, sizeof(*it));
    if (it == NULL)
        return NULL;
    *it = (struct holder){ .next = h->first, .pid = own.pid, .id = own.id };
    IN_ORDER();
    h->first = it;
    return it;
}


struct holder *
held_find_dead(const struct held *h)
{
    if (own.pid == 0)
        find_own();
    for (struct holder *it = h->first; it != NULL; it = it->next) {
        if (it->pid == own.pid ? it->id != own.id
                               : kill(it->pid, 0) == -1 && errno == ESRCH)
            return it;
    }
    return NULL;
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


void
held_forget(struct held *h, unsigned object)
{
    for (struct holder *it = h->first; it != NULL; it = it->next)
        if (object < it->room)
            it->counts[object] = 0;
}
