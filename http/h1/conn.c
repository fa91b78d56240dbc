/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of an HTTP/1 connection: accepted, waiting, in a request, kept for
 * the next one, lingering, closed.
 */
#include "http/h1/conn.h"

#include <errno.h>
#include <stdlib.h>

#include "core/net/worker.h"
#include "core/os/clock.h"
#include "core/tls/tls.h"
#include "http/body.h"
#include "http/counters.h"
#include "http/h1/h1.h"
#include "http/response.h"
#include "http/settings.h"
#include "http/slow.h"


/* --- counting ----------------------------------------------------------------- */

/* What a connection counts as in each state; 0: as nothing. */
static const uint8_t counted_as[] = {
    [H1_WAIT] = HTTP_WAITING, [H1_HEAD] = HTTP_READING,
    [H1_BUSY] = HTTP_WRITING, [H1_DISCARD] = 0,
    [H1_LINGER] = 0,          [H1_CLOSED] = 0,
};


static void
count_state(enum h1_state state, int by)
{
    if (counted_as[state] != 0)
        http_count(counted_as[state], by);
}


/* A head that is there at once is not worth a change: h1_read_head. */
static enum conn_use
use_of(const struct h1 *h)
{
    if (h->state == H1_WAIT)
        return h->is_kept ? CONN_IDLE : CONN_NEW;
    return CONN_BUSY;
}


void
h1_set_state(struct h1 *h, enum h1_state state)
{
    count_state(h->state, -1);
    h->state = (uint8_t) state;
    count_state(state, 1);
    if (h->http.conn.use != use_of(h))
        conn_set_use(&h->http.conn, use_of(h));
    h->http.pace = (struct pace){ 0 };
    h->http.conn.is_quiet = state == H1_WAIT && h->is_kept;
}


/* --- closing ------------------------------------------------------------------- */

void
h1_close(struct h1 *h)
{
    if (h->state == H1_CLOSED)
        return;
    h1_set_state(h, H1_CLOSED);
    post_cancel(&h->next);
    http_conn_close(&h->http);
}


/* --- what comes ----------------------------------------------------------------- */

/* How much of what is dropped, or of a pipeline, is taken in one go. */
enum { ROUNDS = 32 };


static void
run_next(struct post *p)
{
    h1_on_read(&container_of(p, struct h1, next)->http.conn.event);
}


/* Others first; no event will tell of what is there already. */
static void
go_on_later(struct h1 *h)
{
    h->next.run = run_next;
    post_add_next(h->http.conn.loop, &h->next);
}


static void
linger(struct h1 *h)
{
    char     dropped[4096] UNSET;
    msec_t   now = clock_ms(), left = h->linger_until - now;
    ssize_t  n = 1;
    unsigned rounds;

    for (rounds = 0; rounds < ROUNDS && n > 0; rounds++)
        n = conn_read(&h->http.conn, dropped, sizeof(dropped));
    if (n == 0 || n == CONN_ERROR || now >= h->linger_until) {
        h1_close(h);
        return;
    }
    timer_set(h->http.conn.loop, &h->http.conn.read_timer,
              left < h->linger_ms ? left : h->linger_ms);
    if (n > 0)
        go_on_later(h);
}


/* Something came, or the client has closed, while a request is answered. */
static void
notice_client(struct h1 *h)
{
    struct http_request *r = h->r;

    if (h1_waits_for_body(r)) {
        slow_end(&r->slow_body);
        task_wake(&r->task);
    } else if (h->http.conn.event.hangup && !r->client_gone) {
        r->client_gone = true;
        task_wake(&r->task);
    }
}


static void
discard_more(struct h1 *h)
{
    struct http_request *r = h->r;
    enum step            step = STEP_NEXT;
    unsigned             rounds = ROUNDS;

    while (step == STEP_NEXT) {
        if (rounds-- == 0) {
            go_on_later(h);
            return;
        }
        step = h1_read_body(r, &r->body->data, 65536);
        chain_clear(&r->body->data);
        if (clock_ms() >= h->linger_until)
            step = STEP_FAIL;
    }
    if (step == STEP_WAIT) {
        timer_set(h->http.conn.loop, &h->http.conn.read_timer,
                  keep_conf(&r->task)->lingering_timeout);
        return;
    }
    if (step == STEP_FAIL)
        r->keeps_alive = false;
    r->codec->finish(r);
}


