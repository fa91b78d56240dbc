/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The carrier reads for all of its streams, whose windows hold the server back
 * where nobody takes what has come; and it sends, once in a turn, what they
 * and the session have to say.  It outlives requests and generations, so that
 * all that waits in its own output is in memory of its own.
 */
#include "modules/gateway/h2peer_link.h"

#include <errno.h>
#include <unistd.h>

#include "core/base/check.h"

enum {
    READ_ONCE = 32768,
    READS = 16,      /* in one turn                                        */
    OUT_MAX = 65536, /* gathered for one write                             */
    OUT_BLOCK = 32768,
};

/* The state of an outer link. */
struct carrier {
    struct link *link;
    struct h2peer_session
                 *session; /* NULL: was never entered, or has ended     */
    struct arena *arena;   /* of conn.out                               */
    struct chain  links;   /* free ones for conn.out                    */
    struct block *block;   /* the end of conn.out                       */
    size_t        used;    /* of it                                     */
    struct post   flush, again;
    bool          is_doubtful; /* a use has timed out                   */
};


static struct carrier *
carrier_of(const struct link *l)
{
    return l->state;
}


/* --- output --------------------------------------------------------------- */

static void
put(struct carrier *c, struct chain *out, str_t s)
{
    while (s.n != 0) {
        size_t n = s.n;
        char  *at;

        if (c->block == NULL || c->used == c->block->size) {
            block_put(c->block);
            c->block = block_new(OUT_BLOCK);
            c->used = 0;
        }
        if (n > c->block->size - c->used)
            n = c->block->size - c->used;
        at = c->block->data + c->used;
        memcpy(at, s.p, n);
        chain_add_block(out, c->block, (str_t){ at, n });
        c->used += n;
        s = str_from(s, n);
    }
}


/* An idle connection has none. */
static void
drop_block(struct carrier *c)
{
    block_put(c->block);
    c->block = NULL;
}


static void
gather(struct carrier *c, struct chain *out)
{
    str_t s;

    while (out->n < OUT_MAX && (s = h2peer_give(c->session)).n != 0)
        put(c, out, s);
}


/* The connection is of no use any more: all streams end. */
static void
fail(struct carrier *c)
{
    h2peer_end(c->session);
    link_discard(c->link);
}


static enum flush
flush(struct carrier *c)
{
    struct conn *conn = &c->link->conn;
    enum flush   f;

    do {
        gather(c, &conn->out);
        if (conn->out.n == 0 && !conn->has_unsent)
            return FLUSH_DONE;
        f = conn_flush(conn, 0);
    } while (f == FLUSH_DONE);
    return f;
}


static void
run_flush(struct post *p)
{
    struct carrier *c = container_of(p, struct carrier, flush);

    if (flush(c) == FLUSH_ERROR || h2peer_is_ending(c->session))
        fail(c);
}


static void
on_flushed(struct conn *conn)
{
    run_flush(&carrier_of(container_of(conn, struct link, conn))->flush);
}


static void
flush_late(struct carrier *c)
{
    post_add_late(c->link->conn.loop, &c->flush);
}


/* --- input ---------------------------------------------------------------- */

/* False: the session has ended. */
static bool
take(struct carrier *c)
{
    struct link *l = c->link;
    str_t        in = buf_str(&l->in);

    l->in.read = l->in.write;
    if (in.n != 0 && !h2peer_take(c->session, in))
        return false;
    return true;
}


/* The session is over, which the peer is told, if it can be told at once. */
static void
give_up(struct carrier *c)
{
    (void) flush(c);
    fail(c);
}


