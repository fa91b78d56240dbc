/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Responses: heads and bodies wait with their stream until nghttp2 asks for them
 * (gather.c).  Pieces of bodies are moved, not copied.
 */
#include "core/base/number.h"
#include "http/debug.h"
#include "http/framed_field.h"
#include "http/h2/conn.h"
#include "http/reply_head.h"
#include "http/response.h"
#include "http/settings.h"

enum {
    FRAME_HEAD = 9,
    OUT_ENOUGH = 128 * 1024, /* in the connection's output: the rest waits   */
};


/* --- the head ------------------------------------------------------------------ */

static nghttp2_nv
pair(str_t name, str_t value)
{
    return (nghttp2_nv){ (uint8_t *) (uintptr_t) name.p,
                         (uint8_t *) (uintptr_t) value.p, name.n, value.n,
                         NGHTTP2_NV_FLAG_NONE };
}


static str_t
status_text(struct arena *a, unsigned status)
{
    char *p = arena_bytes(a, 3);

    p[0] = (char) ('0' + status / 100 % 10);
    p[1] = (char) ('0' + status / 10 % 10);
    p[2] = (char) ('0' + status % 10);
    return (str_t){ p, 3 };
}


static void
add(struct h2_stream *s, str_t name, str_t value)
{
    s->fields[s->n_fields_out++] = pair(name, value);
    s->head_size += name.n + value.n + FIELD_FRAME;
}


static void
add_field(struct h2_stream *s, enum field_id id, str_t name, str_t value)
{
    add(s, framed_field_lower(s->r->task.arena, id, name), value);
}


/* What has a meaning in HTTP/1 only (RFC 9113 section 8.2.2).  Connection goes
 * out where add_header says so, as in nginx. */
static bool
is_of_http1(const struct h2_stream *s, const struct field *f)
{
    enum field_id id = f->id;

    if (s->is_tunnel
        && (id == FIELD_CONNECTION
            || str_ieq(f->name, STR("Sec-WebSocket-Accept"))))
        return true;
    return id == FIELD_UPGRADE || id == FIELD_KEEP_ALIVE
           || id == FIELD_TRANSFER_ENCODING;
}


static void
add_all(struct h2_stream *s, const struct fields *f, const struct field *but)
{
    if (f == NULL)
        return;
    VEC_EACH(&f->list, it)
        if (!it->is_hidden && it != but && !is_of_http1(s, it))
            add_field(s, it->id, it->name,
                      field_clean(s->r->task.arena, it->value));
}


static void
new_head(struct h2_stream *s, size_t n)
{
    s->fields = arena_alloc(s->r->task.arena, n * sizeof(nghttp2_nv));
    s->n_fields_out = s->head_size = 0;
}


enum step
h2_send_head(struct http_request *r)
{
    struct h2_stream     *s = h2_stream_of(r);
    struct http_response *o = &r->out;
    struct arena         *a = r->task.arena;
    struct reply_head    *h = arena_alloc(a, sizeof(*h));

    /* What is 101 in HTTP/1 (RFC 8441 section 5). */
    if (o->status == 101)
        o->status = 200;
    reply_head_make(r, h);
    new_head(s, 1 + h->n + o->fields.list.n);
    add(s, STR(":status"), status_text(a, o->status));
    for (unsigned i = 0; i < h->n; i++)
        add_field(s, h->at[i].id, field_name(h->at[i].id),
                  h->at[i].is_clean ? h->at[i].value
                                    : field_clean(a, h->at[i].value));
    add_all(s, &o->fields, h->location);
    return STEP_NEXT;
}


void
h2_send_interim(struct http_request *r, unsigned status,
                const struct fields *fields)
{
    struct h2_stream *s = h2_stream_of(r);

    if (s->is_gone || s->h->is_broken || s->is_told)
        return;
    new_head(s, 1 + (fields != NULL ? fields->list.n : 0));
    add(s, STR(":status"), status_text(r->task.arena, status));
    add_all(s, fields, NULL);
    nghttp2_submit_headers(h2_session(s->h), NGHTTP2_FLAG_NONE, s->id, NULL,
                           s->fields, s->n_fields_out, NULL);
    s->fields = NULL;
    h2_gather_later(s->h);
}


/* --- the body ---------------------------------------------------------------------- */