void
h1_on_read(struct event *e)
{
    struct h1 *h = container_of(e, struct h1, http.conn.event);

    switch ((enum h1_state) h->state) {
    case H1_WAIT:
    case H1_HEAD:
        h1_read_head(h);
        break;
    case H1_BUSY:
        notice_client(h);
        break;
    case H1_DISCARD:
        discard_more(h);
        break;
    case H1_LINGER:
        linger(h);
        break;
    case H1_CLOSED:
        break;
    }
}


/* --- timers ------------------------------------------------------------------------ */

void
h1_timed_out(struct h1 *h)
{
    const struct http_keep_conf *c;

    c = h->r ? keep_conf(&h->r->task)
             : http_conn_conf(&h->http, &http_keep_module);
    if (c->reset_timedout_connection)
        conn_reset_on_close(&h->http.conn);
    if (h->r != NULL)
        http_terminate(h->r, 408);
    else
        h1_close(h);
}


/* The time of a kept connection is over, or only its keepalive_min_timeout, in
 * which it is not closed for others. */
static void
end_wait(struct h1 *h)
{
    uint32_t more = h->idle_ms;

    h->idle_ms = 0;
    if (more == 0 || worker->is_exiting) {
        h1_close(h);
        return;
    }
    timer_set(h->http.conn.loop, &h->http.conn.read_timer, more);
    conn_set_reusable(&h->http.conn, true);
}


static void
abort_discarding(struct h1 *h)
{
    h->r->keeps_alive = false;
    h->r->codec->abort(h->r);
}


/* The client has not done enough (slow says for what), or nothing at all. */
static void
give_up_on(struct h1 *h, const char *slow)
{
    if (slow != NULL)
        log_info(h->http.conn.lines, "client %s slower than client_min_rate",
                 slow);
    else
        log_at(h->http.conn.lines, LEVEL_INFO, ETIMEDOUT, "client timed out");
    h1_timed_out(h);
}


static void
on_read_timeout(struct timer *t)
{
    struct h1 *h = container_of(t, struct h1, http.conn.read_timer);

    switch ((enum h1_state) h->state) {
    case H1_BUSY:
        if (!h1_waits_for_body(h->r))
            return; /* left over from before the request */
        break;
    case H1_WAIT:
        if (h->is_kept) {
            end_wait(h);
            return;
        }
        break;
    case H1_DISCARD:
    case H1_LINGER:
        if (h->state == H1_DISCARD)
            abort_discarding(h);
        else
            h1_close(h);
        return;
    case H1_HEAD:
        h1_keep_line(h);
        break;
    case H1_CLOSED:
        break;
    }
    give_up_on(h,
               h->state == H1_BUSY && h1_body_left(h->r) == 0 ? "sends" : NULL);
}


/* Between two looks at how much the client has taken, at least. */
enum { LOOK_MS = 250 };


static msec_t
look_in(const struct http_request *r, msec_t timeout, msec_t left)
{
    return slow_timer(slow_conf(&r->task), timeout,
                      left > LOOK_MS ? left : LOOK_MS);
}


/* What went out may wait in the kernel for long. */
static msec_t
reply_left(const struct h1 *h)
{
    const struct conn *c = &h->http.conn;
    uint64_t           moved = c->sent - h->sent_before;

    if (slow_conf(&h->r->task)->rate == 0)
        return UINT64_MAX;
    return slow_left(&h->r->slow_reply, slow_conf(&h->r->task),
                     moved - c->io->unread(c));
}


/* Nothing went out for send_timeout; as long as something does, it starts
 * again.  It may expire earlier, to see whether the client is slow. */
