/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of an HTTP/2 connection: what comes, when it is idle, how it ends.
 *
 *     OPEN > NOTICED > ENDING > LINGER > CLOSED
 *
 * It ends in two steps (RFC 9113 section 6.8): first the client hears that an end
 * is near, with a PING; when that is back, streams that were begun meanwhile are
 * known, and the last of them is named.
 */
#include "http/h2/conn.h"

#include <errno.h>

#include "core/net/worker.h"
#include "core/os/clock.h"
#include "core/tls/tls.h"
#include "http/counters.h"
#include "http/settings.h"

enum {
    ROUNDS = 2,        /* of reading, in one go                               */
    BODY_ROUNDS = 8,   /* ... of bodies                                       */
    BODY_FRAME = 4096, /* bytes of a frame of theirs, on average, at least   */
    READ = 32 * 1024,  /* bytes each                                          */
    NOTICE_MS = 1000,  /* how long the answer to a PING may take              */
    SLEEP_MS = 1000,   /* of being idle, after which memory is given back     */
    /* What is to go out, beyond which nothing more is read. */
    OUT_MAX = 256 * 1024, /* bytes; bodies end at half of it                 */
    FRAMES_MAX = 2000,    /* in nghttp2's queue                              */
};

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";


bool
h2_is_preface(str_t bytes)
{
    size_t n = bytes.n < H2_PREFACE ? bytes.n : H2_PREFACE;

    return memcmp(bytes.p, preface, n) == 0;
}


static const struct http_keep_conf *
keep_of(const struct h2 *h)
{
    return http_conn_conf(&h->http, &http_keep_module);
}


/* --- the end -------------------------------------------------------------------- */

static void
set_use(struct h2 *h, enum conn_use use)
{
    struct conn *c = &h->http.conn;

    if (c->use == use)
        return;
    if (use == CONN_IDLE)
        http_count(HTTP_WAITING, 1);
    if (c->use == CONN_IDLE)
        http_count(HTTP_WAITING, -1);
    conn_set_use(c, use);
    c->is_quiet = use == CONN_IDLE;
    h->http.pace = (struct pace){ 0 };
}


static void
close_now(struct h2 *h)
{
    if (h->state == H2_CLOSED)
        return;
    h->state = H2_CLOSED;
    h->is_broken = true;
    set_use(h, CONN_BUSY);
    post_cancel(&h->gather);
    post_cancel(&h->more);
    timer_stop(&h->refusal);
    h2_stream_reap(h);
    http_conn_close(&h->http);
}


/* Ends what is under way; some requests go on without a client (post_action, what is
 * being stored). */
void
h2_break(struct h2 *h)
{
    h->is_broken = true;
    if (!chain_empty(&h->http.conn.out))
        conn_drop_out(&h->http.conn); /* it points into what ends now */
    LIST_EACH(&h->streams, l) {
        struct h2_stream *s = container_of(l, struct h2_stream, link);

        s->is_gone = true;
        if (s->is_over)
            h2_stream_reset(s, NGHTTP2_NO_ERROR);
        else if (!http_lose_client(s->r))
            http_terminate(s->r, s->is_timed_out ? 408 : 499);
    }
    h2_settle(h);
}


static void
linger(struct h2 *h)
{
    const struct http_keep_conf *c = keep_of(h);

    if (c->lingering_close == LINGER_OFF) {
        close_now(h);
        return;
    }
    h->state = H2_LINGER;
    set_use(h, CONN_BUSY);
    h->linger_until = clock_ms() + c->lingering_time;
    conn_shutdown(&h->http.conn);
    timer_set(h->http.conn.loop, &h->http.conn.read_timer,
              c->lingering_timeout);
    post_add(h->http.conn.loop, &h->more);
}


void
h2_end(struct h2 *h, bool at_once)
{
    nghttp2_session     *n = h2_session(h);
    static const uint8_t about[8] = "the end";

    if (h->state >= H2_ENDING || h->is_broken || n == NULL)
        return;
    if (!at_once && h->state == H2_OPEN) {
        h->state = H2_NOTICED;
        nghttp2_submit_shutdown_notice(n);
        nghttp2_submit_ping(n, NGHTTP2_FLAG_NONE, about);
        timer_set(h->http.conn.loop, &h->refusal, NOTICE_MS);
    } else if (at_once) {
        h->state = H2_ENDING;
        nghttp2_submit_goaway(n, NGHTTP2_FLAG_NONE,
                              nghttp2_session_get_last_proc_stream_id(n),
                              NGHTTP2_NO_ERROR, NULL, 0);
    }
    h2_gather_later(h);
}


