/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What nghttp2 tells of a connection.  No request runs in here: it is noted with
 * its stream, and the request's task is woken.
 *
 * nghttp2 does not judge heads (no_http_messaging): head.c does, as for all
 * versions of HTTP, and answers with a page.
 */
#include "core/net/worker.h"
#include "core/os/clock.h"
#include "http/h2/conn.h"
#include "http/response.h"
#include "http/settings.h"

enum {
    WINDOW = 16 * 1024 * 1024,  /* of a connection: 1 Gbit/s over 130 ms      */
    HEAD_MAX = 4 * 1024 * 1024, /* of a response                             */
    NEVER = 1000000,
};

static struct {
    nghttp2_session_callbacks *callbacks;
    nghttp2_option            *option;
} shared;


static struct h2_stream *
stream_at(nghttp2_session *n, int32_t id)
{
    return nghttp2_session_get_stream_user_data(n, id);
}


/* --- heads ------------------------------------------------------------------------ */

static int
on_begin_headers(nghttp2_session *n, const nghttp2_frame *f, void *user)
{
    struct h2        *h = user;
    struct h2_stream *s;
    int32_t           id = f->hd.stream_id;

    h->heading = NULL;
    if (f->hd.type != NGHTTP2_HEADERS || h->state >= H2_ENDING)
        return 0;
    if (id > h->last)
        h->last = id;
    if (f->headers.cat == NGHTTP2_HCAT_REQUEST) {
        s = h2_stream_begin(h, id);
        if (s != NULL)
            nghttp2_session_set_stream_user_data(n, id, s);
    } else {
        s = stream_at(n, id);
        if (s != NULL)
            s->is_trailer = true;
    }
    h->heading = s;
    return 0;
}


static int
on_header(nghttp2_session *n, const nghttp2_frame *f, nghttp2_rcbuf *name,
          nghttp2_rcbuf *value, uint8_t flags, void *user)
{
    struct h2  *h = user;
    nghttp2_vec a, b;
    str_t       key, text;
    unsigned    is_static = 0;

    (void) n, (void) f, (void) flags;
    if (h->heading == NULL)
        return 0;
    a = nghttp2_rcbuf_get_buf(name);
    b = nghttp2_rcbuf_get_buf(value);
    key = (str_t){ (const char *) a.base, a.len };
    text = (str_t){ (const char *) b.base, b.len };
    if (nghttp2_rcbuf_is_static(name))
        is_static |= H2_STATIC_NAME;
    if (nghttp2_rcbuf_is_static(value))
        is_static |= H2_STATIC_VALUE;
    if (h->heading->is_trailer)
        h2_trailer_field(h->heading, key, text);
    else
        h2_head_field(h->heading, key, text, is_static);
    /* The rest of a head that is far too long is not worth looking at. */
    return h->state == H2_OPEN || h->state == H2_NOTICED ? 0
                                                         : NGHTTP2_ERR_PAUSE;
}


/* A frame begins.  What nghttp2 drops in silence may be a mistake. */
static int
on_begin_frame(nghttp2_session *n, const nghttp2_frame_hd *hd, void *user)
{
    struct h2 *h = user;

    h->took_data |= hd->type == NGHTTP2_DATA;
    if (hd->type != NGHTTP2_HEADERS || hd->stream_id > h->last
        || hd->stream_id % 2 == 0
        || nghttp2_session_find_stream(n, hd->stream_id) != NULL)
        return 0;
    h2_stream_late(h, hd->stream_id, true);
    return 0;
}


/* --- frames ------------------------------------------------------------------------ */

static void
take_headers(struct h2 *h, const nghttp2_frame *f)
{
    struct h2_stream *s = h->heading;
    bool              is_last = f->hd.flags & NGHTTP2_FLAG_END_STREAM;

    h->heading = NULL;
    if (s == NULL)
        return;
    if (!s->is_trailer) {
        h2_head_end(s, is_last);
        return;
    }
    if (!is_last)
        s->is_malformed = true;
    h2_body_end(s);
}


static void
take_reset(struct h2 *h, const nghttp2_frame *f)
{
    struct h2_stream *s = stream_at(h2_session(h), f->hd.stream_id);

    h->was_reset = f->hd.stream_id;
    if (s != NULL && s->is_told)
        return;
    if (h2_watch_count(&h->watch, &h2_conf(h)->limits, clock_ms(), H2_RESETS))
        h2_attacked(h, H2_RESETS, h2_kind_texts[H2_RESETS]);
}