static void
on_write_timeout(struct timer *t)
{
    struct h1 *h = container_of(t, struct h1, http.conn.write_timer);
    msec_t     end, slow;

    if (h->r == NULL || chain_empty(&h->http.conn.out))
        return;
    if ((uint32_t) h->http.conn.sent != h->sent_at_timer) {
        h->sent_at_timer = (uint32_t) h->http.conn.sent;
        h->r->moved_at = clock_ms();
    }
    end = h->r->moved_at + send_conf(&h->r->task)->send_timeout;
    slow = reply_left(h);
    if (slow != 0 && clock_ms() < end) {
        timer_set(h->http.conn.loop, t, look_in(h->r, end - clock_ms(), slow));
        return;
    }
    h->r->log.action = "sending to client";
    if (http_lose_client(h->r))
        return;
    give_up_on(h, slow == 0 ? "reads" : NULL);
}


/* A request that has come by now is still answered; and when the worker ends,
 * who has not asked for anything yet may do so. */
static void
on_unwanted(struct conn *c)
{
    struct h1 *h = h1_of_conn(c);

    if (conn_probe(c) == PROBE_INPUT) {
        c->event.readable = true;
        h->next.run = run_next;
        post_add(c->loop, &h->next);
    } else if (h->is_kept || !worker->is_exiting) {
        h1_close(h);
    }
}


/* The client holds up what it waits for, and nothing else does.  A request that
 * is running asks for room itself. */
static struct pace *
pace(struct conn *c)
{
    struct h1                 *h = h1_of_conn(c);
    const struct http_request *r = h->r;

    if (h->state == H1_WAIT || h->state == H1_CLOSED)
        return NULL;
    if (h->state != H1_BUSY)
        return &h->http.pace;
    if (r->task.log == worker->doing)
        return NULL;
    if (c->out.n != 0 ? !c->event.writable
                      : h1_waits_for_body(r) && !http_body_is_dropped(r->body))
        return &h->http.pace;
    return NULL;
}


static void
on_slow(struct conn *c)
{
    struct h1 *h = h1_of_conn(c);

    log_info(c->lines, "slow client closed to make room");
    h1_keep_line(h);
    if (h->state == H1_DISCARD)
        abort_discarding(h);
    else
        h1_timed_out(h);
}


/* The worker ends before the request does: its line is logged. */
static void
on_cut(struct conn *c)
{
    struct h1 *h = h1_of_conn(c);

    h1_keep_line(h);
    if (h->r == NULL)
        h1_close(h);
    else if (h->state == H1_DISCARD)
        abort_discarding(h);
    else
        http_terminate(h->r, 0);
}


static void
on_adopt(struct conn *c)
{
    struct h1 *h = h1_of_conn(c);

    if (h->state == H1_WAIT && h->r == NULL && !http_conn_rebind(&h->http)
        && h->is_kept)
        h1_close(h);
}


static const struct conn_owner owner = { .on_unwanted = on_unwanted,
                                         .on_cut = on_cut,
                                         .on_adopt = on_adopt,
                                         .generation = http_conn_generation,
                                         .pace = pace,
                                         .on_slow = on_slow };


/* --- what goes out --------------------------------------------------------------------- */

static uint64_t
sent(const struct http_request *r)
{
    return r->task.conn->sent - h1_of(r)->sent_before;
}


static void
count_body(struct http_request *r)
{
    uint64_t n = sent(r);

    r->body_sent = n > r->head_size ? n - r->head_size : 0;
}


static void
on_flushed(struct conn *c)
{
    struct h1 *h = h1_of_conn(c);

    if (h->r == NULL || h->state != H1_BUSY)
        return;
    count_body(h->r);
    h->http.pace.since = 0;
    slow_end(&h->r->slow_reply);
    if (!c->flush_failed)
        task_wake(&h->r->task);
    else if (!http_lose_client(h->r))
        http_terminate(h->r, 499);
}


static uint64_t
queued(const struct http_request *r)
{
    return r->task.conn->out.n;
}


/* All has gone out, and on_flushed was told. */
static bool
is_all_out(const struct conn *c)
{
    return c->out.head == NULL && !c->has_unsent && !c->is_flushing
           && !c->flush_failed;
}


