/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The carrier reads for all of its uses and divides what comes among them; it
 * sends, once in a turn, what they ask for.  Only a large value is read by the
 * use that it is for, as fast as its client takes it.  Where that is too slow,
 * those behind it go to another connection.
 *
 * An answer that cannot be understood, and all that follows it, is its use's
 * alone, which finds out what is wrong.
 */
#include "modules/gateway/memcached_link.h"

#include "core/base/check.h"

enum {
    READ_ONCE = 32768,
    READS = 16,       /* in one turn                                        */
    LARGE = 16384,    /* what is left of a value, to be read by its use     */
    HOLD_MAX = 65536, /* ... to be taken into memory for those behind it, or
                         read for nobody                                    */
    HOLD_MS = 20,     /* that they wait for a slow client                   */
    OUT_MAX = 65536,  /* not sent so far                                    */
};

/* The state of an outer link. */
struct carrier {
    struct link           *link;
    struct arena          *arena; /* of conn.out; NULL: was never entered   */
    struct chain           links; /* free ones for conn.out                 */
    struct memcached_order order;
    struct list            others; /* turns of uses that wait for nothing   */
    struct post            flush, again;
    struct timer           hold;
    bool is_holding;  /* a slow client's value is taken into memory         */
    bool is_raw;      /* what comes is the first use's, whatever it is      */
    bool is_doubtful; /* nobody else may enter                              */
};


static struct carrier *
carrier_of(const struct link *l)
{
    return l->state;
}


static struct memcached_use *
use_of(const struct conn *conn)
{
    return container_of(conn, struct link, conn)->state;
}


/* Who the answer is for that comes next, or is coming; NULL: nobody. */
static struct memcached_use *
current(const struct carrier *c)
{
    struct memcached_turn *t = memcached_order_current(&c->order);

    return t != NULL ? container_of(t, struct memcached_use, turn) : NULL;
}


static uint64_t
rest(const struct carrier *c)
{
    return memcached_rest(&c->order.answer);
}


/* Whether that one reads for itself. */
static bool
is_large(const struct carrier *c)
{
    return (c->is_raw || (!c->is_holding && rest(c) > LARGE))
           && current(c) != NULL;
}


/* --- uses ----------------------------------------------------------------- */

static void
wake(struct memcached_use *u)
{
    struct event *e = &u->link->conn.event;

    e->readable = true;
    e->on_read(e);
}


/* The connection ends for it.  Where nothing of its answer was to come before
 * that of another, it is as if the connection had been idle. */
static void
part(struct memcached_use *u, bool was_next)
{
    list_remove(&u->turn.place);
    u->link->outer->inner--;
    u->link->outer = NULL;
    if (!was_next)
        u->link->was_idle = true;
    u->link->conn.event.hangup = true;
    wake(u);
}


static struct memcached_use *
entry(struct list *l)
{
    return list_entry(l, struct memcached_use, turn.place);
}


/* The connection is of no use any more. */
static void
fail(struct carrier *c)
{
    struct memcached_use *next = current(c);

    if (next != NULL)
        next->link->conn.error = c->link->conn.error;
    LIST_EACH(&c->order.queue, it)
        part(entry(it), entry(it) == next);
    LIST_EACH(&c->others, it)
        part(entry(it), true);
    link_discard(c->link);
}


/* The next one has the connection to itself: those behind it ask again
 * elsewhere, and their answers are not waited for. */
static void
leave_alone(struct carrier *c)
{
    struct memcached_use *next = current(c);

    c->is_doubtful = true;
    LIST_EACH(&c->order.queue, it) {
        struct memcached_use *u = entry(it);

        if (u == next)
            continue;
        memcached_order_leave(&c->order, &u->turn);
        u->link->is_moved = true;
        part(u, false);
    }
}


/* --- input ---------------------------------------------------------------- */

/* What comes is the next one's.  False: there is none. */
static bool
give_up_order(struct carrier *c)
{
    if (current(c) == NULL)
        return false;
    leave_alone(c);
    c->is_raw = true;
    return true;
}


static void
finish(struct carrier *c, struct memcached_use *u)
{
    c->is_holding = false;
    timer_stop(&c->hold);
    if (u != NULL)
        list_append(&c->others, &u->turn.place);
}


/* What u is to read; without a use, nobody wants it. */
static void
add(struct carrier *c, struct memcached_use *u, str_t s)
{
    struct link *l = c->link;

    if (u != NULL && s.n != 0) {
        chain_add_block(&u->in, l->block, s);
        wake(u);
    }
    l->in.read += s.n;
    l->in.start = l->in.read; /* what is before it has other owners */
}


