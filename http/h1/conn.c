/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of an HTTP/1 connection: accepted, waiting, in a request, kept for
 * the next one, lingering, closed.
 */
#include "http/h1/conn.h"

#include <errno.h>
#include <stdlib.h>

#include "core/conf/error_log.h"
#include "core/net/accept.h"
#include "core/net/worker.h"
#include "core/os/clock.h"
#include "http/body.h"
#include "http/counters.h"
#include "http/log_frame.h"
#include "http/response.h"
#include "http/settings.h"


/* --- counting ----------------------------------------------------------------- */

static void
count_state(enum h1_state state, int by)
{
    switch (state) {
    case H1_WAIT:
        http_count(HTTP_WAITING, by);
        break;
    case H1_HEAD:
        http_count(HTTP_READING, by);
        break;
    case H1_BUSY:
        http_count(HTTP_WRITING, by);
        break;
    case H1_PROXY:
    case H1_DISCARD:
    case H1_LINGER:
    case H1_CLOSED:
        break;
    }
}


/* A head that is there at once is not worth a change: h1_read_head. */
static enum conn_use
use_of(const struct h1 *h)
{
    if (h->state == H1_WAIT)
        return h->is_kept ? CONN_IDLE : CONN_NEW;
    return h->state == H1_PROXY ? CONN_HEAD : CONN_BUSY;
}


void
h1_set_state(struct h1 *h, enum h1_state state)
{
    count_state(h->state, -1);
    h->state = (uint8_t) state;
    count_state(state, 1);
    if (h->conn.use != use_of(h))
        conn_set_use(&h->conn, use_of(h));
    h->pace = (struct pace){ 0 };
    h->conn.is_quiet = state == H1_WAIT && h->is_kept;
}


/* --- closing ------------------------------------------------------------------- */

static void
reap_conn(struct post *p)
{
    struct h1 *h = container_of(p, struct h1, next);

    h1_free_heads(h, false);
    if (h->arena != NULL)
        arena_free(h->arena);
    port_put(h->conn.port);
    generation_put(h->gen);
    free(h);
}


void
h1_close(struct h1 *h)
{
    if (h->state == H1_CLOSED)
        return;
    h1_set_state(h, H1_CLOSED);
    counter_add(CONNS_ACTIVE, -1);
    post_cancel(&h->next);
    post_cancel(&h->watch);
    conn_close(&h->conn);
    h->next.run = reap_conn;
    loop_reap(h->conn.loop, &h->next);
}


static const struct http_keep_conf *
default_keep_conf(const struct h1 *h)
{
    return confs_get(http_default_server(h->address)->conf, &http_keep_module);
}


/* --- what comes ----------------------------------------------------------------- */

/* How much of what is dropped, or of a pipeline, is taken in one go. */
enum { ROUNDS = 32 };


static void
run_next(struct post *p)
{
    h1_on_read(&container_of(p, struct h1, next)->conn.event);
}


/* Others first; no event will tell of what is there already. */
static void
go_on_later(struct h1 *h)
{
    h->next.run = run_next;
    post_add_next(h->conn.loop, &h->next);
}


static void
linger(struct h1 *h)
{
    char     dropped[4096] UNSET;
    msec_t   now = clock_ms(), left = h->linger_until - now;
    ssize_t  n = 1;
    unsigned rounds;

    for (rounds = 0; rounds < ROUNDS && n > 0; rounds++)
        n = conn_read(&h->conn, dropped, sizeof(dropped));
    if (n == 0 || n == CONN_ERROR || now >= h->linger_until) {
        h1_close(h);
        return;
    }
    timer_set(h->conn.loop, &h->conn.read_timer,
              left < h->linger_ms ? left : h->linger_ms);
    if (n > 0)
        go_on_later(h);
}


/* From now on the connection is served by what the current generation has at
 * its port.  False: nobody is there, or only with a PROXY header, which this
 * one did not bring. */
static bool
bind_to_current(struct h1 *h)
{
    const struct listener     *l = h->conn.port->listener;
    const struct http_address *a;

    if (h->gen == worker->gen)
        return true;
    if (l == NULL)
        return false;
    a = http_address_of(l->owner, &h->conn);
    if (a->has_proxy_protocol && h->client.proxy == NULL)
        return false;
    generation_put(h->gen);
    h->gen = generation_get(a->gen);
    h->address = a;
    h->conn.log.targets = error_log_targets(http_default_server(a)->conf);
    return true;
}


