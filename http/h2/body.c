/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bodies of requests.  A stream's window follows its reader: it is opened by what
 * was read, and made larger where a reader that has read all is kept waiting by
 * it.  The connection's window is opened by what comes, so that no stream is
 * stopped by another one that nobody reads; but not while more than BUFFERED
 * bytes are waiting to be read.
 */
#include "http/body.h"

#include "core/os/clock.h"
#include "http/h2/conn.h"
#include "http/response.h"
#include "http/settings.h"

enum {
    WINDOW_MAX = 16 * 1024 * 1024,
    BUFFERED = 4 * 1024 * 1024,
    WORTH_A_BLOCK = 8192,  /* less is copied, so that it holds no large block */
    WORTH_TELLING = 65536, /* less waits for what is there already           */
    TURNS = 4,             /* for so many turns                              */
};


/* Nobody can send while the connection's window is closed, and it is we who keep it
 * so: no stream's time passes. */
static void
shut(struct h2 *h, bool is_shut)
{
    if (h->is_shut == is_shut)
        return;
    h->is_shut = is_shut;
    LIST_EACH(&h->streams, l) {
        struct h2_stream *s = container_of(l, struct h2_stream, link);

        if (!s->waits)
            continue;
        if (is_shut)
            h2_has_body(s);
        else
            h2_await_body(s);
    }
}


static void
feed_connection(struct h2 *h, size_t n)
{
    h->unfed += n;
    if (h->buffered > BUFFERED || h->unfed == 0) {
        shut(h, nghttp2_session_get_local_window_size(h2_session(h)) <= 0);
        return;
    }
    nghttp2_session_consume_connection(h2_session(h), h->unfed);
    h->unfed = 0;
    shut(h, false);
}


void
h2_body_release(struct h2_stream *s, size_t n)
{
    struct h2 *h = s->h;

    h->buffered -= n;
    if (h->session == NULL || h->is_broken)
        return;
    if (h->unfed != 0)
        feed_connection(h, 0);
    if (!s->is_whole && !s->is_gone && (!s->is_over || s->linger_until != 0))
        nghttp2_session_consume_stream(h2_session(h), s->id, n);
    if (nghttp2_session_want_write(h2_session(h)))
        h2_gather_later(h);
}


static void
wake(struct h2_stream *s)
{
    list_remove(&s->held);
    if (s->inner != NULL)
        h2_tunnel_read(s);
    if (!s->waits)
        return;
    s->waits = false;
    h2_has_body(s);
    task_wake(&s->r->task);
}


/* Bodies of many streams come in turns, a frame of each: their readers, who may
 * pass on what there is with a call each, are told when there is enough or
 * nothing more comes for the moment. */
static void
tell_later(struct h2_stream *s)
{
    if (s->inner != NULL || !s->waits) {
        wake(s);
        return;
    }
    timer_stop(&s->read_timer);
    if (list_empty(&s->held)) {
        s->held_for = 0;
        list_append(&s->h->held, &s->held);
    }
}


void
h2_body_told(struct h2 *h, bool is_more)
{
    LIST_EACH(&h->held, l) {
        struct h2_stream *s = container_of(l, struct h2_stream, held);

        if (!is_more || s->body.n >= WORTH_TELLING || ++s->held_for == TURNS)
            wake(s);
    }
}


/* The length that was said and what comes differ. */
static bool
is_wrong(const struct h2_stream *s)
{
    int64_t length = s->r->content_length;

    return length >= 0
           && (s->received > (uint64_t) length
               || (s->is_whole && s->received != (uint64_t) length));
}


static void
check(struct h2_stream *s)
{
    if (!is_wrong(s) || s->is_malformed)
        return;
    s->is_malformed = true;
    log_info(s->r->task.log, "client sent a body of another length than "
                             "\"Content-Length\" says");
    if (!s->r->has_run && s->status == 0 && s->has_head)
        s->r->fail_at_once = 400;
}


/* Where frames are as short as what they carry. */
static bool
takes_messages(const struct h2_stream *s)
{
    const struct http_location *l = s->r->location;

    return s->inner != NULL
           || (l != NULL && l->content != NULL
               && l->content->takes_messages != NULL
               && l->content->takes_messages(s->r));
}


