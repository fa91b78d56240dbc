/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A list of processes, each with an array of counters that grows.  A process
 * that is killed in the middle of a change leaves the list whole; at worst, a
 * piece of the zone is lost.
 */
#include "core/shm/held.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/os/random.h"

enum { ROOM_LEAST = 16, WAITS = 1000 };

struct held_own held_own;

/* A fork has its child forget it. */
static bool is_watched;


static void
forget_own(void)
{
    held_own.pid = 0;
}


static void
find_own(void)
{
    if (!is_watched)
        CHECK(pthread_atfork(NULL, NULL, forget_own) == 0);
    is_watched = true;
    random_fill(&held_own.id, sizeof(held_own.id));
    held_own.pid = getpid();
}


struct holder *
held_take(struct zone *z, struct held *h)
{
    struct holder *it = h->first;

    if (held_own.pid == 0)
        find_own();
    while (it != NULL && !holder_is_own(it))
        it = it->next;
    if (it != NULL)
        return it;
    it = zone_alloc(z, sizeof(*it));
    if (it == NULL)
        return NULL;
    *it = (struct holder){ .next = h->first,
                           .pid = held_own.pid,
                           .id = held_own.id };
    IN_ORDER();
    h->first = it;
    return it;
}


static bool
is_dead(const struct holder *it)
{
    return it->pid == held_own.pid ? it->id != held_own.id
                                   : kill(it->pid, 0) == -1 && errno == ESRCH;
}


struct holder *
held_find_dead(const struct held *h)
{
    struct holder *it = h->first;

    if (held_own.pid == 0)
        find_own();
    while (it != NULL && !is_dead(it))
        it = it->next;
    return it;
}


void
held_unlink(struct held *h, struct holder *it)
{
    struct holder **at = &h->first;

    while (*at != it)
        at = &(*at)->next;
    *at = it->next;
    IN_ORDER();
}


void
held_free(struct zone *z, struct holder *it)
{
    zone_free(z, (void *) it->counts);
    zone_free(z, it);
}


/* --- counters --------------------------------------------------------------- */

unsigned
holder_count(const struct holder *it, unsigned object, uint32_t generation)
{
    if (object >= it->room)
        return 0;
    return holder_count_in(
        atomic_load_explicit(&it->counts[object], memory_order_relaxed),
        generation);
}


bool
holder_grow(struct zone *z, struct holder *it, unsigned object)
{
    unsigned room = it->room != 0 ? it->room : ROOM_LEAST;
    void    *counts, *before = (void *) it->counts;

    if (object < it->room)
        return true;
    while (room <= object)
        room *= 2;
    counts = zone_alloc(z, room * sizeof(*it->counts));
    if (counts == NULL)
        return false;
    memset(counts, 0, room * sizeof(*it->counts));
    if (it->room != 0)
        memcpy(counts, before, it->room * sizeof(*it->counts));
    it->counts = counts;
    IN_ORDER();
    it->room = room;
    zone_free(z, before);
    return true;
}


unsigned
held_sum(const struct held *h, unsigned object, uint32_t generation)
{
    unsigned sum = 0;

    for (const struct holder *it = h->first; it != NULL; it = it->next)
        sum += holder_count(it, object, generation);
    return sum;
}


/* The counter is read behind it: acquire, for the release of holder_end. */
bool
holder_is_busy(const struct holder *it, unsigned object)
{
    return atomic_load_explicit(&it->busy, memory_order_acquire) == object + 1;
}


/* Who is busy has a few instructions left, and waits for nobody.  One that does
 * not end them is stopped, or dead though its parent has not heard of it. */
void
held_settle(const struct held *h, unsigned object)
{
    for (const struct holder *it = h->first; it != NULL; it = it->next)
        for (unsigned i = 0; i < WAITS && holder_is_busy(it, object); i++)
            sched_yield();
}


void
holder_add(struct zone *z, struct holder *it, unsigned object)
{
    if (holder_grow(z, it, object))
        holder_end(it, object, 0, 1);
}


void
holder_subtract(struct holder *it, unsigned object)
{
    if (object < it->room)
        holder_end(it, object, 0, -1);
}