static void
read_proxy_header(struct h1 *h)
{
    struct proxy_protocol found, *pp;
    struct buf           *b;
    size_t                used;
    ssize_t               n;

    if (h->head == NULL) {
        h->head = malloc(sizeof(*h->head) + PROXY_PROTOCOL_MAX);
        CHECK(h->head != NULL);
        h->head->before = NULL;
        buf_init(&h->head->buf, h->head + 1, PROXY_PROTOCOL_MAX);
    }
    b = &h->head->buf;
    n = conn_read(&h->conn, b->write, buf_room(b));
    if (n == CONN_AGAIN)
        return;
    if (n <= 0) {
        h1_close(h);
        return;
    }
    b->write += n;
    if (h->arena == NULL)
        h->arena = arena_new(512);
    switch (proxy_protocol_parse(h->arena, buf_str(b), &found, &used)) {
    case PARSE_OK:
        b->read += used;
        if (found.src_addr.p != NULL) {
            pp = arena_make(h->arena, struct proxy_protocol);
            *pp = found;
            h->client.proxy = pp;
        }
        if (!h1_has_rest(h))
            h1_free_heads(h, false);
        h->conn.log.action = "waiting for request";
        if (!bind_to_current(h)) {
            h1_close(h);
            return;
        }
        h1_set_state(h, H1_WAIT);
        h1_read_head(h);
        return;
    case PARSE_AGAIN:
        if (buf_room(b) != 0)
            return;
        break;
    case PARSE_END:
    case PARSE_BAD:
        break;
    }
    log_error(&h->conn.log, "broken header: \"" STR_F "\"",
              STR_A(h1_first_line(b, 107)));
    h1_close(h);
}


/* Something came, or the client has closed, while a request is answered. */
static void
notice_client(struct h1 *h)
{
    struct http_request *r = h->r;

    if (h1_waits_for_body(r)) {
        task_wake(&r->task);
    } else if (h->conn.event.hangup && !r->client_gone) {
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
        timer_set(h->conn.loop, &h->conn.read_timer,
                  keep_conf(&r->task)->lingering_timeout);
        return;
    }
    if (step == STEP_FAIL)
        r->keeps_alive = false;
    h->linger_until = 0;
    r->codec->finish(r);
}


void
h1_on_read(struct event *e)
{
    struct h1 *h = container_of(e, struct h1, conn.event);

    switch ((enum h1_state) h->state) {
    case H1_WAIT:
    case H1_HEAD:
        h1_read_head(h);
        break;
    case H1_PROXY:
        read_proxy_header(h);
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

    c = h->r ? keep_conf(&h->r->task) : default_keep_conf(h);
    if (c->reset_timedout_connection)
        conn_reset_on_close(&h->conn);
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
    timer_set(h->conn.loop, &h->conn.read_timer, more);
    conn_set_reusable(&h->conn, true);
}


static void
abort_discarding(struct h1 *h)
{
    h->r->keeps_alive = false;
    h->linger_until = 0;
    h->r->codec->abort(h->r);
}


static void
on_read_timeout(struct timer *t)
{
    struct h1 *h = container_of(t, struct h1, conn.read_timer);

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
    case H1_PROXY:
    case H1_CLOSED:
        break;
    }
    log_at(&h->conn.log, LEVEL_INFO, ETIMEDOUT, "client timed out");
    h1_timed_out(h);
}


/* Nothing went out for send_timeout; as long as something does, it starts
 * again. */
static void
on_write_timeout(struct timer *t)
{
    struct h1 *h = container_of(t, struct h1, conn.write_timer);

    if (h->r == NULL || chain_empty(&h->conn.out))
        return;
    if ((uint32_t) h->conn.sent != h->sent_at_timer) {
        h->sent_at_timer = (uint32_t) h->conn.sent;
        timer_set(h->conn.loop, t, h->conn.send_timeout);
        return;
    }
    h->conn.log.action = "sending to client";
    log_at(&h->conn.log, LEVEL_INFO, ETIMEDOUT, "client timed out");
    h1_timed_out(h);
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
        return &h->pace;
    if (r->task.log == worker->doing)
        return NULL;
    if (c->out.n != 0 ? !c->event.writable
                      : h1_waits_for_body(r) && !http_body_is_dropped(r->body))
        return &h->pace;
    return NULL;
}


static void
on_slow(struct conn *c)
{
    struct h1 *h = h1_of_conn(c);

    log_info(&c->log, "slow client closed to make room");
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

    if (h->state == H1_WAIT && h->r == NULL && !bind_to_current(h))
        h1_close(h);
}


static const struct conn_owner owner = { .on_unwanted = on_unwanted,
                                         .on_cut = on_cut,
                                         .on_adopt = on_adopt,
                                         .pace = pace,
                                         .on_slow = on_slow };


/* --- what goes out --------------------------------------------------------------------- */

