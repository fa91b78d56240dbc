/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rhythm of the wire: whatever the streams have for the client in a turn of
 * the loop is gathered, and leaves with one write.  More than one write takes
 * waits for the next turn, so that other connections have theirs.
 */
#include "http/h2/conn.h"
#include "http/settings.h"


void
h2_gather_later(struct h2 *h)
{
    if (h->is_broken || h->is_resting || h->is_working || h->session == NULL)
        return;
    post_add_late(h->http.conn.loop, &h->gather);
}


/* The links of the output are there only while there is any. */
static void
open_output(struct h2 *h)
{
    if (h->links != NULL)
        return;
    h->links = arena_new(0);
    chain_init(&h->http.conn.out, h->links);
}


static void
close_output(struct h2 *h)
{
    if (h->links == NULL || !chain_empty(&h->http.conn.out))
        return;
    h2_out_end(h);
    arena_free(h->links);
    h->links = NULL;
    chain_init(&h->http.conn.out, NULL);
}


/* What nghttp2 has not taken, though there was room for it. */
static void
stall(struct h2 *h)
{
    LIST_EACH(&h->ready, l) {
        struct h2_stream *s = container_of(l, struct h2_stream, ready);

        list_remove(l);
        if (s->out.n != 0 && !s->is_gone)
            h2_stall(s);
    }
}


static void
put(struct h2 *h, str_t bytes)
{
    if (h->http.is_secure)
        h2_out_add(h, bytes);
    else
        chain_add_copy(&h->http.conn.out, bytes);
}


/* All that nghttp2 has, as far as there is room. */
static bool
fill(struct h2 *h)
{
    struct conn   *c = &h->http.conn;
    const uint8_t *bytes;
    ssize_t        n;

    LIST_EACH(&h->ready, l)
        h2_submit(container_of(l, struct h2_stream, ready));
    h->is_full = false;
    h->urgency = UINT8_MAX;
    while (!h->is_full) {
        n = nghttp2_session_mem_send(h2_session(h), &bytes);
        if (n < 0)
            return false;
        if (n == 0)
            break;
        put(h, (str_t){ (const char *) bytes, (size_t) n });
    }
    LIST_EACH(&h->framed, it) {
        struct h2_stream *s = container_of(it, struct h2_stream, framed);

        if (s->out_end <= c->sent)
            s->out_end = c->sent + c->out.n;
    }
    if (!h->is_full)
        stall(h);
    return true;
}


/* Who has had something sent may go on. */
static void
tell(struct h2 *h)
{
    LIST_EACH(&h->framed, l) {
        struct h2_stream *s = container_of(l, struct h2_stream, framed);

        if (s->out_end > h->http.conn.sent)
            continue;
        list_remove(l);
        s->n_sent = s->n_framed;
        s->r->body_sent
            = s->n_sent > s->r->head_size ? s->n_sent - s->r->head_size : 0;
        h2_reply_taken(s);
        if (s->inner != NULL)
            h2_tunnel_sent(s);
        if (!s->is_over)
            task_wake(&s->r->task);
        else if (s->inner != NULL && s->is_told)
            h2_stream_reset(s, NGHTTP2_CANCEL);
    }
    h2_stream_reap(h);
}


static void
behind_flush(struct h2 *h, enum flush did)
{
    tell(h);
    if (did == FLUSH_DONE) {
        timer_stop(&h->http.conn.write_timer);
        h->http.pace.since = 0;
    }
    if (h->is_full && did == FLUSH_DONE) {
        h->is_resting = true;
        post_add_next(h->http.conn.loop, &h->gather);
    }
    if (h->is_held_up && did == FLUSH_DONE)
        post_add_next(h->http.conn.loop, &h->more);
    close_output(h);
    h2_settle(h);
}


void
h2_gather(struct post *p)
{
    struct h2   *h = container_of(p, struct h2, gather);
    struct conn *c = &h->http.conn;
    enum flush   did;

    h->is_resting = false;
    if (h->is_broken || h->state >= H2_LINGER)
        return;
    open_output(h);
    h->is_working = true;
    if (!fill(h)) {
        h->is_working = false;
        h2_break(h);
        return;
    }
    h->is_working = false;
    if (c->out.n == 0 && !c->has_unsent) {
        behind_flush(h, FLUSH_DONE);
        return;
    }
    if (!timer_is_set(&c->write_timer))
        h->sent_then = c->sent;
    did = conn_flush(c, 0);
    if (did == FLUSH_ERROR)
        h2_break(h);
    else
        behind_flush(h, did);
}


void
h2_on_flushed(struct conn *c)
{
    struct h2 *h = h2_of_conn(c);

    if (h->state == H2_CLOSED)
        return;
    if (c->flush_failed) {
        h2_break(h);
        return;
    }
    behind_flush(h, FLUSH_DONE);
    if (!h->is_broken && h->state < H2_LINGER && h->session != NULL
        && nghttp2_session_want_write(h2_session(h)))
        h2_gather_later(h);
}


static void
go_on(struct h2_stream *s)
{
    if (list_empty(&s->stalled))
        return;
    list_remove(&s->stalled);
    h2_reply_taken(s);
    if (s->out.n != 0)
        h2_ready(s);
    if (!s->is_over)
        task_wake(&s->r->task);
}


void
h2_opened(struct h2 *h, struct h2_stream *s)
{
    if (s != NULL) {
        go_on(s);
        return;
    }
    LIST_EACH(&h->stalled, l)
        go_on(container_of(l, struct h2_stream, stalled));
}