static void
read_all(struct carrier *c)
{
    struct link *l = c->link;
    ssize_t      n;

    for (unsigned reads = 0; reads < READS; reads++) {
        n = link_read(l, READ_ONCE);
        if (n == CONN_AGAIN)
            break;
        if (n <= 0) {
            fail(c);
            return;
        }
        if (!take(c)) {
            give_up(c);
            return;
        }
        if (reads + 1 == READS) /* let others have a turn */
            post_add_next(l->conn.loop, &c->again);
    }
    if (buf_len(&l->in) == 0)
        link_drop_input(l);
    if (h2peer_has_more(c->session))
        flush_late(c);
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


/* --- an idle connection --------------------------------------------------- */

static bool
on_idle(struct link *l, str_t in, struct chain *out)
{
    struct carrier *c = carrier_of(l);
    bool            ok = c->session != NULL && h2peer_take(c->session, in);

    if (c->session != NULL)
        gather(c, out);
    drop_block(c);
    return ok && h2peer_has_room(c->session);
}


static void
end(struct link *l)
{
    struct carrier *c = carrier_of(l);

    post_cancel(&c->flush);
    post_cancel(&c->again);
    h2peer_session_free(c->session);
    c->session = NULL;
    drop_block(c);
    if (c->arena != NULL)
        arena_free(c->arena);
    c->arena = NULL;
}


/* --- the io of a use ------------------------------------------------------ */

static struct h2peer_use *
use_of(const struct conn *conn)
{
    return container_of(conn, struct link, conn)->state;
}


static ssize_t
read_stream(struct conn *conn, char *out, size_t n)
{
    struct h2peer_use *u = use_of(conn);
    size_t             got = h2peer_read(&u->stream, out, n);

    if (got != 0)
        return (ssize_t) got;
    if (u->stream.session != NULL || u->stream.id == 0) {
        conn->event.readable = false;
        return CONN_AGAIN;
    }
    if (conn->error == 0)
        return 0;
    conn_log_error(conn, conn->error, "recv() failed");
    return CONN_ERROR;
}


/* The session fetches what is in out when there is room for it. */
static ssize_t
send_stream(struct conn *conn, struct chain *out, size_t limit)
{
    struct h2peer_use *u = use_of(conn);

    (void) out, (void) limit;
    if (u->stream.session == NULL)
        return CONN_ERROR;
    conn->event.writable = false;
    h2peer_more(&u->stream);
    flush_late(carrier_of(u->link->outer));
    return CONN_AGAIN;
}


static enum probe
probe_stream(struct conn *conn)
{
    const struct h2peer_use *u = use_of(conn);

    if (u->stream.in.read != u->stream.in.write)
        return PROBE_INPUT;
    return u->stream.session != NULL ? PROBE_QUIET : PROBE_END;
}


static void
close_stream(struct conn *conn)
{
    h2peer_leave(&use_of(conn)->stream);
}


static const struct conn_io stream_io = {
    .name = "HTTP/2 stream",
    .read = read_stream,
    .send = send_stream,
    .probe = probe_stream,
    .close = close_stream,
};


/* --- the stream of a use -------------------------------------------------- */

static void
on_input(struct h2peer_stream *t)
{
    struct h2peer_use *u = container_of(t, struct h2peer_use, stream);
    struct event      *e = &u->link->conn.event;

    if (t->session == NULL && u->link->outer != NULL) {
        u->link->conn.error = u->link->outer->conn.error;
        u->link->outer->inner--;
        u->link->outer = NULL;
        e->hangup = true;
    }
    e->readable = true;
    e->on_read(e);
}


static size_t
copy_piece(const struct piece *p, char *out, size_t n)
{
    ssize_t got;

    if (n > p->n)
        n = p->n;
    if (p->p != NULL) {
        memcpy(out, p->p, n);
        return n;
    }
    do {
        got = pread(p->file->fd, out, n, p->at);
    } while (got == -1 && errno == EINTR);
    return got > 0 ? (size_t) got : 0;
}


/* A file that has become shorter ends the stream, as nothing follows. */
static size_t
on_body(struct h2peer_stream *t, char *out, size_t n, bool *last)
{
    struct h2peer_use *u = container_of(t, struct h2peer_use, stream);
    struct conn       *conn = &u->link->conn;
    size_t             done = 0, got;

    while (done < n && conn->out.n != 0) {
        got = 0;
        if (conn->out.head->n != 0)
            got = copy_piece(conn->out.head, out + done, n - done);
        if (got == 0 && conn->out.head->n != 0)
            break;
        chain_skip(&conn->out, got);
        done += got;
    }
    conn->sent += done;
    *last = conn->out.n == 0 && u->is_sent;
    if (conn->out.n == 0) {
        conn->event.writable = true;
        conn->event.on_write(&conn->event);
    }
    return done;
}


void
h2peer_link_open(struct link *l, const struct h2peer_field *fields, size_t n,
                 bool has_body)
{
    struct h2peer_use *u = l->state;
    struct carrier    *c;

    c = carrier_of(l->outer);
    if (!h2peer_open(c->session, &u->stream, fields, n, has_body)) {
        u->stream.id = -1;
        l->conn.event.readable = true; /* its end */
        return;
    }
    u->is_sent = !has_body;
    for (size_t i = 0; i < n; i++) /* nobody knows how long it is packed */
        l->conn.sent += fields[i].name.n + fields[i].value.n;
    flush_late(c);
}


void
h2peer_link_last(struct link *l, const struct h2peer_field *trailers, size_t n)
{
    struct h2peer_use *u = l->state;

    if (u->is_sent)
        return;
    u->is_sent = true;
    u->stream.trailers = trailers;
    u->stream.n_trailers = n;
    if (l->conn.out.n != 0 || u->stream.session == NULL)
        return;
    h2peer_more(&u->stream);
    flush_late(carrier_of(l->outer));
}


void
h2peer_link_used(struct link *l, size_t n)
{
    struct h2peer_use *u = l->state;

    if (n == 0 || u->stream.session == NULL)
        return;
    h2peer_used(&u->stream, n);
    if (h2peer_has_more(carrier_of(l->outer)->session))
        flush_late(carrier_of(l->outer));
}


/* --- uses ----------------------------------------------------------------- */

/* The last one has left. */
static void
settle(struct carrier *c, struct upstream_group *g)
{
    struct link *l = c->link;
    bool         ok = !c->is_doubtful && flush(c) == FLUSH_DONE
              && h2peer_has_room(c->session);

    post_cancel(&c->flush);
    post_cancel(&c->again);
    l->conn.on_flushed = NULL;
    drop_block(c);
    chain_take_links(&c->links, &l->conn.out);
    h2peer_rest(c->session);
    link_settle(l, g, ok);
}


static void
leave(struct link *l, struct upstream_group *g)
{
    struct carrier *c = l->outer != NULL ? carrier_of(l->outer) : NULL;

    l->outer = NULL;
    l->task = NULL;
    if (c != NULL)
        c->is_doubtful = c->is_doubtful || l->timed_out;
    link_discard(l);
    if (c == NULL)
        return;
    if (--c->link->inner == 0)
        settle(c, g);
    else if (h2peer_has_more(c->session))
        flush_late(c);
}


static const struct link_protocol use_link
    = { .state_size = sizeof(struct h2peer_use), .leave = leave };


/* The connection becomes a carrier, with the first use or when it was idle. */
static void
take_over(struct carrier *c, struct link *l)
{
    c->link = l;
    c->flush.run = run_flush;
    c->again.run = run_again;
    if (c->arena == NULL) {
        c->arena = arena_new(0);
        chain_init(&c->links, c->arena);
    }
    link_carry(l, &c->links, on_read, on_flushed);
}


static struct link *
enter(struct link *l, struct task *t)
{
    struct carrier *c = carrier_of(l);
    struct link    *inner;

    if (l->inner == 0)
        take_over(c, l);
    if (c->session == NULL)
        c->session = h2peer_session_new();
    if (c->session == NULL) {
        log_error(t->log, "no memory for an HTTP/2 session");
        link_discard(l);
        return NULL;
    }
    inner = link_new_inner(l, t, &stream_io, &use_link);
    l->inner++;
    ((struct h2peer_use *) inner->state)->link = inner;
    ((struct h2peer_use *) inner->state)->stream.on_input = on_input;
    ((struct h2peer_use *) inner->state)->stream.on_body = on_body;
    if (l->conn.event.readable)
        post_add(l->conn.loop, &c->again);
    return inner;
}


static bool
has_room(const struct link *l)
{
    const struct carrier *c = carrier_of(l);

    return !c->is_doubtful && h2peer_has_room(c->session);
}


const struct link_protocol h2peer_link = {
    .state_size = sizeof(struct carrier),
    .on_idle = on_idle,
    .end = end,
    .enter = enter,
    .has_room = has_room,
};
