/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moves the bytes of one exchange: the request to the peer, and the response
 * from it into the decoder.  Responses are read into large reference-counted
 * blocks, from which bodies are passed on without copying.
 */
#include <errno.h>

#include "core/os/clock.h"
#include "http/body.h"
#include "http/gateway/exchange.h"
#include "http/limit_hint.h"
#include "http/response.h"
#include "http/server.h"

enum {
    QUEUE_MAX = 65536, /* of the request, beyond what the socket accepts     */
    SEGMENTS = 16384,  /* a larger body needs several segments: do not
                          delay the last                                     */
    ROUNDS = 16,       /* of a stream in one call                            */
};


/* The locations that tell_large has spoken of, by their identity; others are
 * left out when it is full. */
static struct {
    uint64_t of[256];
    size_t   n;
} told_large;


void
gateway_says(struct gateway *g, const char *action)
{
    g->r->task.log->action = action;
    if (g->x && g->x->link)
        g->x->link->conn.log.action = action;
}


/* Keeps the start of a stream for another connection, if this one is to be left
 * before the peer has seen the request. */
static void
keep(struct exchange *x, const struct chain *fresh)
{
    struct gateway_upload *u = &x->gateway->upload;

    if (u->is_lost || x->gateway->protocol->link == NULL)
        u->is_lost = true;
    else if (u->body.n + fresh->n <= QUEUE_MAX)
        chain_share(&u->body, fresh);
    else {
        u->is_lost = true;
        chain_clear(&u->body);
    }
}


/* Takes what has arrived of the body, if there is room for it.  STEP_NEXT:
 * there may be more; STEP_WAIT: not now; STEP_DONE: that was the end. */
static enum step
take_stream(struct exchange *x)
{
    struct gateway *g = x->gateway;
    struct chain    fresh;
    enum step       s;

    if (g->upload.has_whole)
        return STEP_DONE;
    if (x->link->conn.out.n >= QUEUE_MAX || g->upload.unframed.n >= QUEUE_MAX)
        return STEP_WAIT;
    chain_init(&fresh, g->r->task.arena);
    s = http_body_some(g->r, &fresh);
    keep(x, &fresh);
    chain_move(&g->upload.unframed, &fresh);
    g->upload.has_failed = s == STEP_FAIL;
    g->upload.has_whole = s == STEP_DONE;
    if (g->upload.has_whole || !chain_empty(&g->upload.unframed))
        g->upload.has_streamed = true;
    return s;
}


/* Frames what there is of the body.  STEP_NEXT, STEP_DONE: as in; STEP_WAIT:
 * the protocol has left some of it. */
static enum step
frame(struct exchange *x, enum step in)
{
    const struct gateway_protocol *p = x->gateway->protocol;
    struct chain                  *from = &x->gateway->upload.unframed;
    struct chain                  *to = &x->link->conn.out;
    enum step                      s = STEP_NEXT;

    if (p->encode_body)
        s = p->encode_body(x, from, to, in == STEP_DONE);
    else
        chain_move(to, from);
    if (s == STEP_FAIL) {
        x->gateway->upload.has_failed = true;
        return s;
    }
    x->is_held = s == STEP_WAIT;
    x->is_body_encoded = in == STEP_DONE && !x->is_held;
    return x->is_held ? STEP_WAIT : in;
}


static enum step
add_body(struct exchange *x)
{
    struct gateway *g = x->gateway;
    enum step       s = g->upload.is_streaming ? take_stream(x) : STEP_DONE;

    if (s == STEP_FAIL || (s != STEP_DONE && chain_empty(&g->upload.unframed)))
        return s;
    return frame(x, s);
}


static void
note_sent(struct exchange *x)
{
    x->is_request_sent = true;
    if (!x->has_head)
        gateway_says(x->gateway, "reading response header from upstream");
    link_wait_read(x->link, x->gateway->conf->read_timeout);
}


void
gateway_await_peer(struct gateway *g, bool is_to_take)
{
    struct link *u = g->x->link;

    if (!is_to_take)
        timer_stop(&u->conn.write_timer);
    else if (!timer_is_set(&u->conn.write_timer))
        link_wait_write(u, g->conf->send_timeout);
}


/* STEP_NEXT: there is room for more of the body; STEP_DONE: all is out. */
static enum step
flush(struct exchange *x)
{
    struct link *u = x->link;
    enum flush   f = conn_flush(&u->conn, 0);

    if (f == FLUSH_ERROR)
        return STEP_FAIL;
    gateway_await_peer(x->gateway, f == FLUSH_WAIT || x->is_held);
    if (f == FLUSH_WAIT)
        return STEP_WAIT;
    if (!x->is_body_encoded)
        return STEP_NEXT;
    if (!x->is_request_sent)
        note_sent(x);
    return STEP_DONE;
}


/* STEP_FAIL: http_fail was called; it is not the peer's fault. */
static enum step
add_head(struct exchange *x)
{
    struct gateway *g = x->gateway;

    gateway_says(g, "sending request to upstream");
    if (g->protocol->encode_head(x, &x->link->conn.out) == STEP_FAIL) {
        g->upload.has_failed = true;
        return http_fail(g->r, 500);
    }
    x->is_head_encoded = true;
    chain_clear(&g->upload.unframed);
    chain_share(&g->upload.unframed, &g->upload.body);
    if (g->upload.is_streaming || g->upload.body.n > SEGMENTS)
        conn_set_nodelay(&x->link->conn);
    return STEP_NEXT;
}


