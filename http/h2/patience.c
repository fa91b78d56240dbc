/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long a stream waits for its client: for more of a body, and for an answer to
 * be taken.  A few bytes now and then put off neither: an answer has to move
 * H2_ENOUGH bytes each send_timeout, and both as many as client_min_rate says.
 */
#include <errno.h>

#include "core/os/clock.h"
#include "http/body.h"
#include "http/h2/conn.h"
#include "http/response.h"
#include "http/settings.h"

enum {
    LOOK_MS = 250, /* between two looks at how much it has taken, at least */
};


static void
time_out(struct h2_stream *s, const char *slow)
{
    struct http_request *r = s->r;

    if (slow != NULL)
        log_info(r->task.log, "client %s slower than client_min_rate", slow);
    else
        log_at(r->task.log, LEVEL_INFO, ETIMEDOUT, "client timed out");
    s->is_timed_out = true;
    http_terminate(r, 408);
}


/* --- bodies of requests -------------------------------------------------------- */

static msec_t
body_left(const struct h2_stream *s)
{
    return slow_left(&s->r->slow_body, slow_conf(&s->r->task),
                     s->r->body_bytes);
}


static void
on_read_timeout(struct timer *t)
{
    struct h2_stream *s = container_of(t, struct h2_stream, read_timer);
    struct h2        *h = s->h;

    if (s->is_over) {
        h2_stream_reset(s, NGHTTP2_NO_ERROR);
        h2_settle(h);
    } else if (s->waits) {
        time_out(s, body_left(s) == 0 ? "sends" : NULL);
        h2_settle(h);
    }
}


void
h2_await_body(struct h2_stream *s)
{
    struct http_request *r = s->r;

    if (s->h->is_shut)
        return;
    slow_begin(&r->slow_body);
    if (r->body != NULL && http_body_is_dropped(r->body))
        timer_stop(&s->read_timer);
    else if (!timer_is_set(&s->read_timer))
        timer_set(r->task.loop, &s->read_timer,
                  slow_timer(slow_conf(&r->task),
                             body_conf(&r->task)->client_body_timeout,
                             body_left(s)));
}


void
h2_has_body(struct h2_stream *s)
{
    timer_stop(&s->read_timer);
    slow_end(&s->r->slow_body);
}


/* --- answers ----------------------------------------------------------------------- */

/* A stream whose own window is closed has to answer for what it took; what the
 * others hold up as well, the connection takes for all of them. */
static msec_t
reply_left(const struct h2_stream *s)
{
    const struct http_slow_conf *slow = slow_conf(&s->r->task);
    const struct conn           *c = &s->h->http.conn;
    uint64_t                     moved = s->n_body, unread;

    if (slow->rate == 0 || s->inner != NULL)
        return UINT64_MAX;
    if (nghttp2_session_get_stream_remote_window_size(h2_session(s->h), s->id)
        > 0) {
        moved = c->sent - s->sent_before;
        unread = c->io->unread(c);
        moved = moved > unread ? moved - unread : 0;
    }
    return slow_left(&s->r->slow_reply, slow, moved);
}


/* The next look at it. */
static void
time_reply(struct h2_stream *s)
{
    msec_t now = clock_ms(), slow = reply_left(s), left = UINT64_MAX;

    if (s->late_at != 0)
        left = s->late_at > now ? s->late_at - now : 0;
    if (slow < LOOK_MS)
        slow = LOOK_MS;
    if (slow < left)
        left = slow;
    if (left != UINT64_MAX)
        timer_set(s->r->task.loop, &s->write_timer, left);
}


/* The time of send_timeout is over: whether there is another one. */
static bool
may_go_on(struct h2_stream *s)
{
    bool has_moved = s->n_body - s->at_mark >= H2_ENOUGH;

    /* Where a window has just been opened, it is looked at once more. */
    if (!has_moved && (!list_empty(&s->stalled) || s->was_spared))
        return false;
    s->was_spared = !has_moved;
    if (has_moved)
        s->at_mark = s->n_body;
    s->late_at = clock_ms() + send_conf(&s->r->task)->send_timeout;
    return true;
}


/* A response that is being stored goes on without its stream. */
static bool
go_on_without(struct h2_stream *s)
{
    if (!http_lose_client(s->r))
        return false;
    s->is_gone = true;
    nghttp2_submit_rst_stream(h2_session(s->h), NGHTTP2_FLAG_NONE, s->id,
                              NGHTTP2_PROTOCOL_ERROR);
    h2_gather_later(s->h);
    return true;
}


/* Nobody hears of the end of a stream where the socket takes nothing: without
 * others, the connection is of no use. */
static void
give_up(struct h2_stream *s, const char *slow)
{
    struct h2   *h = s->h;
    struct conn *c = &h->http.conn;

    s->r->log.action = "sending to client";
    if (!go_on_without(s))
        time_out(s, slow);
    if (h->n_streams == 0 && c->out.n != 0 && !c->event.writable)
        h2_break(h);
    else
        h2_settle(h);
}


/* A client that takes a few bytes now and then holds everything just as one that
 * takes none. */
static void
on_write_timeout(struct timer *t)
{
    struct h2_stream *s = container_of(t, struct h2_stream, write_timer);
    bool              has_all = s->out.n == 0 && chain_empty(&s->r->pending);
    bool              is_waited_for = s->r->slow_reply.since != 0;

    if (s->is_over)
        return;
    if (is_waited_for && reply_left(s) == 0) {
        give_up(s, "reads");
        return;
    }
    if (has_all) {
        s->was_spared = false;
        s->late_at = 0;
        if (!is_waited_for)
            return;
    } else if (s->late_at != 0 && clock_ms() >= s->late_at && !may_go_on(s)) {
        give_up(s, NULL);
        return;
    }
    time_reply(s);
}


void
h2_await_reply(struct h2_stream *s, bool is_stalled)
{
    bool is_new = is_stalled && s->late_at == 0;

    slow_begin(&s->r->slow_reply);
    if (is_new) {
        s->at_mark = s->n_body;
        s->late_at = clock_ms() + send_conf(&s->r->task)->send_timeout;
    }
    if (is_new
        || (!timer_is_set(&s->write_timer)
            && slow_conf(&s->r->task)->rate != 0))
        time_reply(s);
}


void
h2_reply_taken(struct h2_stream *s)
{
    if (s->out.n == 0 && list_empty(&s->stalled))
        slow_end(&s->r->slow_reply);
}


void
h2_patience_init(struct h2_stream *s)
{
    s->read_timer.on_timeout = on_read_timeout;
    s->write_timer.on_timeout = on_write_timeout;
    s->sent_before = s->h->http.conn.sent;
}