void
h2_send_body(struct http_request *r, struct chain *in, bool last)
{
    struct h2_stream *s = h2_stream_of(r);

    if (s->is_gone)
        chain_clear(in);
    else
        chain_join(&s->out, in);
    if (last && !r->out.is_upgraded)
        s->has_last = true;
}


static uint64_t
not_out(const struct h2_stream *s)
{
    uint64_t out = s->h->http.conn.sent;

    return s->out_end > out ? s->n_framed - s->n_sent : 0;
}


uint64_t
h2_sent(const struct http_request *r)
{
    const struct h2_stream *s = h2_stream_of(r);

    return s->n_framed - not_out(s);
}


uint64_t
h2_queued(const struct http_request *r)
{
    const struct h2_stream *s = h2_stream_of(r);
    bool is_end_due = s->has_last && !s->is_told && !r->out.is_cut;

    return (s->fields != NULL ? s->head_size : 0) + s->out.n + is_end_due
           + not_out(s);
}


/* What the client's windows let through, without what is queued. */
uint64_t
h2_room(struct http_request *r)
{
    struct h2_stream *s = h2_stream_of(r);
    nghttp2_session  *n = h2_session(s->h);
    int32_t           own, all;

    if (s->is_gone || s->h->is_broken || r->out.is_head_only)
        return UINT64_MAX;
    own = nghttp2_session_get_stream_remote_window_size(n, s->id);
    all = nghttp2_session_get_remote_window_size(n);
    if (all < own)
        own = all;
    if (own > 0 && (uint64_t) own > s->out.n)
        return (uint64_t) own - s->out.n;
    h2_stall(s);
    return 0;
}


bool
h2_reads_files(const struct http_request *r)
{
    return h2_stream_of(r)->h->http.is_secure;
}


void
h2_stall(struct h2_stream *s)
{
    if (!list_empty(&s->stalled))
        return;
    list_append(&s->h->stalled, &s->stalled);
    h2_await_reply(s, true);
}


void
h2_ready(struct h2_stream *s)
{
    if (list_empty(&s->ready))
        list_append(&s->h->ready, &s->ready);
    h2_gather_later(s->h);
}


enum flush
h2_flush(struct http_request *r, size_t limit, bool late)
{
    struct h2_stream *s = h2_stream_of(r);
    struct h2        *h = s->h;

    (void) limit, (void) late;
    if (s->is_gone || h->is_broken)
        return FLUSH_ERROR;
    if (h2_queued(r) == 0)
        return FLUSH_DONE;
    if (s->fields != NULL || s->out.n != 0 || (s->has_last && !s->is_told))
        h2_ready(s);
    h2_await_reply(s, false);
    return FLUSH_WAIT;
}


void
h2_drop(struct http_request *r)
{
    struct h2_stream *s = h2_stream_of(r);

    s->fields = NULL;
    chain_clear(&s->out);
    s->has_last = false;
}


void
h2_prioritize(struct h2_stream *s, const struct h2_priority *p)
{
    s->urgency = p->urgency;
    s->takes_turns = false;

    nghttp2_extpri e = { p->urgency, p->is_incremental };

    nghttp2_session_change_extpri_stream_priority(h2_session(s->h), s->id, &e,
                                                  0);
}


/* A response may say what its request did not (RFC 9218 section 8). */
static void
merge_priority(struct h2_stream *s)
{
    const struct field *said = fields_get(&s->r->out.fields, FIELD_PRIORITY);
    const struct field *asked = fields_get(&s->r->in, FIELD_PRIORITY);
    struct h2_priority  p = { H2_URGENCY, said == NULL };

    if (said == NULL)
        return;
    if (asked != NULL)
        (void) h2_priority_parse(asked->value, &p);
    if (h2_priority_parse(said->value, &p))
        h2_prioritize(s, &p);
}


/* --- for nghttp2 --------------------------------------------------------------------- */

/* nghttp2 frames heads before anything else: by the end of this turn, unless a
 * frame of DATA is stuck in it.  So it need not copy them. */
static void
lend(struct h2_stream *s)
{
    const uint8_t by_reference = NGHTTP2_NV_FLAG_NO_COPY_NAME
                                 | NGHTTP2_NV_FLAG_NO_COPY_VALUE;

    if (!s->h->is_full)
        for (size_t i = 0; i < s->n_fields_out; i++)
            s->fields[i].flags = by_reference;
}