static enum step
send_all(struct exchange *x)
{
    struct gateway *g = x->gateway;
    unsigned        rounds = ROUNDS;
    enum step       s, flushed;

    if (!x->is_head_encoded && add_head(x) == STEP_FAIL)
        return STEP_FAIL;
    do {
        if (rounds-- == 0) { /* let others have a turn */
            post_add_next(g->r->task.loop, &g->r->task.wake);
            return STEP_WAIT;
        }
        s = x->is_body_encoded ? STEP_DONE : add_body(x);
        if (s == STEP_FAIL)
            return STEP_FAIL;
        flushed = flush(x);
    } while (s == STEP_NEXT && flushed == STEP_NEXT);
    return flushed;
}


enum step
gateway_send(struct gateway *g)
{
    struct exchange *x = g->x;

    if (x->is_send_broken
        || (x->is_request_sent && chain_empty(&x->link->conn.out)))
        return STEP_NEXT;
    if (send_all(x) != STEP_FAIL)
        return STEP_NEXT;
    x->is_send_broken = true;
    return g->upload.has_failed ? STEP_FAIL : STEP_NEXT;
}


/* A head that did not fit into proxy_buffer_size is told of once for each
 * location. */
static void
tell_large(struct gateway *g)
{
    const struct http_location *l = g->r->location;

    for (size_t i = 0; i < told_large.n; i++)
        if (told_large.of[i] == l->identity)
            return;
    if (told_large.n == countof(told_large.of))
        return;
    told_large.of[told_large.n++] = l->identity;
    limit_hint_size(g->r, g->protocol->prefix, "buffer_size",
                    g->conf->buffer_size);
    log_warn(g->r->task.log,
             "upstream sent header of %zu bytes in location \"" STR_F
             "\", more than \"%s_buffer_size\"",
             g->x->head_bytes, STR_A(l->name), g->protocol->prefix);
    limit_hint_end(g->r);
}


/* The head must fit into the buffer. */
static enum step
check_head(struct gateway *g, size_t taken, size_t left)
{
    const struct gateway_conf *c = g->conf;
    struct exchange           *x = g->x;
    size_t                     most = c->head_limit;

    x->head_bytes += taken;
    if (x->head_bytes + left <= most) {
        if (left == 0 && x->head_bytes > c->buffer_size)
            tell_large(g);
        return STEP_NEXT;
    }
    limit_hint_size(g->r, g->protocol->prefix,
                    most > c->buffer_size ? "max_header_size" : "buffer_size",
                    most);
    log_error(g->r->task.log, "upstream sent too big header");
    limit_hint_end(g->r);
    g->fault = NEXT_INVALID_HEADER;
    gateway_blame(g, GATEWAY_FAULT_HEADER_TOO_BIG);
    return STEP_FAIL;
}


static enum step
decoded(struct gateway *g)
{
    struct exchange *x = g->x;
    struct buf      *in = &x->link->in;

    x->is_complete = true;
    if (g->protocol->surplus && buf_len(in)) {
        log_warn(g->r->task.log, "%s", g->protocol->surplus);
        x->is_reusable = false;
        in->read = in->write;
    }
    return STEP_DONE;
}


enum step
gateway_decode(struct gateway *g)
{
    struct exchange *x = g->x;
    struct buf      *in = &x->link->in;
    const char      *from = in->read;
    enum step        s;
    size_t           taken;

    x->skipped = 0;
    x->head_from = from;
    s = g->protocol->decode(x, in);
    if (!x->has_head)
        gateway_cache_note(g, str_span(x->head_from, in->read));
    taken = (size_t) (in->read - from) - x->skipped;
    x->aside_bytes += x->has_head ? 0 : x->skipped;
    if (s == STEP_DONE)
        return decoded(g);
    if (s == STEP_FAIL) {
        g->fault = x->is_unseen || x->is_stray ? NEXT_ERROR
                                               : NEXT_INVALID_HEADER;
        gateway_blame(g, x->is_unseen  ? GATEWAY_FAULT_PREMATURE_CLOSE
                         : x->has_head ? GATEWAY_FAULT_BODY_INVALID
                                       : GATEWAY_FAULT_HEADER_INVALID);
        return STEP_FAIL;
    }
    if (!x->has_head
        && check_head(g, taken, s == STEP_WAIT ? buf_len(in) + 1 : 0)
               == STEP_FAIL)
        return STEP_FAIL;
    if (s == STEP_NEXT) {
        x->has_head = true;
        x->header_ms = (int64_t) (clock_ms() - x->started_at);
        x->status = x->code;
    }
    return STEP_NEXT;
}


static enum step
at_eof(struct gateway *g)
{
    struct exchange *x = g->x;
    struct link     *u = x->link;

    x->is_reusable = false;
    if (x->has_head && g->protocol->decode_eof(x) == STEP_DONE) {
        x->is_complete = true;
        return STEP_DONE;
    }
    if (u->is_moved)
        exchange_moved(x);
    if (!u->was_idle || x->head_bytes || x->has_head || buf_len(&u->in))
        log_error(g->r->task.log, "upstream prematurely closed connection");
    g->fault = NEXT_ERROR;
    gateway_blame(g, GATEWAY_FAULT_PREMATURE_CLOSE);
    return STEP_FAIL;
}


enum step
gateway_read(struct gateway *g, size_t want)
{
    struct link *u = g->x->link;

    switch (link_read(u, want)) {
    case CONN_AGAIN:
        return STEP_WAIT;
    case CONN_ERROR:
        g->fault = NEXT_ERROR;
        gateway_blame(g, GATEWAY_FAULT_RESET);
        return STEP_FAIL;
    case 0:
        return at_eof(g);
    default:
        if (g->x->is_request_sent)
            link_wait_read(u, g->conf->read_timeout);
        return gateway_decode(g);
    }
}