void
h2_failed(struct h2 *h)
{
    if (h->state < H2_LINGER)
        h->state = H2_ENDING;
    h->is_failed = true;
}


void
h2_fail(struct h2 *h, uint32_t code)
{
    if (h->state >= H2_ENDING || h->is_broken)
        return;
    h2_failed(h);
    nghttp2_session_terminate_session(h2_session(h), code);
    post_add(h->http.conn.loop, &h->more);
    post_add_late(h->http.conn.loop, &h->gather);
}


void
h2_attacked(struct h2 *h, unsigned kind, const char *what)
{
    if (h->state >= H2_ENDING || h->is_broken)
        return;
    log_at(&h->http.conn.log, LEVEL_WARN, 0, "HTTP/2 connection closed: %s",
           what);
    counter_add(http_v2_module.first_counter + kind, 1);
    h2_fail(h, NGHTTP2_ENHANCE_YOUR_CALM);
}


/* Streams whose answer the client has had time to read. */
static void
on_refusal(struct timer *t)
{
    struct h2 *h = container_of(t, struct h2, refusal);

    for (unsigned i = 0; i < h->refusals; i++)
        nghttp2_submit_rst_stream(h2_session(h), NGHTTP2_FLAG_NONE,
                                  h->refused[i], NGHTTP2_PROTOCOL_ERROR);
    h->refusals = 0;
    if (h->state == H2_NOTICED)
        h2_end(h, true);
    h2_gather_later(h);
}


/* --- idle or not -------------------------------------------------------------------- */

/* A frame has its time from its beginning; more bytes of it do not help. */
static void
time_frame(struct h2 *h)
{
    const struct http_head_conf *c
        = http_conn_conf(&h->http, &http_head_module);
    struct timer *t = &h->http.conn.read_timer;

    if (timer_is_set(t) && h->frame_timed == h->watch.frames + 1)
        return;
    h->frame_timed = h->watch.frames + 1;
    timer_set(h->http.conn.loop, t, c->client_header_timeout);
}


/* It is idle: for a moment at first, as the next request may be near. */
static void
start_idle(struct h2 *h)
{
    msec_t may = keep_of(h)->keepalive_timeout.timeout;

    h->frame_timed = 0;
    h->is_asleep = may <= SLEEP_MS;
    timer_set(h->http.conn.loop, &h->http.conn.read_timer,
              h->is_asleep ? may : SLEEP_MS);
}


/* False: it was idle for long enough. */
static bool
go_to_sleep(struct h2 *h)
{
    msec_t may = keep_of(h)->keepalive_timeout.timeout;

    if (h->is_asleep)
        return false;
    h->is_asleep = true;
    if (!h->http.conn.has_unsent && h->links == NULL
        && !nghttp2_session_want_write(h2_session(h)))
        h2_memory_rest(h);
    timer_set(h->http.conn.loop, &h->http.conn.read_timer,
              may > SLEEP_MS ? may - SLEEP_MS : 0);
    return true;
}


static void
start_wait(struct h2 *h)
{
    bool is_idle = h->is_kept && !h2_watch_is_inside(&h->watch);

    if (is_idle) {
        start_idle(h);
    } else {
        time_frame(h);
    }
    if (is_idle)
        set_use(h, CONN_IDLE);
    else
        set_use(h, h->is_kept ? CONN_HEAD : CONN_NEW);
    if (h->http.conn.use == CONN_HEAD && h->http.pace.since == 0)
        pace_start(&h->http.pace);
}


/* A head that is coming has its time, whatever else is under way. */
static void
settle_open(struct h2 *h)
{
    if (h->n_streams == 0) {
        start_wait(h);
        return;
    }
    set_use(h, CONN_BUSY);
    if (!h2_watch_is_inside(&h->watch))
        timer_stop(&h->http.conn.read_timer);
    else
        time_frame(h);
}