static void
count_body(struct http_request *r)
{
    uint64_t sent = r->task.conn->sent - r->sent_before;

    r->body_sent = sent > r->head_size ? sent - r->head_size : 0;
}


static void
on_flushed(struct conn *c)
{
    struct h1 *h = h1_of_conn(c);

    if (h->r == NULL || h->state != H1_BUSY)
        return;
    count_body(h->r);
    h->pace.since = 0;
    if (c->flush_failed)
        http_terminate(h->r, 499);
    else
        task_wake(&h->r->task);
}


static uint64_t
queued(const struct http_request *r)
{
    return r->task.conn->out.n;
}


static enum flush
flush_out(struct http_request *r, size_t limit, bool late)
{
    struct h1 *h = h1_of(r);
    enum flush did = FLUSH_WAIT;

    h->sent_at_timer = (uint32_t) h->conn.sent;
    h->conn.limit = (uint32_t) (limit < UINT32_MAX ? limit : UINT32_MAX);
    h->conn.send_timeout = (uint32_t) send_conf(&r->task)->send_timeout;
    if (late && h->conn.out.head != NULL) {
        h->conn.limit = limit > UINT32_MAX ? UINT32_MAX : (uint32_t) limit;
        conn_flush_late(&h->conn);
    } else {
        did = conn_flush(&h->conn, limit);
        if (did == FLUSH_DONE)
            h->pace.since = 0;
        count_body(r);
    }
    return did;
}


static void
drop_out(struct http_request *r)
{
    struct h1 *h = h1_of(r);

    chain_clear(&h->conn.out);
    timer_stop(&h->conn.write_timer);
}


/* --- the end of a request ------------------------------------------------------------------ */

static void
reap_request(struct post *p)
{
    struct http_request *r = container_of(p, struct http_request, reap);
    struct generation   *g = r->task.gen;

    arena_free(r->task.arena);
    generation_put(g);
}


static void
free_request(struct h1 *h, struct http_request *r)
{
    task_end(&r->task);
    timer_stop(&r->delay);
    h1_free_body(r);
    if (r->body != NULL)
        chain_clear(&r->body->data);
    chain_clear(&r->pending);
    chain_clear(&h->conn.out);
    h->conn.log.frames = &h->frame;
    h->conn.log.targets
        = error_log_targets(http_default_server(h->address)->conf);
    h->r = NULL;
    r->reap.run = reap_request;
    loop_reap(h->conn.loop, &r->reap);
}


static void
start_lingering(struct h1 *h, const struct http_keep_conf *c)
{
    h1_set_state(h, H1_LINGER);
    h->conn.event.on_read = h1_on_read; /* it may have been hijacked */
    h->linger_until = clock_ms() + c->lingering_time;
    h->linger_ms = (uint32_t) c->lingering_timeout;
    conn_shutdown(&h->conn);
    linger(h);
}


static void
end_connection(struct h1 *h, bool may_linger, const struct http_keep_conf *c,
               bool is_unread)
{
    h1_free_heads(h, false);
    if (may_linger
        && (c->lingering_close == LINGER_ALWAYS
            || (c->lingering_close == LINGER_ON
                && (is_unread || h->conn.event.readable))))
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
        conn_set_reusable(&h->conn, false);
        if (wait > least) {
            h->idle_ms = (uint32_t) (wait - least);
            wait = least;
        }
    }
    timer_set(h->conn.loop, &h->conn.read_timer, wait);
}


static void
keep_connection(struct h1 *h, const struct http_keep_conf *c)
{
    h1_free_heads(h, true);
    h->is_kept = true;
    h->has_line = false;
    h->seen = 0;
    h->conn.log.action = "keepalive";
    h1_set_state(h, H1_WAIT);
    timer_stop(&h->conn.write_timer);
    start_wait(h, c);
    if (!h->conn.nodelay && h->wants_nodelay)
        conn_set_nodelay(&h->conn);
    if (h1_has_rest(h) || h->conn.event.readable || h->conn.event.hangup) {
        h->next.run = run_next;
        if (h->client.requests % ROUNDS == 0)
            post_add_next(h->conn.loop, &h->next);
        else
            post_add(h->conn.loop, &h->next);
    }
}


static void
finish(struct http_request *r)
{
    struct h1                   *h = h1_of(r);
    const struct http_keep_conf *c = keep_conf(&r->task);
    bool                         keeps, is_unread;

    is_unread = h1_has_rest(h) || (r->body != NULL && !r->body->is_complete);
    if (r->keeps_alive && r->body != NULL && !r->body->is_complete
        && http_body_is_dropped(r->body) && h->linger_until == 0
        && c->lingering_close != LINGER_OFF && h->state == H1_BUSY)
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
    h->linger_until = 0;
    h->wants_nodelay = send_conf(&r->task)->tcp_nodelay;
    free_request(h, r);
    if (keeps && bind_to_current(h))
        keep_connection(h, c);
    else
        end_connection(h, true, c, is_unread);
}