/* Divides what has come.  False: it is the end of the connection. */
static bool
take(struct carrier *c)
{
    struct memcached_use *u = NULL;
    enum memcached_part   came = MEMCACHED_COMPLETE;

    while (buf_len(&c->link->in) != 0 && came == MEMCACHED_COMPLETE) {
        str_t in = buf_str(&c->link->in);

        if (c->order.n == 0) { /* that is more than the last answer */
            add(c, u, in);
            return false;
        }
        u = current(c);
        came = memcached_order_take(&c->order, &in);
        if (came == MEMCACHED_BROKEN && !give_up_order(c))
            return false;
        if (came == MEMCACHED_BROKEN)
            in = STR("");
        add(c, u, (str_t){ c->link->in.read, buf_len(&c->link->in) - in.n });
        if (came == MEMCACHED_COMPLETE)
            finish(c, u);
    }
    return current(c) != NULL || rest(c) <= HOLD_MAX;
}


/* Whether somebody waits behind the next one. */
static bool
has_others(const struct carrier *c)
{
    return c->order.queue.next != c->order.queue.prev;
}


static void
watch_next(struct carrier *c)
{
    wake(current(c));
    if (has_others(c) && !timer_is_set(&c->hold))
        timer_set(c->link->conn.loop, &c->hold, HOLD_MS);
}


static void
read_all(struct carrier *c)
{
    struct link *l = c->link;
    ssize_t      n;

    for (unsigned reads = 0; !is_large(c); reads++) {
        if (reads == READS) { /* let others have a turn */
            post_add_next(l->conn.loop, &c->again);
            break;
        }
        n = link_read(l, READ_ONCE);
        if (n == CONN_AGAIN && !l->conn.flush_failed)
            break;
        if (n <= 0 || !take(c)) {
            fail(c);
            return;
        }
    }
    if (buf_len(&l->in) == 0)
        link_drop_input(l);
    if (is_large(c))
        watch_next(c);
}


static void
on_read(struct event *e)
{
    read_all(carrier_of(container_of(e, struct link, conn.event)));
}


static void
run_again(struct post *p)
{
    read_all(container_of(p, struct carrier, again));
}


/* The first one takes long.  Where that is its client's fault, what is left is
 * taken into memory, or those behind it go. */
static void
on_hold(struct timer *t)
{
    struct carrier *c = container_of(t, struct carrier, hold);

    if (!c->link->conn.event.readable) {
        timer_set(c->link->conn.loop, t, HOLD_MS);
        return;
    }
    c->is_holding = rest(c) <= HOLD_MAX;
    if (c->is_holding)
        read_all(c);
    else
        leave_alone(c);
}


/* A part of a large value, for its use. */
static ssize_t
read_large(struct carrier *c, char *out, size_t n)
{
    struct memcached_use *u = current(c);
    enum memcached_part   came = MEMCACHED_COMING;
    ssize_t               got;
    str_t                 in;

    if (!c->is_raw && n > rest(c))
        n = (size_t) rest(c);
    got = conn_read(&c->link->conn, out, n);
    if (got == CONN_AGAIN)
        return got;
    if (got <= 0) {
        fail(c);
        return got;
    }
    in = (str_t){ out, (size_t) got };
    if (!c->is_raw)
        came = memcached_order_take(&c->order, &in);
    if (came == MEMCACHED_BROKEN)
        (void) give_up_order(c);
    if (came == MEMCACHED_COMPLETE)
        finish(c, u);
    if (!is_large(c)) /* others are next */
        post_add(c->link->conn.loop, &c->again);
    return got;
}


/* --- output --------------------------------------------------------------- */

/* What has come before it broke is still read. */
static void
run_flush(struct post *p)
{
    struct carrier *c = container_of(p, struct carrier, flush);
    struct conn    *conn = &c->link->conn;

    if (conn_flush(conn, 0) != FLUSH_ERROR)
        return;
    conn->event.readable = true;
    post_add(conn->loop, &c->again);
}


static void
on_flushed(struct conn *conn)
{
    run_flush(&carrier_of(container_of(conn, struct link, conn))->flush);
}


/* --- the io of a use ------------------------------------------------------ */

static ssize_t
read_use(struct conn *conn, char *out, size_t n)
{
    struct memcached_use *u = use_of(conn);
    struct carrier       *c;
    ssize_t               got = CONN_AGAIN;

    if (u->in.n != 0) {
        n = chain_peek(&u->in, out, n);
        chain_skip(&u->in, n);
        return (ssize_t) n;
    }
    if (u->link->outer != NULL) {
        c = carrier_of(u->link->outer);
        if (current(c) == u && is_large(c))
            got = read_large(c, out, n);
    }
    if (got > 0)
        return got;
    if (u->link->outer != NULL) {
        conn->event.readable = false;
        return CONN_AGAIN;
    }
    if (conn->error == 0)
        return 0;
    conn_log_error(conn, conn->error, "recv() failed");
    return CONN_ERROR;
}