/* The client knows by now that no more streams are wanted. */
static void
take_ping(struct h2 *h, const nghttp2_frame *f)
{
    if ((f->hd.flags & NGHTTP2_FLAG_ACK) && h->state == H2_NOTICED)
        h2_end(h, true);
}


/* nghttp2 resets streams whose window is too large then; but that is a mistake
 * that ends the connection (RFC 9113 section 6.9.2). */
static bool
has_room(const struct h2 *h, uint32_t initial)
{
    LIST_EACH(&h->streams, l) {
        const struct h2_stream *s = container_of(l, struct h2_stream, link);

        if (initial + s->opened > INT32_MAX + s->n_body)
            return false;
    }
    return true;
}


static void
take_settings(struct h2 *h, const nghttp2_settings *f)
{
    uint32_t initial = 0;

    for (size_t i = 0; i < f->niv; i++)
        if (f->iv[i].settings_id == NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE)
            initial = f->iv[i].value;
    if (!has_room(h, initial)) {
        log_info(&h->http.conn.log,
                 "client sent SETTINGS frame that makes a window too large");
        h2_fail(h, NGHTTP2_FLOW_CONTROL_ERROR);
        return;
    }
    h2_opened(h, NULL);
}


static void
take_window(struct h2 *h, const nghttp2_frame *f)
{
    struct h2_stream *s = NULL;

    if (f->hd.stream_id != 0) {
        s = stream_at(h2_session(h), f->hd.stream_id);
        if (s == NULL)
            return;
        s->opened += (uint32_t) f->window_update.window_size_increment;
    }
    h2_opened(h, s);
}


/* nghttp2 does what it says; what we know of it follows. */
static void
take_priority(struct h2 *h, const nghttp2_frame *f)
{
    const nghttp2_ext_priority_update *u = f->ext.payload;
    struct h2_stream                  *s
        = nghttp2_session_get_stream_user_data(h2_session(h), u->stream_id);
    struct h2_priority p = { H2_URGENCY, false };
    str_t value = { (const char *) u->field_value, u->field_value_len };

    if (s != NULL && h2_priority_parse(value, &p))
        h2_prioritize(s, &p);
}


static int
on_frame_recv(nghttp2_session *n, const nghttp2_frame *f, void *user)
{
    struct h2        *h = user;
    struct h2_stream *s;

    switch (f->hd.type) {
    case NGHTTP2_HEADERS:
        take_headers(h, f);
        break;
    case NGHTTP2_DATA:
        s = f->hd.flags & NGHTTP2_FLAG_END_STREAM
                ? stream_at(n, f->hd.stream_id)
                : NULL;
        if (s != NULL)
            h2_body_end(s);
        break;
    case NGHTTP2_RST_STREAM:
        take_reset(h, f);
        break;
    case NGHTTP2_PING:
        take_ping(h, f);
        break;
    case NGHTTP2_PRIORITY_UPDATE:
        take_priority(h, f);
        break;
    case NGHTTP2_GOAWAY:
        h->is_left = true;
        break;
    case NGHTTP2_SETTINGS:
        if (f->hd.flags & NGHTTP2_FLAG_ACK)
            h2_body_agreed(h);
        else
            take_settings(h, &f->settings);
        break;
    case NGHTTP2_WINDOW_UPDATE:
        take_window(h, f);
        break;
    default:
        break;
    }
    return 0;
}


static int
on_data(nghttp2_session *n, uint8_t flags, int32_t id, const uint8_t *data,
        size_t size, void *user)
{
    struct h2_stream *s = stream_at(n, id);

    (void) flags, (void) user;
    if (s != NULL)
        h2_body_take(s, (str_t){ (const char *) data, size });
    else
        nghttp2_session_consume(n, id, size);
    return 0;
}


static int
on_stream_close(nghttp2_session *n, int32_t id, uint32_t code, void *user)
{
    struct h2_stream *s = stream_at(n, id);

    (void) code;
    h2_stream_closed(user, s, id);
    if (s != NULL)
        h2_stream_gone(s);
    return 0;
}


/* A rule is broken for which nghttp2 resets a stream, or closes the
 * connection. */
static int
on_invalid_frame(nghttp2_session *n, const nghttp2_frame *f, int error,
                 void *user)
{
    struct h2 *h = user;

    (void) n, (void) f;
    log_info(&h->http.conn.log, "client sent invalid HTTP/2 frame: %s",
             nghttp2_strerror(error));
    if (!nghttp2_is_fatal(error)
        && h2_watch_count(&h->watch, &h2_conf(h)->limits, clock_ms(),
                          H2_REFUSED))
        h2_attacked(h, H2_REFUSED, h2_kind_texts[H2_REFUSED]);
    return 0;
}


