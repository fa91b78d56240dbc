/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers in a heap.  Most timers are moved to later many times and never
 * expire: such a move is a store to t->at only, and the heap is corrected when
 * the old time is reached.  So node.key <= at holds for each timer that is
 * set.
 */
#include <limits.h>

#include "core/event/state.h"
#include "core/os/clock.h"


static struct timer *
timer_of(struct heap_node *node)
{
    return container_of(node, struct timer, node);
}


void
timer_set(struct loop *l, struct timer *t, msec_t delay_ms)
{
    /* Timers set meanwhile wait for the next turn: no turn is endless. */
    msec_t at = clock_ms() + (delay_ms == 0 && l->is_expiring ? 1 : delay_ms);

    t->loop = l;
    t->at = at;
    if (timer_is_set(t)) {
        if (at < t->node.key) {
            t->node.key = at;
            heap_moved(&l->timers, &t->node);
        }
        return;
    }
    t->node.key = at;
    heap_push(&l->timers, &t->node);
    l->n_idle += t->is_idle;
}


void
timer_stop(struct timer *t)
{
    if (!timer_is_set(t))
        return;
    heap_remove(&t->loop->timers, &t->node);
    t->loop->n_idle -= t->is_idle;
}


msec_t
timer_left(const struct timer *t)
{
    msec_t now = clock_ms(), at = t->at;

    return timer_is_set(t) && at > now ? at - now : 0;
}


size_t
timer_count(const struct loop *l)
{
    return l->timers.n - l->n_idle;
}


int
timers_wait(const struct loop *l)
{
    struct heap_node *first = heap_min(&l->timers);
    msec_t            now = clock_ms();

    if (first == NULL)
        return -1;
    if (first->key <= now)
        return 0;
    return first->key - now > INT_MAX ? INT_MAX : (int) (first->key - now);
}


void
timers_expire(struct loop *l)
{
    struct heap_node *first;
    msec_t            now = clock_ms();

    l->is_expiring = true;
    while ((first = heap_min(&l->timers)) != NULL && first->key <= now) {
        struct timer *t = timer_of(first);

        if (t->at > now) {
            first->key = t->at;
            heap_moved(&l->timers, first);
            continue;
        }
        timer_stop(t);
        t->on_timeout(t);
    }
    l->is_expiring = false;
}