/* Whether all that was to be said is out. */
static bool
is_said(struct h2 *h)
{
    return h->http.conn.out.n == 0 && !h->http.conn.has_unsent && !h->is_full
           && !post_is_added(&h->gather)
           && !nghttp2_session_want_write(h2_session(h));
}


void
h2_settle(struct h2 *h)
{
    if (h->is_working || h->state >= H2_LINGER)
        return;
    if (h->is_broken) {
        if (h->n_streams == 0)
            close_now(h);
        return;
    }
    if (h->state != H2_ENDING) {
        if (h->n_streams == 0
            && (h->is_left || (worker->is_exiting && h->is_kept)))
            h2_end(h, h->is_left || h->state == H2_NOTICED);
        settle_open(h);
        return;
    }
    if ((h->n_streams == 0 || h->is_failed) && is_said(h)) {
        if (h->n_streams == 0)
            linger(h);
        else
            h2_break(h);
    }
}


/* --- what comes ------------------------------------------------------------------------ */

static bool
judge(struct h2 *h, enum h2_verdict verdict, enum h2_kind kind)
{
    switch (verdict) {
    case H2_FINE:
    case H2_IS_DATA:
        return true;
    case H2_TOO_MANY:
        h2_attacked(h, kind, h2_kind_texts[kind]);
        break;
    case H2_BAD_PRIORITY:
        log_info(&h->http.conn.log,
                 "client sent PRIORITY frame with incorrect dependency");
        h2_fail(h, NGHTTP2_PROTOCOL_ERROR);
        break;
    }
    return false;
}


/* nghttp2 drops DATA of closed streams in silence.  The last of a stream may have
 * closed it just now. */
static void
check_data(struct h2 *h, int32_t id)
{
    if (!h->took_data && id <= h->last && id % 2 == 1 && h->state < H2_ENDING
        && nghttp2_session_find_stream(h2_session(h), id) == NULL)
        h2_stream_late(h, id, false);
}


/* False: the connection is of no more use. */
static bool
take(struct h2 *h, str_t in)
{
    enum h2_verdict verdict;
    enum h2_kind    kind = H2_OTHERS;
    size_t          part;
    ssize_t         n = 0;

    for (; in.n != 0 && n >= 0 && !h->is_failed; in = str_from(in, part)) {
        part = h2_watch_bytes(&h->watch, &h2_conf(h)->limits, clock_ms(), in,
                              &verdict, &kind);
        if (!judge(h, verdict, kind))
            return true;
        h->is_working = true;
        h->took_data = false;
        n = nghttp2_session_mem_recv(h2_session(h), (const uint8_t *) in.p,
                                     part);
        h->is_working = false;
        if (n >= 0 && verdict == H2_IS_DATA)
            check_data(h, h->watch.data_id);
    }
    if (n >= 0)
        return true;
    log_info(&h->http.conn.log, "client sent invalid HTTP/2: %s",
             nghttp2_strerror((int) n));
    return false;
}


static void
drop_input(struct h2 *h)
{
    char         dropped[4096] UNSET;
    struct conn *c = &h->http.conn;
    ssize_t      n = 1;

    for (unsigned i = 0; i < 32 && n > 0; i++)
        n = conn_read(c, dropped, sizeof(dropped));
    if (n == 0 || n == CONN_ERROR || clock_ms() >= h->linger_until) {
        close_now(h);
        return;
    }
    timer_set(c->loop, &c->read_timer, keep_of(h)->lingering_timeout);
    if (n > 0)
        post_add_next(c->loop, &h->more);
}


static void
end_of_input(struct h2 *h, ssize_t n)
{
    h->http.conn.log.action = NULL;
    if (n == 0 && h->n_streams != 0)
        log_info(&h->http.conn.log, "client prematurely closed connection");
    else if (n == 0 && !h->is_kept)
        log_info(&h->http.conn.log,
                 "client closed connection while waiting for request");
    h2_break(h);
}