/* All that comes is one request. */
static ssize_t
send_use(struct conn *conn, struct chain *out, size_t limit)
{
    struct memcached_use *u = use_of(conn);
    struct carrier       *c;
    size_t                n = out->n;

    (void) limit;
    if (u->link->outer == NULL)
        return CONN_ERROR;
    CHECK(!u->turn.is_asked);
    c = carrier_of(u->link->outer);
    list_remove(&u->turn.place);
    memcached_order_ask(&c->order, &u->turn);
    while (!chain_empty(out)) {
        chain_add_copy(&u->link->outer->conn.out,
                       (str_t){ out->head->p, out->head->n });
        chain_drop_first(out);
    }
    post_add_late(c->link->conn.loop, &c->flush);
    return (ssize_t) n;
}


static enum probe
probe_use(struct conn *conn)
{
    const struct memcached_use *u = use_of(conn);

    if (u->in.n != 0)
        return PROBE_INPUT;
    return u->link->outer != NULL ? PROBE_QUIET : PROBE_END;
}


static void
close_use(struct conn *conn)
{
    chain_clear(&use_of(conn)->in);
}


static const struct conn_io use_io = {
    .name = "memcached",
    .read = read_use,
    .send = send_use,
    .probe = probe_use,
    .close = close_use,
};


/* --- entering and leaving ------------------------------------------------- */

/* The last one has left. */
static void
settle(struct carrier *c, struct upstream_group *g)
{
    struct conn *conn = &c->link->conn;
    bool ok = !c->is_doubtful && c->order.n == 0 && chain_empty(&conn->out);

    post_cancel(&c->flush);
    post_cancel(&c->again);
    timer_stop(&c->hold);
    conn->on_flushed = NULL;
    chain_take_links(&c->links, &conn->out);
    link_settle(c->link, g, ok);
}


/* u leaves, and nobody wants its answer.  False: nor can that be skipped. */
static bool
forget(struct carrier *c, struct memcached_use *u)
{
    bool is_next = current(c) == u;

    if (!u->turn.is_asked || u->turn.is_whole) {
        list_remove(&u->turn.place);
        return true;
    }
    memcached_order_leave(&c->order, &u->turn);
    c->is_doubtful = c->is_doubtful || u->link->timed_out;
    return !is_next
           || (!u->link->timed_out && !c->is_raw && rest(c) <= HOLD_MAX);
}


static void
leave(struct link *l, struct upstream_group *g)
{
    struct carrier *c = l->outer != NULL ? carrier_of(l->outer) : NULL;
    bool            can_go_on = c != NULL && forget(c, l->state);

    l->outer = NULL;
    l->task = NULL;
    link_discard(l);
    if (c == NULL)
        return;
    if (--c->link->inner == 0)
        settle(c, g);
    else if (!can_go_on)
        fail(c);
    else if (c->link->conn.event.readable)
        post_add(c->link->conn.loop, &c->again);
}


static const struct link_protocol use_link
    = { .state_size = sizeof(struct memcached_use), .leave = leave };


static void
init(struct carrier *c, struct link *l)
{
    c->link = l;
    c->flush.run = run_flush;
    c->again.run = run_again;
    c->hold.on_timeout = on_hold;
    c->arena = arena_new(0);
    chain_init(&c->links, c->arena);
    memcached_order_init(&c->order);
    list_init(&c->others);
}


/* The connection becomes a carrier, with the first use or when it was idle. */
static void
take_over(struct carrier *c, struct link *l)
{
    if (c->arena == NULL)
        init(c, l);
    link_carry(l, &c->links, on_read, on_flushed);
    if (l->conn.event.readable)
        post_add(l->conn.loop, &c->again);
}


static struct link *
enter(struct link *l, struct task *t)
{
    struct carrier       *c = carrier_of(l);
    struct link          *inner;
    struct memcached_use *u;

    if (l->inner++ == 0)
        take_over(c, l);
    inner = link_new_inner(l, t, &use_io, &use_link);
    inner->conn.is_quiet = inner->was_idle;
    u = inner->state;
    u->link = inner;
    chain_init(&u->in, t->arena);
    list_append(&c->others, &u->turn.place);
    return inner;
}


static bool
has_room(const struct link *l)
{
    const struct carrier *c = carrier_of(l);

    return !c->is_doubtful && !is_large(c) && c->order.n < l->kind.most
           && l->conn.out.n < OUT_MAX;
}


static void
end(struct link *l)
{
    struct carrier *c = carrier_of(l);

    post_cancel(&c->flush);
    post_cancel(&c->again);
    timer_stop(&c->hold);
    if (c->arena != NULL)
        arena_free(c->arena);
}


const struct link_protocol memcached_link = {
    .state_size = sizeof(struct carrier),
    .end = end,
    .enter = enter,
    .has_room = has_room,
};
