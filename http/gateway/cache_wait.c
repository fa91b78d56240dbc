/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests that wait until another one, of this process or of another, has stored
 * what they want, or gives up.
 */
#include "core/event/bell.h"
#include "http/gateway/cache_inside.h"

enum { POLL_MS = 500 }; /* for claims of processes that have died            */

/* Requests of this process that wait for others, and what tells of processes that
 * have given up a claim. */
static struct list waiting = { &waiting, &waiting };
static struct bell bell;


/* --- waiting for another request ---------------------------------------------- */

static void
on_time(struct timer *t)
{
    struct cached *c = container_of(t, struct cached, timer);

    task_wake(c->task);
}


void
cache_stop_waiting(struct cached *c)
{
    timer_stop(&c->timer);
    if (c->link.next != NULL)
        list_remove(&c->link);
    c->link.next = NULL;
    if (list_empty(&waiting))
        bell_ignore(&bell);
}


static void
on_ring(struct bell *b)
{
    (void) b;
    LIST_EACH(&waiting, l)
        task_wake(container_of(l, struct cached, link)->task);
}


void
cache_wait(struct cached *c, msec_t ms)
{
    struct loop *loop = c->task->loop;

    if (c->link.next == NULL)
        list_append(&waiting, &c->link);
    c->timer.on_timeout = on_time;
    bell.on_ring = on_ring;
    bell_listen(&bell, loop);
    timer_set(loop, &c->timer, ms < POLL_MS ? ms : POLL_MS);
}


/* Others may fill it now. */
static void
wake_others(const struct cached *c)
{
    LIST_EACH(&waiting, l) {
        struct cached *other = container_of(l, struct cached, link);

        if (other->in->in->zone == c->in->in->zone
            && memcmp(&other->key, &c->key, sizeof(c->key)) == 0)
            task_wake(other->task);
    }
}


void
cache_leave(struct cached *c)
{
    if (c->claim == 0)
        return;
    disk_cache_leave(c->in, &c->key, c->claim);
    c->claim = 0;
    wake_others(c);
}