static enum flush
flush_out(struct http_request *r, size_t limit, bool late)
{
    struct h1 *h = h1_of(r);
    enum flush did = FLUSH_WAIT;

    if (late && is_all_out(&h->http.conn))
        return FLUSH_DONE;
    h->sent_at_timer = (uint32_t) h->http.conn.sent;
    r->main->moved_at = clock_ms();
    slow_begin(&r->main->slow_reply);
    h->http.conn.limit = (uint32_t) (limit < UINT32_MAX ? limit : UINT32_MAX);
    h->http.conn.send_timeout = (uint32_t) look_in(
        r, send_conf(&r->task)->send_timeout, slow_conf(&r->task)->after_ms);
    if (late && h->http.conn.out.head != NULL) {
        conn_flush_late(&h->http.conn);
    } else {
        did = conn_flush(&h->http.conn, limit);
        if (did == FLUSH_DONE) {
            h->http.pace.since = 0;
            slow_end(&r->main->slow_reply);
        }
        count_body(r);
    }
    return did;
}


static void
drop_out(struct http_request *r)
{
    struct h1 *h = h1_of(r);

    conn_drop_out(&h->http.conn);
    timer_stop(&h->http.conn.write_timer);
}


/* --- the end of a request ------------------------------------------------------------------ */

static void
free_request(struct h1 *h, struct http_request *r)
{
    http_request_free(r);
    h1_free_body(r);
    conn_drop_out(&h->http.conn);
    h->http.conn.lines = &h->http.conn.log;
    h->r = NULL;
}


static void
start_lingering(struct h1 *h, const struct http_keep_conf *c)
{
    h1_set_state(h, H1_LINGER);
    h->http.conn.event.on_read = h1_on_read; /* it may have been hijacked */
    h->linger_until = clock_ms() + c->lingering_time;
    h->linger_ms = (uint32_t) c->lingering_timeout;
    conn_shutdown(&h->http.conn);
    linger(h);
}


/* A client with TLS ends its side with a record.  When that comes after all is
 * closed, the system drops what it has not sent, which is something only where
 * there is more than fits into the first window. */
static bool
has_tail(const struct h1 *h)
{
    enum { WINDOW = 10 * 1400 };
    const struct conn *c = &h->http.conn;

    return h->state == H1_BUSY && tls_ssl(c) != NULL
           && c->sent - h->sent_before > WINDOW && c->io->unread(c) != 0;
}


static void
end_connection(struct h1 *h, const struct http_keep_conf *c, bool is_unread)
{
    h1_free_heads(h, false);
    if (c->lingering_close == LINGER_ALWAYS
        || (c->lingering_close == LINGER_ON
            && (is_unread || h->http.conn.event.readable || has_tail(h))))
        start_lingering(h, c);
    else
        h1_close(h);
}


/* Starts the time of a kept connection. */
static void
start_wait(struct h1 *h, const struct http_keep_conf *c)
{
    msec_t wait = c->keepalive_timeout.timeout;
    msec_t least = c->keepalive_min_timeout;

    h->idle_ms = 0;
    if (least > 0) {
        conn_set_reusable(&h->http.conn, false);
        if (wait > least) {
            h->idle_ms = (uint32_t) (wait - least);
            wait = least;
        }
    }
    timer_set(h->http.conn.loop, &h->http.conn.read_timer, wait);
}


static void
keep_connection(struct h1 *h, const struct http_keep_conf *c)
{
    h1_free_heads(h, true);
    h->is_kept = true;
    h->has_line = false;
    h->http.conn.log.action = "keepalive";
    h1_set_state(h, H1_WAIT);
    timer_stop(&h->http.conn.write_timer);
    start_wait(h, c);
    if (!h->http.conn.nodelay && h->wants_nodelay)
        conn_set_nodelay(&h->http.conn);
    if (h1_has_rest(h) || h->http.conn.event.readable
        || h->http.conn.event.hangup) {
        h->next.run = run_next;
        if (h->http.requests % ROUNDS == 0)
            post_add_next(h->http.conn.loop, &h->next);
        else
            post_add(h->http.conn.loop, &h->next);
    }
}


