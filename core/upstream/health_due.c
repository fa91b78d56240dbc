/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When peers are asked: lists of the probes that are due in the same
 * millisecond, in a ring, and one timer for the first of them.  A loop's timers
 * would be a heap with all peers in it, whose memory is cold each time.
 */
#include <stdlib.h>

#include "core/os/clock.h"
#include "core/upstream/health_inside.h"

enum {
    PLACES = 8192,  /* milliseconds of a turn of the ring                   */
    FINE_MS = 1000, /* from this interval on questions are asked at ...     */
    FINE_GRID = 20, /* ... multiples of it, ...                             */
    WIDE_MS = 2500,
    WIDE_GRID = 50, /* ... or of this: at most 2% late                      */
};

static struct {
    struct list *at;     /* PLACES of them; NULL: nothing was ever due       */
    unsigned     n;      /* probes in them                                   */
    msec_t       passed; /* all until then have been looked at               */
    struct timer timer;  /* set: to a moment when the first one is due       */
} ring;


static struct list *
place(msec_t at)
{
    return &ring.at[at % PLACES];
}


/* At a moment with something in its place, if it is of a later turn. */
static void
set_timer(struct loop *l)
{
    msec_t at = ring.passed + 1, now = clock_ms();

    if (ring.n == 0)
        return;
    while (list_empty(place(at)))
        at++;
    timer_set(l, &ring.timer, at > now ? at - now : 0);
}


static void
ask_all(struct list *due, msec_t now)
{
    struct list *l;

    while ((l = list_pop(due)) != NULL) {
        struct health_probe *p = container_of(l, struct health_probe, due);

        if (p->due_at > now) {
            list_append(place(p->due_at), l);
            continue;
        }
        ring.n--;
        probe_begin(p);
    }
}


/* Many questions in one turn of the loop cost much less than each in its own. */
static void
on_due(struct timer *t)
{
    msec_t now = clock_ms();
    msec_t first = now - ring.passed > PLACES ? now - PLACES : ring.passed;

    ring.passed = now;
    for (msec_t at = first + 1; at <= now; at++) {
        struct list due;

        list_init(&due);
        list_splice(&due, place(at));
        ask_all(&due, now);
    }
    set_timer(t->loop);
}


static void
begin(void)
{
    ring.at = calloc(PLACES, sizeof(ring.at[0]));
    if (ring.at == NULL)
        check_memory(PLACES * sizeof(ring.at[0]));
    for (unsigned i = 0; i < PLACES; i++)
        list_init(&ring.at[i]);
    ring.timer.on_timeout = on_due;
    ring.timer.is_idle = true;
}


static msec_t
grid_of(msec_t interval)
{
    if (interval < FINE_MS)
        return 1;
    return interval < WIDE_MS ? FINE_GRID : WIDE_GRID;
}


void
health_due_in(struct health_probe *p, msec_t ms)
{
    msec_t grid = grid_of(health_check_of(p->health)->interval);
    msec_t now = clock_ms();

    if (ring.at == NULL)
        begin();
    if (ring.n == 0)
        ring.passed = now;
    p->due_at = (now + (ms != 0 ? ms : 1) + grid - 1) / grid * grid;
    list_append(place(p->due_at), &p->due);
    ring.n++;
    if (!timer_is_set(&ring.timer) || ring.timer.at > p->due_at)
        timer_set(p->task.loop, &ring.timer, p->due_at - now);
}


void
health_due_never(struct health_probe *p)
{
    if (p->due.next == NULL || list_empty(&p->due))
        return;
    list_remove(&p->due);
    if (--ring.n == 0)
        timer_stop(&ring.timer);
}