/* --- what goes out ----------------------------------------------------------------- */

static int
on_frame_send(nghttp2_session *n, const nghttp2_frame *f, void *user)
{
    struct h2        *h = user;
    struct h2_stream *s;

    /* Of nghttp2's own. */
    if (f->hd.type == NGHTTP2_GOAWAY
        && f->goaway.error_code != NGHTTP2_NO_ERROR)
        h2_failed(h);
    if (f->hd.type != NGHTTP2_HEADERS)
        return 0;
    s = stream_at(n, f->hd.stream_id);
    if (s == NULL)
        return 0;
    s->n_framed += 9 + f->hd.length;
    if (s->r->head_size == 0 && s->is_begun)
        s->r->head_size = 9 + f->hd.length;
    if (f->hd.flags & NGHTTP2_FLAG_END_STREAM)
        s->is_told = true;
    if (list_empty(&s->framed))
        list_append(&h->framed, &s->framed);
    return 0;
}


static int
on_frame_not_send(nghttp2_session *n, const nghttp2_frame *f, int error,
                  void *user)
{
    struct h2_stream *s;

    (void) user;
    if (f->hd.type != NGHTTP2_HEADERS)
        return 0;
    s = stream_at(n, f->hd.stream_id);
    if (s == NULL || s->is_gone)
        return 0;
    if (error == NGHTTP2_ERR_FRAME_SIZE_ERROR)
        log_at(s->r->task.log, LEVEL_CRIT, 0, "too long response header value");
    h2_stream_gone(s);
    return 0;
}


/* --- a session ----------------------------------------------------------------------- */

bool
h2_session_start(struct worker *w)
{
    nghttp2_session_callbacks *c;
    nghttp2_option            *o;

    (void) w;
    if (shared.callbacks != NULL)
        return true;
    if (nghttp2_session_callbacks_new(&shared.callbacks) != 0
        || nghttp2_option_new(&shared.option) != 0)
        check_memory(1);
    c = shared.callbacks;
    nghttp2_session_callbacks_set_on_begin_headers_callback(c,
                                                            on_begin_headers);
    nghttp2_session_callbacks_set_on_begin_frame_callback(c, on_begin_frame);
    nghttp2_session_callbacks_set_on_header_callback2(c, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame_recv);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(
        c, on_invalid_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(c, on_frame_send);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(c,
                                                             on_frame_not_send);
    nghttp2_session_callbacks_set_send_data_callback(c, h2_put_body);
    o = shared.option;
    nghttp2_option_set_no_http_messaging(o, 1);
    nghttp2_option_set_no_auto_window_update(o, 1);
    nghttp2_option_set_no_closed_streams(o, 1);
    nghttp2_option_set_max_send_header_block_length(o, HEAD_MAX);
    nghttp2_option_set_builtin_recv_extension_type(o, NGHTTP2_PRIORITY_UPDATE);
    /* These are ours: http2_limits. */
    nghttp2_option_set_stream_reset_rate_limit(o, NEVER, NEVER);
    nghttp2_option_set_max_continuations(o, NEVER);
    nghttp2_option_set_max_settings(o, 64);
    nghttp2_option_set_max_outbound_ack(o, NEVER);
    return true;
}


void
h2_session_stop(struct worker *w)
{
    (void) w;
    nghttp2_session_callbacks_del(shared.callbacks);
    nghttp2_option_del(shared.option);
    shared.callbacks = NULL;
    shared.option = NULL;
}


bool
h2_session_new(struct h2 *h)
{
    const struct h2_conf  *c = h2_conf(h);
    nghttp2_settings_entry all[] = {
        { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, (uint32_t) c->max_streams },
        { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, (uint32_t) c->preread },
        { NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1 },
        { NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 },
    };
    nghttp2_mem      memory = h2_memory(h);
    nghttp2_session *n;

    if (nghttp2_session_server_new3(&n, shared.callbacks, h, shared.option,
                                    &memory)
        != 0)
    {
        log_error(&h->http.conn.log, "no memory for an HTTP/2 connection");
        return false;
    }
    h->session = n; /* not before it is whole: get_own in memory.c */
    nghttp2_submit_settings(n, NGHTTP2_FLAG_NONE, all, countof(all));
    nghttp2_session_set_local_window_size(n, NGHTTP2_FLAG_NONE, 0, WINDOW);
    return true;
}