/* A part of the response is missing, and it has neither length nor chunks: the
 * client would take any end but a reset for that of the response. */
static bool
wants_reset(const struct http_request *r)
{
    const struct http_response *o = &r->out;

    return o->is_head_sent && (o->is_cut || !o->is_framed) && o->length == -1
           && !o->is_chunked && !o->is_head_only && !o->is_upgraded;
}


static void
abort_request(struct http_request *r)
{
    struct h1 *h = h1_of(r);

    if (wants_reset(r)
        || (r->resets && keep_conf(&r->task)->reset_timedout_connection))
        conn_reset_on_close(&h->http.conn);
    free_request(h, r);
    h1_close(h);
}


static void
finish(struct http_request *r)
{
    struct h1                   *h = h1_of(r);
    const struct http_keep_conf *c = keep_conf(&r->task);
    bool                         keeps, is_unread;

    if (wants_reset(r)) {
        abort_request(r);
        return;
    }
    is_unread = h1_has_rest(h) || (r->body != NULL && !r->body->is_complete)
                || tls_is_early(&h->http.conn); /* its end will come */
    if (r->keeps_alive && r->body != NULL && !r->body->is_complete
        && http_body_is_dropped(r->body) && c->lingering_close != LINGER_OFF
        && h->state == H1_BUSY)
    {
        post_cancel(&r->task.wake);
        h1_set_state(h, H1_DISCARD);
        h->linger_until = clock_ms() + c->lingering_time;
        discard_more(h);
        return;
    }
    if (r->body != NULL && h->state == H1_DISCARD && r->keeps_alive)
        r->body->is_complete = true;
    keeps = r->keeps_alive && !worker->is_exiting
            && (r->body == NULL || r->body->is_complete);
    h->wants_nodelay = send_conf(&r->task)->tcp_nodelay;
    free_request(h, r);
    if (keeps && http_conn_rebind(&h->http))
        keep_connection(h, c);
    else
        end_connection(h, c, is_unread);
}


static struct conn *
hijack(struct http_request *r, struct chain *early)
{
    struct h1  *h = h1_of(r);
    struct buf *b = &h->head->buf;

    if (r->is_post_action || (r->body != NULL && !r->body->is_complete))
        return NULL;
    timer_stop(&h->http.conn.read_timer);
    timer_stop(&h->http.conn.write_timer);
    conn_set_use(&h->http.conn, CONN_TUNNEL);
    r->keeps_alive = false;
    if (buf_len(b) != 0) {
        chain_add_copy(early, buf_str(b));
        b->read = b->write;
    }
    return &h->http.conn;
}


const struct http_codec h1_codec = {
    .name = "h1",
    .send_head = h1_send_head,
    .send_interim = h1_send_interim,
    .send_body = h1_send_body,
    .sent = sent,
    .queued = queued,
    .flush = flush_out,
    .drop = drop_out,
    .read_body = h1_read_body,
    .enter = h1_enter,
    .finish = finish,
    .abort = abort_request,
    .hijack = hijack,
};


/* --- the beginning ------------------------------------------------------------------------- */

static void
start(struct http_conn *c)
{
    struct h1 *h = container_of(c, struct h1, http);

    c->conn.event.on_read = h1_on_read;
    c->conn.on_flushed = on_flushed;
    c->conn.read_timer.on_timeout = on_read_timeout;
    c->conn.write_timer.on_timeout = on_write_timeout;
    conn_set_owner(&c->conn, &owner);
    h->state = H1_CLOSED;
    h1_set_state(h, H1_WAIT);
    h1_read_head(h);
}


static void
free_conn(struct http_conn *c)
{
    h1_free_heads(container_of(c, struct h1, http), false);
}


const struct http_protocol h1_protocol = {
    .name = "h1",
    .conn_size = sizeof(struct h1),
    .start = start,
    .free = free_conn,
};
