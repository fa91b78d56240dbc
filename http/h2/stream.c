/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a stream: begun with a head, over when its request has been
 * logged, and freed when nothing of it is in the connection's output.
 */
#include "core/net/worker.h"
#include "core/os/clock.h"
#include "http/counters.h"
#include "http/h2/conn.h"
#include "http/request_head.h"
#include "http/response.h"
#include "http/settings.h"

/* --- beginning -------------------------------------------------------------------- */

struct h2_stream *
h2_stream_begin(struct h2 *h, int32_t id)
{
    struct http_request *r;
    struct h2_stream    *s;

    if (++h->n_new > 2 * h2_conf(h)->max_streams) {
        h2_attacked(h, H2_STREAMS, "client sent too many streams at once");
        return NULL;
    }
    if (!http_conn_rebind(&h->http) && h->is_kept) {
        h2_end(h, true);
        return NULL;
    }
    r = http_request_new(&h->http, &h2_codec);
    s = arena_make(r->task.arena, struct h2_stream);
    r->codec_state = s;
    r->log.action = "reading client request headers";
    s->h = h;
    s->r = r;
    s->id = id;
    s->window = (int32_t) h2_conf(h)->preread;
    list_append(&h->streams, &s->link);
    list_init(&s->ready);
    list_init(&s->framed);
    list_init(&s->stalled);
    list_init(&s->held);
    chain_init(&s->body, r->task.arena);
    chain_init(&s->out, r->task.arena);
    h2_patience_init(s);
    h->n_streams++;
    h->is_kept = true;
    http_count(HTTP_WRITING, 1);
    h2_settle(h);
    return s;
}


/* --- ending -------------------------------------------------------------------------- */

/* nghttp2 forgets it. */
static void
detach(struct h2_stream *s)
{
    nghttp2_session *n = h2_session(s->h);

    if (n != NULL && !s->is_closed)
        nghttp2_session_set_stream_user_data(n, s->id, NULL);
}


static void
free_stream(struct h2_stream *s)
{
    chain_clear(&s->out);
    http_request_free(s->r);
}


/* What is in the output, or in nghttp2's queue, may point into its memory. */
static void
leave(struct h2_stream *s)
{
    struct h2 *h = s->h;

    detach(s);
    if (h->heading == s)
        h->heading = NULL;
    if (h->framing == s)
        h->framing = NULL;
    list_remove(&s->link);
    list_remove(&s->ready);
    list_remove(&s->framed);
    list_remove(&s->stalled);
    list_remove(&s->held);
    timer_stop(&s->read_timer);
    timer_stop(&s->write_timer);
    h2_tunnel_close(s);
    h2_body_drop(s);
    h->n_streams--;
    http_count(HTTP_WRITING, -1);
    if (!h->is_broken && s->out_end > h->http.conn.sent)
        list_append(&h->dead, &s->link);
    else
        free_stream(s);
}


void
h2_stream_reap(struct h2 *h)
{
    LIST_EACH(&h->dead, l) {
        struct h2_stream *s = container_of(l, struct h2_stream, link);

        if (!h->is_broken && s->out_end > h->http.conn.sent)
            continue;
        list_remove(l);
        free_stream(s);
    }
}


void
h2_stream_reset(struct h2_stream *s, uint32_t code)
{
    struct h2 *h = s->h;
    int32_t    id = s->id;

    if (h->is_broken || s->is_gone) {
        leave(s);
        return;
    }
    leave(s);
    nghttp2_submit_rst_stream(h2_session(h), NGHTTP2_FLAG_NONE, id, code);
    h2_gather_later(h);
}


void
h2_stream_gone(struct h2_stream *s)
{
    struct http_request *r = s->r;

    if (s->is_told) {
        if (s->is_over)
            leave(s);
        return;
    }
    s->is_gone = true;
    if (s->is_over) {
        leave(s);
        return;
    }
    chain_clear(&s->out);
    r->client_gone = true;
    if (s->inner != NULL)
        h2_tunnel_read(s);
    task_wake(&r->task);
}


/* --- frames of closed streams ------------------------------------------------------ */

void
h2_stream_closed(struct h2 *h, struct h2_stream *s, int32_t id)
{
    enum h2_closed how = H2_BY_US;

    if (h->was_reset == id)
        how = H2_BY_RESET;
    else if ((s != NULL && s->is_whole && !s->is_malformed)
             || nghttp2_session_get_stream_remote_close(h2_session(h), id) == 1)
        how = H2_BY_END;
    if (s != NULL)
        s->is_closed = true;
    h->recent[h->n_recent] = id;
    h->how[h->n_recent] = (uint8_t) how;
    h->n_recent = (uint8_t) ((h->n_recent + 1) % H2_RECENT);
}


