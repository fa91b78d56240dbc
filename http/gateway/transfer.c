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
#include "http/response.h"

enum {
    BLOCK = 32768,       /* a size that blocks are recycled in               */
    LARGE_BLOCK = 65536, /* if that much is known to follow                  */
    ROOM_MIN = 4096,     /* less is not worth a system call                  */
    QUEUE_MAX = 65536,   /* of the request, beyond what the socket accepts   */
    SEGMENTS = 16384,    /* a larger body needs several segments: do not
                            delay the last                                   */
    ROUNDS = 16,         /* of a stream in one call                          */
};


void
gateway_says(struct gateway *g, const char *action)
{
    g->r->task.log->action = action;
    if (g->x && g->x->link)
        g->x->link->conn.log.action = action;
}


/* Frames a part of the request's body. */
static enum step
add_piece(struct exchange *x, struct chain *piece, bool last)
{
    struct gateway *g = x->gateway;
    struct chain   *out = &x->link->conn.out;

    x->is_body_encoded = last;
    if (g->protocol->encode_body)
        return g->protocol->encode_body(x, piece, out, last);
    chain_move(out, piece);
    return STEP_NEXT;
}


/* Takes what has arrived of the body, if there is room for it.  STEP_NEXT:
 * there may be more; STEP_WAIT: not now; STEP_DONE. */
static enum step
add_stream(struct exchange *x)
{
    struct gateway *g = x->gateway;
    enum step       s;

    if (x->link->conn.out.n >= QUEUE_MAX)
        return STEP_WAIT;
    s = http_body_some(g->r, &g->passing);
    if (s == STEP_FAIL) {
        g->body_failed = true;
        return STEP_FAIL;
    }
    if (!chain_empty(&g->passing) || s == STEP_DONE) {
        g->has_streamed = true;
        (void) add_piece(x, &g->passing, s == STEP_DONE);
    }
    return s;
}


static enum step
add_body(struct exchange *x)
{
    struct gateway *g = x->gateway;
    struct chain    piece;

    if (g->is_streaming)
        return add_stream(x);
    chain_init(&piece, g->r->task.arena);
    chain_share(&piece, &g->body);
    (void) add_piece(x, &piece, true);
    return STEP_DONE;
}


/* STEP_NEXT: there is room for more of the body. */
static enum step
flush(struct exchange *x)
{
    struct gateway *g = x->gateway;
    struct link    *u = x->link;

    switch (conn_flush(&u->conn, 0)) {
    case FLUSH_DONE:
        timer_stop(&u->conn.write_timer);
        if (!x->is_body_encoded)
            return STEP_NEXT;
        x->is_request_sent = true;
        if (!x->has_head)
            gateway_says(g, "reading response header from upstream");
        link_wait_read(u, g->conf->read_timeout);
        return STEP_DONE;
    case FLUSH_WAIT:
        if (!timer_is_set(&u->conn.write_timer))
            link_wait_write(u, g->conf->send_timeout);
        return STEP_WAIT;
    case FLUSH_ERROR:
        break;
    }
    return STEP_FAIL;
}


enum step
gateway_send(struct gateway *g)
{
    struct exchange *x = g->x;
    unsigned         rounds = ROUNDS;
    enum step        s, flushed;

    if (x->is_request_sent)
        return STEP_DONE;
    if (!x->is_head_encoded) {
        gateway_says(g, "sending request to upstream");
        s = g->protocol->encode_head(x, &x->link->conn.out);
        if (s == STEP_FAIL) { /* not the peer's fault */
            g->body_failed = true;
            return http_fail(g->r, 500);
        }
        x->is_head_encoded = true;
        if (g->is_streaming || g->body.n > SEGMENTS)
            conn_set_nodelay(&x->link->conn);
    }
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
    return flushed == STEP_NEXT ? STEP_WAIT : flushed;
}


/* Makes room for a read, in the same block as long as there is some; bytes
 * that have not been decoded are moved along. */
static void
make_room(struct gateway *g, size_t want)
{
    size_t        kept = buf_len(&g->in);
    struct block *b = g->block;

    if (b && b->refs == 1) /* no part of it is in use elsewhere */
        g->in.start = b->data;
    if (b && (b->refs == 1 || buf_room(&g->in) < ROOM_MIN))
        buf_compact(&g->in);
    if (b && buf_room(&g->in) >= (want < ROOM_MIN ? want : ROOM_MIN))
        return;
    g->block = block_new((want > BLOCK ? LARGE_BLOCK : BLOCK)
                         + (kept > BLOCK / 2 ? kept : 0));
    if (kept)
        memcpy(g->block->data, g->in.read, kept);
    buf_init(&g->in, g->block->data, g->block->size);
    g->in.write += kept;
    block_put(b);
}


/* The head must fit into proxy_buffer_size. */
static enum step
check_head(struct gateway *g, size_t taken, size_t left)
{
    struct exchange *x = g->x;

    x->head_bytes += taken;
    if (x->head_bytes + left <= g->conf->buffer_size)
        return STEP_NEXT;
    log_error(g->r->task.log, "upstream sent too big header");
    g->fault = NEXT_INVALID_HEADER;
    return STEP_FAIL;
}


static enum step
decoded(struct gateway *g)
{
    struct exchange *x = g->x;

    x->is_complete = true;
    if (buf_len(&g->in)) {
        log_warn(g->r->task.log, "upstream sent more data than specified in "
                                 "\"Content-Length\" header");
        x->is_reusable = false;
        g->in.read = g->in.write;
    }
    return STEP_DONE;
}


enum step
gateway_decode(struct gateway *g)
{
    struct exchange *x = g->x;
    const char      *from = g->in.read;
    enum step        s = g->protocol->decode(x, &g->in);
    size_t           taken = (size_t) (g->in.read - from);

    if (s == STEP_DONE)
        return decoded(g);
    if (s == STEP_FAIL) {
        g->fault = NEXT_INVALID_HEADER;
        return STEP_FAIL;
    }
    if (!x->has_head
        && check_head(g, taken, s == STEP_WAIT ? buf_len(&g->in) + 1 : 0)
               == STEP_FAIL)
        return STEP_FAIL;
    if (s == STEP_NEXT) {
        x->has_head = true;
        x->header_ms = (int64_t) (clock_ms() - x->started_at);
        x->status = x->code;
        x->body_bytes = 0;
    }
    return STEP_NEXT;
}


static enum step
at_eof(struct gateway *g)
{
    struct exchange *x = g->x;

    x->is_reusable = false;
    if (x->has_head && g->protocol->decode_eof(x) == STEP_DONE) {
        x->is_complete = true;
        return STEP_DONE;
    }
    if (!x->link->was_idle || x->head_bytes || x->has_head || buf_len(&g->in))
        log_error(g->r->task.log, "upstream prematurely closed connection");
    g->fault = NEXT_ERROR;
    return STEP_FAIL;
}


enum step
gateway_read(struct gateway *g, size_t want)
{
    struct link *u = g->x->link;
    ssize_t      n;

    if (!u->conn.event.readable)
        return STEP_WAIT;
    make_room(g, want);
    if (want > buf_room(&g->in))
        want = buf_room(&g->in);
    n = conn_read(&u->conn, g->in.write, want);
    switch (n) {
    case CONN_AGAIN:
        return STEP_WAIT;
    case CONN_ERROR:
        g->fault = NEXT_ERROR;
        return STEP_FAIL;
    case 0:
        return at_eof(g);
    default:
        g->in.write += n;
        if (g->x->is_request_sent)
            link_wait_read(u, g->conf->read_timeout);
        return gateway_decode(g);
    }
}
