/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections to peers that wait for another use.  The process has a pool for
 * each name of a group, which outlives generations: a reload leaves connections
 * where they are.  One in the pool is watched, and discarded as soon as the
 * peer says anything, since it has been asked nothing.
 *
 * What is more than the limit stays for a moment: answers come in bunches, and
 * the next requests right behind them.  Closing connections only to open as
 * many again costs more than all else about a small request.
 */
#include <stdlib.h>

#include "core/base/check.h"
#include "core/net/worker.h"
#include "core/os/clock.h"
#include "core/upstream/build.h"

enum { SURPLUS_MS = 100, BUCKETS = 256 };

struct idle_pool {
    struct idle_pool *next;
    struct list       list; /* of struct idle, the most recently used first  */
    unsigned          n, refs;
    uint64_t          limit; /* keepalive, of the group that kept one last   */
    struct timer      trim;  /* set when there are too many, not while empty  */
    enum serves_kind  kind;
    unsigned          port;
    size_t            name_n;
    char              name[];
};

static struct idle_pool *pools[BUCKETS]; /* by name */


static void
take_out(struct idle *i)
{
    struct idle_pool *pool = i->pool;

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
        if (pool->n <= pool->limit)
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
idle_take(struct upstream_group *g, const struct peer *peer, uint64_t kind)
{
    if (g->idle == NULL)
        return NULL;
    LIST_EACH(&g->idle->list, l) {
        struct idle *i = list_entry(l, struct idle, link);

        if (i->kind != kind || !str_eq(i->name, peer->name))
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
    if (++pool->n <= pool->limit || timer_is_set(&pool->trim))
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
    i->pool = g->idle;
    i->pool->limit = g->keepalive;
    add(i->pool, i);
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


static struct idle_pool **
bucket_of(str_t name)
{
    return &pools[str_hash(name) % BUCKETS];
}


static struct idle_pool *
find_pool(const struct upstream_group *g, enum serves_kind kind)
{
    struct idle_pool *p = *bucket_of(g->name);

    while (p != NULL
           && !(p->kind == kind && p->port == g->port && p->name_n == g->name.n
                && memcmp(p->name, g->name.p, g->name.n) == 0))
        p = p->next;
    return p;
}


struct idle_pool *
idle_pool_get(const struct upstream_group *g, enum serves_kind kind)
{
    struct idle_pool *p = find_pool(g, kind);

    if (p == NULL) {
        p = calloc(1, sizeof(*p) + g->name.n);
        if (p == NULL)
            check_memory(sizeof(*p));
        list_init(&p->list);
        p->kind = kind;
        p->port = g->port;
        p->name_n = g->name.n;
        memcpy(p->name, g->name.p, g->name.n);
        p->next = *bucket_of(g->name);
        *bucket_of(g->name) = p;
    }
    p->refs++;
    return p;
}


void
idle_pool_put(struct idle_pool *p)
{
    struct idle_pool **at = bucket_of((str_t){ p->name, p->name_n });

    if (--p->refs != 0)
        return;
    LIST_EACH(&p->list, l)
        drop(list_entry(l, struct idle, link));
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    free(p);
}