static void
abort_request(struct http_request *r)
{
    struct h1 *h = h1_of(r);

    if (r->resets && keep_conf(&r->task)->reset_timedout_connection)
        conn_reset_on_close(&h->conn);
    free_request(h, r);
    h1_close(h);
}


static struct conn *
hijack(struct http_request *r, struct chain *early)
{
    struct h1  *h = h1_of(r);
    struct buf *b = &h->head->buf;

    if (r->is_post_action || (r->body != NULL && !r->body->is_complete))
        return NULL;
    timer_stop(&h->conn.read_timer);
    timer_stop(&h->conn.write_timer);
    conn_set_use(&h->conn, CONN_TUNNEL);
    r->keeps_alive = false;
    if (buf_len(b) != 0) {
        chain_add_copy(early, buf_str(b));
        b->read = b->write;
    }
    return &h->conn;
}


const struct http_codec h1_codec = {
    .name = "h1",
    .send_head = h1_send_head,
    .send_interim = h1_send_interim,
    .send_body = h1_send_body,
    .queued = queued,
    .flush = flush_out,
    .drop = drop_out,
    .read_body = h1_read_body,
    .finish = finish,
    .abort = abort_request,
    .hijack = hijack,
};


/* --- the beginning ------------------------------------------------------------------------- */

const struct http_client *
http_client_of(const struct http_request *r)
{
    return &h1_of(r)->client;
}


/* Before there is a request: who it is, and where it came to. */
static void
write_frame(const struct log_frame *frame, struct log_record *l)
{
    const struct h1   *h = container_of(frame, struct h1, frame);
    char               peer[ADDR_TEXT];
    const struct addr *who = h->r ? h->r->task.peer : &h->conn.peer;
    size_t             n = addr_text(peer, &who->sa, sizeof(*who), false);

    log_part(l, "client", "%.*s", (int) n, peer);
    if (h->r == NULL)
        log_part(l, "server", STR_F, STR_A(h->address->text));
}


static void
watch(struct post *p)
{
    struct h1 *h = container_of(p, struct h1, watch);

    if (!conn_start(&h->conn))
        on_cut(&h->conn);
}


/* Most clients have sent their request by now: it is read, and where that is
 * possible answered, before the connection is watched.  Only one that is still
 * there behind all else of the turn, the writes too, is worth a system call. */
static void
begin(struct h1 *h)
{
    h->conn.event.readable = true;
    h1_on_read(&h->conn.event);
    h->watch.run = watch;
    if (h->state != H1_CLOSED)
        post_add_late(h->conn.loop, &h->watch);
}


void
h1_accept(struct port *p, struct loop *loop, int fd,
          const struct addr_any *peer)
{
    const struct listener       *l = p->listener;
    struct h1                   *h = calloc(1, sizeof(*h));
    const struct http_head_conf *c;
    struct log                   log = worker->log;

    if (h == NULL)
        check_memory(sizeof(*h));
    log.frames = NULL;
    log.action = "waiting for request";
    log.serial = counters_next_connection();
    log.debug = worker->n_debug != 0 && worker_debugs(&peer->sa);
    h->state = H1_CLOSED;
    conn_init(&h->conn, loop, fd, &log);
    h->conn.port = p;
    p->refs++;
    conn_set_peer(&h->conn, &peer->sa, peer->len);
    h->conn.event.on_read = h1_on_read;
    h->conn.on_flushed = on_flushed;
    h->conn.read_timer.on_timeout = on_read_timeout;
    h->conn.write_timer.on_timeout = on_write_timeout;
    h->frame.write = write_frame;
    log_push(&h->conn.log, &h->frame);
    h->address = http_address_of(l->owner, &h->conn);
    h->gen = generation_get(h->address->gen);
    h->conn.log.targets
        = error_log_targets(http_default_server(h->address)->conf);
    h->client.opened_at = clock_ms();
    conn_set_owner(&h->conn, &owner);
    counter_add(CONNS_ACCEPTED, 1);
    counter_add(CONNS_HANDLED, 1);
    counter_add(CONNS_ACTIVE, 1);
    h1_set_state(h, h->address->has_proxy_protocol ? H1_PROXY : H1_WAIT);
    if (h->state == H1_PROXY) {
        h->conn.log.action = "reading PROXY protocol";
        pace_start(&h->pace);
    }
    c = confs_get(http_default_server(h->address)->conf, &http_head_module);
    timer_set(loop, &h->conn.read_timer, c->client_header_timeout);
    begin(h);
}
