/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Idle connections to peers.  The process has a pool for each name of a group,
 * which outlives generations: a reload leaves connections where they are.  One
 * in the pool is watched.  What the peer sends goes to the protocol that is
 * spoken over it; where that expects nothing from an idle peer, the connection
 * is discarded.
 *
 * Connections beyond the limit stay for a moment: responses come in bunches,
 * and the next requests right behind them.  Closing connections only to open
 * as many again costs more than all else about a small request.
 */
#include <stdlib.h>

#include "core/base/check.h"
#include "core/net/worker.h"
#include "core/os/clock.h"
#include "core/upstream/build.h"

enum {
    SURPLUS_MS = 100,
    BUCKETS = 4096,
    READ_ONCE = 4096,
    SINGLES = 16,
};

struct idle_pool {
    struct idle_pool *next;
    struct list       list; /* of struct link, the most recently used first  */
    struct list       shared; /* in use, and may have room for more uses      */
    struct list       opening; /* announced (opening.c)                       */
    uint32_t          single[SINGLES]; /* hashes of names, where they fall    */
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
take_out(struct link *l)
{
    struct idle_pool *pool = l->pool;

    list_remove(&l->place);
    if (--pool->n == 0)
        timer_stop(&pool->trim);
    timer_stop(&l->conn.read_timer);
    conn_set_reusable(&l->conn, false);
    l->conn.is_quiet = false;
}


static void
drop(struct link *l)
{
    take_out(l);
    link_discard(l);
}


static struct link *
oldest(const struct idle_pool *pool)
{
    return list_entry(pool->list.prev, struct link, place);
}


/* Discards what is too many and has not been wanted for a while. */
static void
on_trim(struct timer *t)
{
    struct idle_pool *pool = container_of(t, struct idle_pool, trim);
    struct link      *l;

    while (pool->n != 0) {
        l = oldest(pool);
        if (pool->n <= pool->limit)
            return;
        if (clock_ms() - l->kept_at < SURPLUS_MS) {
            timer_set(l->conn.loop, t, SURPLUS_MS);
            return;
        }
        drop(l);
    }
}


static void
on_timeout(struct timer *t)
{
    drop(container_of(t, struct link, conn.read_timer));
}


static bool
can_hear(const struct link *l)
{
    return l->kind.protocol != NULL && l->kind.protocol->on_idle != NULL;
}


/* Gives what is there to the protocol and sends its answer, whose pieces have
 * an arena for the moment, as no task does this.  False: the link's time is
 * over. */
static bool
hear(struct link *l)
{
    struct arena *a = arena_new(0);
    bool          ok;

    chain_init(&l->conn.out, a);
    ok = l->kind.protocol->on_idle(l, buf_str(&l->in), &l->conn.out)
         && conn_flush(&l->conn, 0) == FLUSH_DONE;
    chain_clear(&l->conn.out);
    arena_free(a);
    link_drop_input(l);
    return ok;
}


static bool
hear_all(struct link *l)
{
    ssize_t n;

    while ((n = link_read(l, READ_ONCE)) > 0) {
        l->idle_bytes += (uint64_t) n;
        if (l->idle_bytes > LINK_HEARD_MAX || !hear(l))
            return false;
    }
    link_drop_input(l);
    return n == CONN_AGAIN;
}


/* Something has come, or it was a false alarm. */
static void
on_read(struct event *e)
{
    struct link *l = container_of(e, struct link, conn.event);

    if (can_hear(l)) {
        if (!hear_all(l))
            drop(l);
    } else if (conn_probe(&l->conn) == PROBE_QUIET) {
        e->readable = false;
    } else {
        drop(l);
    }
}


static void
on_unwanted(struct conn *c)
{
    drop(container_of(c, struct link, conn));
}


/* Where it logs belongs to the generation that is served. */
static void
on_adopt(struct conn *c)
{
    c->log = worker->log;
}


static const struct conn_owner idle_owner
    = { .on_unwanted = on_unwanted, .on_adopt = on_adopt };


bool
link_kind_is(const struct link_kind *a, const struct link_kind *b)
{
    return a->protocol == b->protocol && a->settings == b->settings
           && str_eq(a->added, b->added) && a->owner == b->owner;
}


str_t
link_owned(const struct upstream_group *g, uint64_t owner)
{
    if (g->idle == NULL)
        return STR("");
    LIST_EACH(&g->idle->list, it) {
        const struct link *l = list_entry(it, struct link, place);

        if (l->kind.owner == owner)
            return l->name;
    }
    return STR("");
}


static bool
is_young(const struct upstream_group *g, const struct link *l)
{
    return l->requests < g->keepalive_requests
           && clock_ms() - l->opened_at <= g->keepalive_time;
}


void
idle_share(struct upstream_group *g, struct link *l)
{
    l->is_shared = true;
    l->pool = g->idle;
    list_insert(&l->pool->shared, &l->place);
}


void
idle_unshare(struct link *l)
{
    if (!l->is_shared)
        return;
    l->is_shared = false;
    list_remove(&l->place);
}


struct list *
idle_opening(struct idle_pool *pool)
{
    return &pool->opening;
}


bool
idle_is_single(const struct idle_pool *pool, str_t name)
{
    uint32_t h = str_hash(name) | 1;

    return pool->single[h / 2 % SINGLES] == h;
}


void
idle_note_single(struct idle_pool *pool, str_t name, bool is_single)
{
    if (is_single != idle_is_single(pool, name))
        pool->single[(str_hash(name) | 1) / 2 % SINGLES]
            = is_single ? str_hash(name) | 1 : 0;
}


struct link *
idle_find_shared(struct upstream_group *g, const struct peer *peer,
                 const struct link_kind *kind)
{
    if (kind->most < 2 || g->idle == NULL)
        return NULL;
    LIST_EACH(&g->idle->shared, it) {
        struct link *l = list_entry(it, struct link, place);

        if (l->inner < kind->most && link_kind_is(&l->kind, kind)
            && str_eq(l->name, peer->name) && is_young(g, l)
            && kind->protocol->has_room(l))
            return l;
    }
    return NULL;
}


/* What comes to an idle link is handled when its turn comes, which may be after
 * the event that wants the link. */
static bool
is_silent(struct link *l)
{
    return !l->is_doubtful || conn_probe(&l->conn) == PROBE_QUIET;
}


struct link *
idle_take(struct upstream_group *g, const struct peer *peer,
          const struct link_kind *kind)
{
    if (g->idle == NULL)
        return NULL;
    LIST_EACH(&g->idle->list, it) {
        struct link *l = list_entry(it, struct link, place);

        if (!link_kind_is(&l->kind, kind) || !str_eq(l->name, peer->name))
            continue;
        if (is_silent(l)) {
            take_out(l);
            return l;
        }
        drop(l);
    }
    return NULL;
}


unsigned
idle_count(const struct upstream_group *g)
{
    return g->idle != NULL ? g->idle->n : 0;
}


/* What is too many goes when it has not been wanted for a while.  Doubtful ones
 * take turns, so that each is wanted again and again: they go at once. */
static bool
is_surplus(const struct upstream_group *g, const struct link *l)
{
    return l->is_doubtful && g->idle->n >= g->keepalive;
}


static bool
is_worth_keeping(const struct upstream_group *g, const struct link *l)
{
    return g->idle != NULL && !worker->is_exiting && !l->conn.is_eof
           && !l->conn.event.hangup && l->conn.error == 0
           && (buf_len(&l->in) == 0 || can_hear(l)) && is_young(g, l)
           && !is_surplus(g, l);
}


static void
add(struct idle_pool *pool, struct link *l)
{
    l->kept_at = clock_ms();
    if (l->is_doubtful) /* others are used first */
        list_append(&pool->list, &l->place);
    else
        list_insert(&pool->list, &l->place);
    if (++pool->n <= pool->limit || timer_is_set(&pool->trim))
        return;
    pool->trim.on_timeout = on_trim;
    pool->trim.is_idle = true;
    timer_set(l->conn.loop, &pool->trim, SURPLUS_MS);
}


/* How long it may be idle; 0: no limit. */
static msec_t
timeout_of(const struct upstream_group *g, const struct link *l)
{
    msec_t ours = g->keepalive_timeout;

    return l->idle_limit != 0 && (ours == 0 || l->idle_limit < ours)
               ? l->idle_limit
               : ours;
}


void
idle_keep(struct upstream_group *g, struct link *l)
{
    if (!is_worth_keeping(g, l) || (buf_len(&l->in) != 0 && !hear(l))) {
        link_discard(l);
        return;
    }
    link_drop_input(l);
    l->idle_bytes = 0;
    l->pool = g->idle;
    l->pool->limit = g->keepalive;
    add(l->pool, l);
    timer_stop(&l->conn.write_timer);
    l->conn.event.on_read = on_read;
    l->conn.read_timer.on_timeout = on_timeout;
    if (timeout_of(g, l) != 0)
        timer_set(l->conn.loop, &l->conn.read_timer, timeout_of(g, l));
    l->conn.is_quiet = true;
    conn_set_owner(&l->conn, &idle_owner);
    conn_set_reusable(&l->conn, true);
    if (l->conn.event.readable)
        on_read(&l->conn.event);
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
        list_init(&p->shared);
        list_init(&p->opening);
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
    LIST_EACH(&p->list, it)
        drop(list_entry(it, struct link, place));
    LIST_EACH(&p->shared, it)
        idle_unshare(list_entry(it, struct link, place));
    LIST_EACH(&p->opening, it)
        link_opened(list_entry(it, struct link, place), AWAIT_VAIN);
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    free(p);
}