/* One read.  1: there may be more; 0: not now; -1: it is over. */
static int
read_once(struct h2 *h)
{
    struct conn *c = &h->http.conn;
    bool         goes_on;
    ssize_t      n;

    h->in = block_new(READ);
    n = conn_read(c, h->in->data, h->in->size);
    goes_on = n <= 0 || take(h, (str_t){ h->in->data, (size_t) n });
    block_put(h->in);
    h->in = NULL;
    if (n == CONN_AGAIN)
        return 0;
    if (n > 0 && goes_on)
        return h->state < H2_ENDING || !h->is_failed ? 1 : 0;
    if (n <= 0)
        end_of_input(h, n);
    else
        h2_break(h);
    return -1;
}


/* Who does not read what his frames are answered with has no more of them
 * answered; h2_gather reads on when all is out. */
static bool
is_held_up(struct h2 *h)
{
    h->is_held_up = h->http.conn.out.n > OUT_MAX
                    || nghttp2_session_get_outbound_queue_size(h2_session(h))
                           > FRAMES_MAX;
    return h->is_held_up;
}


/* Whether there is another round, after so many that had bytes in frames.  The
 * more of bodies comes at a time, the fewer are the pieces that are passed on;
 * other frames make work of their own. */
static bool
reads_on(unsigned rounds, uint64_t bytes, uint32_t frames)
{
    return rounds < ROUNDS
           || (rounds < BODY_ROUNDS && (uint64_t) frames * BODY_FRAME <= bytes);
}


void
h2_read(struct h2 *h)
{
    uint64_t received = h->http.conn.received;
    uint32_t frames = h->watch.frames;
    unsigned rounds = 0;
    int      more = 1;

    if (h->state == H2_CLOSED || h->is_broken)
        return;
    if (h->state == H2_LINGER) {
        drop_input(h);
        return;
    }
    if (h->is_failed) {
        h2_settle(h);
        return;
    }
    if (is_held_up(h))
        return;
    h->n_new = 0;
    while (more == 1
           && reads_on(rounds++, h->http.conn.received - received,
                       h->watch.frames - frames))
        more = read_once(h);
    if (more == -1)
        return;
    h2_body_told(h, more == 1 && !h->is_failed);
    if (nghttp2_session_want_write(h2_session(h)) || h->http.conn.has_unsent)
        h2_gather_later(h);
    if (!h->is_failed && more == 1)
        post_add_next(h->http.conn.loop, &h->more);
    if (worker->is_exiting)
        h2_end(h, false);
    h2_settle(h);
}


static void
on_read(struct event *e)
{
    h2_read(container_of(e, struct h2, http.conn.event));
}


static void
on_more(struct post *p)
{
    h2_read(container_of(p, struct h2, more));
}


/* --- timers ------------------------------------------------------------------------------ */

static void
on_read_timeout(struct timer *t)
{
    struct h2 *h = container_of(t, struct h2, http.conn.read_timer);

    if (h->state == H2_LINGER) {
        close_now(h);
        return;
    }
    if (h->is_kept && h->n_streams == 0 && !h2_watch_is_inside(&h->watch)) {
        if (!go_to_sleep(h))
            h2_end(h, true);
        return;
    }
    log_at(&h->http.conn.log, LEVEL_INFO, ETIMEDOUT, "client timed out");
    if (keep_of(h)->reset_timedout_connection)
        conn_reset_on_close(&h->http.conn);
    h2_break(h);
}


/* The socket takes nothing; a few bytes are not enough. */
static void
on_write_timeout(struct timer *t)
{
    struct h2   *h = container_of(t, struct h2, http.conn.write_timer);
    struct conn *c = &h->http.conn;

    if (c->sent - h->sent_then >= H2_ENOUGH) {
        h->sent_then = c->sent;
        timer_set(c->loop, t, c->send_timeout);
        return;
    }
    log_at(&c->log, LEVEL_INFO, ETIMEDOUT, "client timed out");
    if (keep_of(h)->reset_timedout_connection)
        conn_reset_on_close(c);
    LIST_EACH(&h->streams, l)
        container_of(l, struct h2_stream, link)->is_timed_out = true;
    h2_break(h);
}


/* --- for the worker ------------------------------------------------------------------------ */