static size_t
chunk_of(const struct h2_stream *s)
{
    const struct h2_chunk_conf *c = conf_of(&s->r->task, &http_v2_chunk_module);

    return c->size;
}


/* What goes with one frame needs no turns. */
static void
take_turns(struct h2_stream *s)
{
    const struct h2_priority p = { s->urgency, true };

    if (s->takes_turns && (!s->has_last || s->out.n > chunk_of(s)))
        h2_prioritize(s, &p);
}


void
h2_submit(struct h2_stream *s)
{
    static const nghttp2_data_provider body
        = { .read_callback = h2_frame_body };
    nghttp2_session *n = h2_session(s->h);
    bool is_empty = s->has_last && s->out.n == 0 && !s->r->out.is_cut
                    && s->r->out.trailers == NULL;

    if (s->fields != NULL && !s->is_begun) {
        s->is_begun = true;
        merge_priority(s);
        take_turns(s);
        lend(s);
        nghttp2_submit_response(n, s->id, s->fields, s->n_fields_out,
                                is_empty ? NULL : &body);
        s->fields = NULL;
    } else if (s->is_deferred) {
        s->is_deferred = false;
        nghttp2_session_resume_data(n, s->id);
    }
}


static void
submit_trailers(struct h2_stream *s)
{
    const struct fields *t = s->r->out.trailers;

    new_head(s, t->list.n);
    add_all(s, t, NULL);
    nghttp2_submit_trailer(h2_session(s->h), s->id, s->fields, s->n_fields_out);
    s->fields = NULL;
}


ssize_t
h2_frame_body(nghttp2_session *session, int32_t id, uint8_t *buf, size_t max,
              uint32_t *flags, nghttp2_data_source *from, void *user)
{
    struct h2        *h = user;
    struct h2_stream *s = nghttp2_session_get_stream_user_data(session, id);
    uint64_t          n;
    bool              is_end;

    (void) buf, (void) from;
    h->framing = s;
    if (s == NULL)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    n = chunk_of(s);
    if (n > s->out.n)
        n = s->out.n;
    if (n > max)
        n = max;
    is_end = s->has_last && n == s->out.n && !s->r->out.is_cut;
    if (n == 0 && !is_end) {
        s->is_deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (!is_end)
        return (ssize_t) n;
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (s->r->out.trailers != NULL) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        submit_trailers(s);
    }
    return (ssize_t) n;
}


/* A frame with the next n bytes of the body; false: there is none. */
static bool
put(struct h2_stream *s, const char *head, size_t n)
{
    struct chain *out = &s->h->http.conn.out;

    if (s->h->http.is_secure)
        return h2_out_body(s, head, n);
    chain_add_copy(out, (str_t){ head, FRAME_HEAD });
    chain_move_n(out, &s->out, n);
    return true;
}


/* Once the output has enough, the rest has to wait until that is out. */
int
h2_put_body(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head,
            size_t n, nghttp2_data_source *from, void *user)
{
    struct h2        *h = user;
    struct conn      *c = &h->http.conn;
    int32_t           id = frame->hd.stream_id;
    struct h2_stream *s
        = h->framing != NULL && h->framing->id == id
              ? h->framing
              : nghttp2_session_get_stream_user_data(session, id);

    (void) from;
    if (s == NULL)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    /* A response that is more urgent has the time to go on first. */
    if (c->out.n + FRAME_HEAD + n > OUT_ENOUGH || h->urgency < s->urgency) {
        h->is_full = true;
        return NGHTTP2_ERR_WOULDBLOCK;
    }
    CHECK(n <= s->out.n);
    if (!put(s, (const char *) head, n))
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    s->n_framed += FRAME_HEAD + n;
    s->n_body += n;
    s->out_end = c->sent + c->out.n;
    if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
        s->is_told = true;
    else if (s->out.n == 0 && !s->has_last)
        h->urgency = s->urgency;
    if (list_empty(&s->framed))
        list_append(&h->framed, &s->framed);
    h2_watch_forgive(&h->watch, H2_WINDOWS, 4);
    h2_watch_forgive(&h->watch, H2_PINGS, 2);
    h2_watch_forgive(&h->watch, H2_TINY, 1);
    return 0;
}