/* RFC 9113 section 5.1.  A number that was passed over is closed, too (5.1.1). */
void
h2_stream_late(struct h2 *h, int32_t id, bool is_head)
{
    int32_t lowest = INT32_MAX;

    for (unsigned i = 0; i < H2_RECENT; i++) {
        if (h->recent[i] == id) {
            if (h->how[i] == H2_BY_END)
                h2_fail(h, NGHTTP2_STREAM_CLOSED);
            else if (h->how[i] == H2_BY_RESET)
                nghttp2_submit_rst_stream(h2_session(h), NGHTTP2_FLAG_NONE, id,
                                          NGHTTP2_STREAM_CLOSED);
            return;
        }
        if (h->recent[i] < lowest)
            lowest = h->recent[i];
    }
    if (is_head && id > lowest)
        h2_fail(h, NGHTTP2_PROTOCOL_ERROR);
}


/* --- for the pipeline --------------------------------------------------------------- */

static bool
ends_connection(const struct h2_stream *s)
{
    const struct http_keep_conf *c = keep_conf(&s->r->task);
    const struct http_conn      *h = &s->h->http;

    return c->keepalive_timeout.timeout == 0
           || h->requests >= c->keepalive_requests
           || clock_ms() - h->opened_at > c->keepalive_time
           || worker->is_exiting;
}


static void
enter(struct http_request *r)
{
    struct h2_stream *s = h2_stream_of(r);

    if (s == NULL || r->location == r->server->root)
        return;
    if (s->h->state == H2_OPEN && ends_connection(s))
        h2_end(s->h, false);
}


/* The client is told of its mistake, when it has had the time to read the
 * answer. */
static void
reset_later(struct h2_stream *s)
{
    enum { MOMENT_MS = 100 };
    struct h2 *h = s->h;

    if (h2_watch_count(&h->watch, &h2_conf(h)->limits, clock_ms(), H2_REFUSED))
        h2_attacked(h, H2_REFUSED, h2_kind_texts[H2_REFUSED]);
    if (h->refusals < countof(h->refused))
        h->refused[h->refusals++] = s->id;
    if (!timer_is_set(&h->refusal))
        timer_set(h->http.conn.loop, &h->refusal, MOMENT_MS);
}


/* The response is out.  What is left of the body is dropped for a while, as on a
 * connection of HTTP/1: some clients take a reset for a failure, others wait for
 * a window for ever. */
static void
finish(struct http_request *r)
{
    struct h2_stream            *s = h2_stream_of(r);
    struct h2                   *h = s->h;
    const struct http_keep_conf *c = keep_conf(&r->task);

    s->is_over = true;
    s->waits = false;
    timer_stop(&s->write_timer);
    task_end(&r->task);
    if (s->ends_connection) {
        leave(s);
        h2_fail(h, NGHTTP2_PROTOCOL_ERROR);
        return;
    }
    if (s->inner != NULL && !s->is_told && !s->is_gone && !h->is_broken) {
        s->has_last = true;
        h2_ready(s);
    } else if (!s->is_told) {
        h2_stream_reset(s, NGHTTP2_INTERNAL_ERROR);
    } else if (s->is_gone || h->is_broken || (s->is_whole && !s->is_malformed))
    {
        h2_watch_forgive(&h->watch, H2_RESETS, 1);
        h2_watch_forgive(&h->watch, H2_REFUSED, 1);
        leave(s);
    } else if (s->is_malformed) {
        reset_later(s);
        leave(s);
    } else if (c->lingering_close == LINGER_OFF || s->is_timed_out) {
        h2_stream_reset(s, NGHTTP2_NO_ERROR);
    } else {
        s->linger_until = clock_ms() + c->lingering_time;
        s->linger_ms = (uint32_t) c->lingering_timeout;
        h2_body_drop(s);
        timer_set(h->http.conn.loop, &s->read_timer, s->linger_ms);
    }
    h2_settle(h);
}


static void
abort_request(struct http_request *r)
{
    struct h2_stream *s = h2_stream_of(r);
    struct h2        *h = s->h;

    s->is_over = true;
    h2_stream_reset(s, r->resets || s->is_timed_out ? NGHTTP2_PROTOCOL_ERROR
                                                    : NGHTTP2_INTERNAL_ERROR);
    h2_settle(h);
}


const struct http_codec h2_codec = {
    .name = "h2",
    .send_head = h2_send_head,
    .send_interim = h2_send_interim,
    .send_body = h2_send_body,
    .sent = h2_sent,
    .queued = h2_queued,
    .room = h2_room,
    .reads_files = h2_reads_files,
    .flush = h2_flush,
    .drop = h2_drop,
    .read_body = h2_read_body,
    .enter = enter,
    .finish = finish,
    .abort = abort_request,
    .hijack = h2_hijack,
};