static void
on_unwanted(struct conn *c)
{
    struct h2 *h = h2_of_conn(c);

    if (conn_probe(c) == PROBE_INPUT) {
        c->event.readable = true;
        post_add(c->loop, &h->more);
    } else if (h->is_kept || !worker->is_exiting) {
        h2_end(h, true);
        h2_gather(&h->gather);
        if (h->state < H2_LINGER && !h->is_broken)
            h2_break(h);
        if (h->state == H2_LINGER)
            close_now(h);
    }
}


/* Streams may last; new ones are to go elsewhere from now on. */
static void
on_exit_of_worker(struct conn *c)
{
    h2_end(h2_of_conn(c), false);
}


/* The time of the worker, or of a generation that is served no more, is over. */
static void
on_cut(struct conn *c)
{
    struct h2 *h = h2_of_conn(c);
    bool is_all = worker->is_exiting || h->http.address->gen != worker->gen;

    if (is_all) {
        LIST_EACH(&h->streams, l)
            container_of(l, struct h2_stream, link)->r->is_silent = true;
        h2_break(h);
        if (h->n_streams == 0)
            close_now(h);
        return;
    }
    LIST_EACH(&h->streams, it) {
        struct h2_stream *s = container_of(it, struct h2_stream, link);

        if (s->r->task.gen == worker->gen)
            continue;
        if (s->is_over)
            h2_stream_reset(s, NGHTTP2_NO_ERROR);
        else
            http_terminate(s->r, 0);
    }
    conn_set_owner(c, c->owner);
}


static void
on_adopt(struct conn *c)
{
    struct h2 *h = h2_of_conn(c);

    if (h->n_streams == 0 && !http_conn_rebind(&h->http) && h->is_kept)
        h2_end(h, true);
}


/* That of the oldest stream. */
static const struct generation *
generation(const struct conn *c)
{
    struct h2 *h = container_of(c, struct h2, http.conn);

    if (list_empty(&h->streams))
        return http_conn_generation(c);
    return container_of(h->streams.next, struct h2_stream, link)->r->task.gen;
}


/* The client holds up what it waits for: the socket is full, or a head is
 * coming. */
static struct pace *
pace(struct conn *c)
{
    struct h2 *h = h2_of_conn(c);

    if (c->use == CONN_HEAD || (c->out.n != 0 && !c->event.writable))
        return &h->http.pace;
    return NULL;
}


static void
on_slow(struct conn *c)
{
    log_info(&c->log, "slow client closed to make room");
    h2_break(h2_of_conn(c));
}


static const struct conn_owner owner = { .on_unwanted = on_unwanted,
                                         .on_exit = on_exit_of_worker,
                                         .on_cut = on_cut,
                                         .on_adopt = on_adopt,
                                         .generation = generation,
                                         .pace = pace,
                                         .on_slow = on_slow };


/* --- the beginning --------------------------------------------------------------------------- */

static void
start(struct http_conn *c)
{
    struct h2                   *h = container_of(c, struct h2, http);
    const struct http_send_conf *s = http_conn_conf(c, &http_send_module);

    list_init(&h->streams);
    list_init(&h->ready);
    list_init(&h->framed);
    list_init(&h->stalled);
    list_init(&h->dead);
    list_init(&h->held);
    c->conn.log.action = "processing HTTP/2 connection";
    h->gather.run = h2_gather;
    h->more.run = on_more;
    h->refusal.on_timeout = on_refusal;
    c->conn.event.on_read = on_read;
    c->conn.on_flushed = h2_on_flushed;
    c->conn.read_timer.on_timeout = on_read_timeout;
    c->conn.write_timer.on_timeout = on_write_timeout;
    c->conn.send_timeout = (uint32_t) s->send_timeout;
    conn_set_owner(&c->conn, &owner);
    if (s->tcp_nodelay)
        conn_set_nodelay(&c->conn);
    h2_watch_init(&h->watch, clock_ms());
    if (!h2_session_new(h)) {
        close_now(h);
        return;
    }
    h2_gather_later(h);
    h2_read(h);
}


static void
free_conn(struct http_conn *c)
{
    struct h2 *h = container_of(c, struct h2, http);

    nghttp2_session_del(h2_session(h));
    h2_out_end(h);
    if (h->links != NULL)
        arena_free(h->links);
}


const struct http_protocol h2_protocol = {
    .name = "h2",
    .conn_size = sizeof(struct h2),
    .start = start,
    .free = free_conn,
};
