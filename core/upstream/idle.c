/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections to peers that wait for another use.  Each worker has a pool for
 * each group; a connection in it is watched, and discarded as soon as the peer
 * says anything, since it has been asked nothing.
 *
 * What is more than the limit stays for a moment: answers come in bunches, and
 * the next requests right behind them.  Closing connections only to open as
 * many again costs more than all else about a small request.
 */
#include "core/net/worker.h"
#include "core/os/clock.h"
#include "core/upstream/build.h"

enum { SURPLUS_MS = 100 };


static void
take_out(struct idle *i)
{
    struct idle_pool *pool = i->group->idle;

    list_remove(&i->link);
    if (--pool->n == 0)
        timer_stop(&pool->trim);
    timer_stop(&i->conn.read_timer);
    conn_set_reusable(&i->conn, false);
    i->conn.is_quiet = false;
}


static void
drop(struct idle *i)
{
    take_out(i);
    i->discard(i);
}


static struct idle *
oldest(const struct idle_pool *pool)
{
    return list_entry(pool->list.prev, struct idle, link);
}


/* Discards what is too many and has not been wanted for a while. */
static void
on_trim(struct timer *t)
{
    struct idle_pool *pool = container_of(t, struct idle_pool, trim);
    struct idle      *i;

    while (pool->n != 0) {
        i = oldest(pool);
        if (pool->n <= i->group->keepalive)
            return;
        if (clock_ms() - i->kept_at < SURPLUS_MS) {
            timer_set(i->conn.loop, t, SURPLUS_MS);
            return;
        }
        drop(i);
    }
}


static void
on_timeout(struct timer *t)
{
    drop(container_of(t, struct idle, conn.read_timer));
}


/* Nothing there to read: it was a false alarm. */
static void
on_read(struct event *e)
{
    struct idle *i = container_of(e, struct idle, conn.event);

    if (conn_probe(&i->conn) == PROBE_QUIET)
        e->readable = false;
    else
        drop(i);
}


static void
on_unwanted(struct conn *c)
{
    drop(container_of(c, struct idle, conn));
}


static const struct conn_owner idle_owner = { .on_unwanted = on_unwanted };


struct idle *
idle_take(struct upstream_group *g, const struct peer *peer, const void *owner)
{
    if (g->idle == NULL)
        return NULL;
    LIST_EACH(&g->idle->list, l) {
        struct idle *i = list_entry(l, struct idle, link);

        if (i->peer != peer || (g->keepalive_local && i->owner != owner))
            continue;
        take_out(i);
        return i;
    }
    return NULL;
}


static bool
is_worth_keeping(const struct upstream_group *g, const struct idle *i)
{
    return g->idle != NULL && !worker->is_exiting && !i->conn.is_eof
           && !i->conn.event.hangup && i->conn.error == 0
           && i->requests < g->keepalive_requests
           && clock_ms() - i->opened_at <= g->keepalive_time;
}


static void
add(struct idle_pool *pool, struct idle *i)
{
    i->kept_at = clock_ms();
    list_insert(&pool->list, &i->link);
    if (++pool->n <= i->group->keepalive || timer_is_set(&pool->trim))
        return;
    pool->trim.on_timeout = on_trim;
    pool->trim.is_idle = true;
    timer_set(i->conn.loop, &pool->trim, SURPLUS_MS);
}


void
idle_keep(struct upstream_group *g, struct idle *i)
{
    if (!is_worth_keeping(g, i)) {
        i->discard(i);
        return;
    }
    i->group = g;
    add(g->idle, i);
    timer_stop(&i->conn.write_timer);
    i->conn.event.on_read = on_read;
    i->conn.read_timer.on_timeout = on_timeout;
    if (g->keepalive_timeout != 0)
        timer_set(i->conn.loop, &i->conn.read_timer, g->keepalive_timeout);
    i->conn.is_quiet = true;
    conn_set_owner(&i->conn, &idle_owner);
    conn_set_reusable(&i->conn, true);
    if (i->conn.event.readable)
        on_read(&i->conn.event);
}


void
idle_drop(struct upstream_group *g)
{
    if (g->idle == NULL)
        return;
    LIST_EACH(&g->idle->list, l)
        drop(list_entry(l, struct idle, link));
}