/* Comes behind the response, and is dropped. */
static void
linger(struct h2_stream *s, size_t n)
{
    struct h2 *h = s->h;

    if (clock_ms() >= s->linger_until)
        return;
    timer_set(h->http.conn.loop, &s->read_timer, s->linger_ms);
    nghttp2_session_consume_stream(h2_session(h), s->id, n);
    if (nghttp2_session_want_write(h2_session(h)))
        h2_gather_later(h);
}


void
h2_body_take(struct h2_stream *s, str_t bytes)
{
    struct h2 *h = s->h;

    if (!s->is_over && takes_messages(s))
        h2_watch_forgive(&h->watch, H2_TINY, 1);
    s->received += bytes.n;
    s->since_growth += bytes.n;
    check(s);
    feed_connection(h, bytes.n);
    if (s->is_over || s->is_malformed || s->status != 0) {
        if (s->is_malformed && s->is_over)
            h2_stream_reset(s, NGHTTP2_PROTOCOL_ERROR);
        else if (s->is_over)
            linger(s, bytes.n);
        return;
    }
    if (h->in != NULL && bytes.n >= WORTH_A_BLOCK)
        chain_add_block(&s->body, h->in, bytes);
    else
        chain_add_copy(&s->body, bytes);
    h->buffered += bytes.n;
    tell_later(s);
}


void
h2_body_end(struct h2_stream *s)
{
    s->is_whole = true;
    check(s);
    if (!s->is_over) {
        wake(s);
        return;
    }
    timer_stop(&s->read_timer);
    if (s->is_malformed)
        h2_stream_reset(s, NGHTTP2_PROTOCOL_ERROR);
    /* else nghttp2 says that it is closed */
}


void
h2_body_drop(struct h2_stream *s)
{
    uint64_t n = s->body.n;

    chain_clear(&s->body);
    if (n != 0)
        h2_body_release(s, n);
}


/* --- reading ------------------------------------------------------------------- */

/* The reader has caught up, and what it waits for needs a whole turn to the
 * client and back.  Not before the client has taken our SETTINGS: nghttp2 counts
 * from another window until then, and would take back what is given. */
static void
grow(struct h2_stream *s)
{
    struct h2 *h = s->h;

    if (!h->is_agreed || s->since_growth < (uint64_t) s->window
        || s->window >= WINDOW_MAX)
        return;
    s->since_growth = 0;
    s->window = s->window * 2 < WINDOW_MAX ? s->window * 2 : WINDOW_MAX;
    if (s->window == 0)
        s->window = 65535;
    nghttp2_session_set_local_window_size(h2_session(h), NGHTTP2_FLAG_NONE,
                                          s->id, s->window);
    h2_gather_later(h);
}


void
h2_body_agreed(struct h2 *h)
{
    h->is_agreed = true;
    LIST_EACH(&h->streams, l) {
        struct h2_stream *s = container_of(l, struct h2_stream, link);

        if (s->waits)
            grow(s);
    }
}


static enum step
wait_for_more(struct h2_stream *s)
{
    s->waits = s->was_late = true;
    grow(s);
    h2_await_body(s);
    return STEP_WAIT;
}


static enum step
client_gone(struct http_request *r)
{
    log_info(r->task.log, "client prematurely closed stream");
    r->client_gone = r->is_silent = true;
    return http_fail(r, 400);
}


enum step
h2_read_body(struct http_request *r, struct chain *out, size_t max)
{
    struct h2_stream *s = h2_stream_of(r);
    uint64_t          n = s->body.n < max ? s->body.n : max;

    s->waits = false;
    if (s->is_malformed)
        return http_fail(r, 400);
    if (n != 0) {
        h2_has_body(s);
        chain_move_n(out, &s->body, n);
        if (r->body == NULL || !http_body_is_dropped(r->body))
            r->body_bytes += n;
        if (!s->was_late)
            r->body_with_head += n;
        h2_body_release(s, n);
    }
    if (s->is_whole && s->body.n == 0)
        return STEP_DONE;
    if (n != 0)
        return STEP_NEXT;
    return s->is_gone ? client_gone(r) : wait_for_more(s);
}
