/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * WebSockets (RFC 8441): a stream that carries bytes both ways.  The request
 * looks as one of HTTP/1 that asks for an upgrade, so that everything that knows
 * these knows it; the connection that its bytes go through is inside of the
 * stream.
 */
#include <errno.h>

#include "core/base/escape.h"
#include "core/os/random.h"
#include "http/h2/conn.h"

enum { ENOUGH = 64 * 1024 }; /* of bytes that wait for the client            */


/* --- the request ----------------------------------------------------------------- */

/* Extended CONNECT becomes GET with Upgrade. */
void
h2_tunnel_ask(struct h2_stream *s)
{
    struct http_request *r = s->r;
    struct arena        *a = r->task.arena;
    char                 key[16];

    random_fill(key, sizeof(key));
    s->is_tunnel = true;
    r->method = HTTP_GET;
    r->method_name = STR("GET");
    fields_add(a, &r->in, STR("Upgrade"), s->protocol);
    fields_add(a, &r->in, STR("Connection"), STR("upgrade"));
    if (fields_find(&r->in, STR("sec-websocket-key")) == NULL)
        fields_add(a, &r->in, STR("Sec-WebSocket-Key"),
                   base64_encode(a, (str_t){ key, sizeof(key) }, false));
}


/* --- the connection ----------------------------------------------------------------- */

static struct h2_stream *
stream_of(const struct conn *c)
{
    return container_of(c, struct h2_inner, conn)->stream;
}


static ssize_t
read_some(struct conn *c, char *out, size_t n)
{
    struct h2_stream *s = stream_of(c);
    struct chain      some;

    if (s == NULL || s->is_gone)
        return CONN_ERROR;
    if (s->body.n == 0) {
        c->event.readable = s->is_whole;
        return s->is_whole ? 0 : CONN_AGAIN;
    }
    if (n > s->body.n)
        n = s->body.n;
    chain_init(&some, s->r->task.arena);
    chain_move_n(&some, &s->body, n);
    chain_peek(&some, out, n);
    chain_clear(&some);
    chain_take_links(&s->body, &some);
    s->r->body_bytes += n;
    h2_body_release(s, n);
    return (ssize_t) n;
}


static ssize_t
send_some(struct conn *c, struct chain *out, size_t limit)
{
    struct h2_stream *s = stream_of(c);
    uint64_t          n = out->n < limit ? out->n : limit;

    if (s == NULL || s->is_gone || s->h->is_broken) {
        c->error = EPIPE;
        return CONN_ERROR;
    }
    if (s->out.n >= ENOUGH) {
        c->event.writable = false;
        return CONN_AGAIN;
    }
    if (n > ENOUGH - s->out.n)
        n = ENOUGH - s->out.n;
    chain_move_n(&s->out, out, n);
    h2_ready(s);
    return (ssize_t) n;
}


static enum probe
probe(struct conn *c)
{
    const struct h2_stream *s = stream_of(c);

    if (s == NULL || s->is_gone)
        return PROBE_END;
    if (s->body.n != 0)
        return PROBE_INPUT;
    return s->is_whole ? PROBE_END : PROBE_QUIET;
}


static size_t
unread(const struct conn *c)
{
    const struct h2_stream *s = stream_of(c);

    return s != NULL ? s->out.n : 0;
}


static void
end_sending(struct conn *c)
{
    struct h2_stream *s = stream_of(c);

    if (s == NULL || s->is_gone)
        return;
    s->has_last = true;
    h2_ready(s);
}


static void
close_inner(struct conn *c)
{
    (void) c;
}


static const struct conn_io io = {
    .name = "h2",
    .read = read_some,
    .send = send_some,
    .probe = probe,
    .unread = unread,
    .shutdown = end_sending,
    .close = close_inner,
};


static void
on_inner_flushed(struct conn *c)
{
    struct h2_stream *s = stream_of(c);

    if (s != NULL)
        task_wake(&s->r->task);
}


struct conn *
h2_hijack(struct http_request *r, struct chain *early)
{
    struct h2_stream *s = h2_stream_of(r);
    struct h2_inner  *in;

    if (!s->is_tunnel || s->is_gone || r->is_post_action || r != r->main)
        return NULL;
    in = arena_make(r->task.arena, struct h2_inner);
    in->stream = s;
    conn_init_inner(&in->conn, r->task.loop, &io, r->task.log);
    in->conn.on_flushed = on_inner_flushed;
    in->conn.event.readable = true;
    chain_init(&in->conn.out, r->task.arena);
    s->inner = in;
    if (s->body.n != 0) {
        uint64_t n = s->body.n;

        chain_move(early, &s->body);
        h2_body_release(s, n);
    }
    return &in->conn;
}


/* --- what happens to the stream -------------------------------------------------------- */

void
h2_tunnel_read(struct h2_stream *s)
{
    struct event *e = &s->inner->conn.event;

    e->readable = true;
    e->hangup |= s->is_gone;
    if (e->on_read != NULL)
        e->on_read(e);
}


void
h2_tunnel_sent(struct h2_stream *s)
{
    struct event *e = &s->inner->conn.event;

    if (e->writable || s->out.n >= ENOUGH / 2)
        return;
    e->writable = true;
    if (e->on_write != NULL)
        e->on_write(e);
}


void
h2_tunnel_close(struct h2_stream *s)
{
    if (s->inner == NULL)
        return;
    s->inner->stream = NULL;
    conn_close(&s->inner->conn);
    s->inner = NULL;
}
