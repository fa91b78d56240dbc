/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The session, and the callbacks of libnghttp2.  Its own checks of messages are
 * off, since they refuse what nginx lets pass; h2peer_message.c judges instead.
 */
#include "modules/gateway/h2peer_message.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/pieces.h"

enum {
    STREAM_WINDOW = 262144,
    CONNECTION_WINDOW = 16777216, /* streams are what holds a server back    */
    REQUEST_MAX = 4194304,        /* bytes of a request's head               */
    SPARES = 16,                  /* buffers that are used again             */
    SPARE_MAX = 4096,             /* bytes of one                            */
    FIELDS_FEW = 64,
};

struct h2peer_session {
    nghttp2_session      *session;
    struct list           streams;
    size_t                n;
    struct h2peer_stream *coming;      /* whose head comes; NULL: nobody's   */
    struct h2peer_bytes   head;        /* that is coming                     */
    struct h2peer_bytes spare[SPARES]; /* of streams that were               */
    size_t              n_spare;
    bool                is_over;
    bool                is_ending; /* what came is invalid, and GOAWAY sent  */
    bool                has_goaway;
    uint32_t            goaway_code;
    unsigned            fault; /* of the connection, enum h2peer_fault + 1   */
    uint32_t            value;
};


static struct h2peer_stream *
stream_of(const struct h2peer_session *s, int32_t id)
{
    return nghttp2_session_get_stream_user_data(s->session, id);
}


/* --- callbacks ------------------------------------------------------------ */

static int
on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame,
                 void *arg)
{
    struct h2peer_session *s = arg;

    (void) session;
    s->coming = stream_of(s, frame->hd.stream_id);
    if (s->coming != NULL)
        h2peer_message_begin(s->coming);
    return 0;
}


static int
on_header(nghttp2_session *session, const nghttp2_frame *frame,
          const uint8_t *name, size_t name_n, const uint8_t *value,
          size_t value_n, uint8_t flags, void *arg)
{
    const struct h2peer_session *s = arg;
    struct h2peer_stream        *t = s->coming;

    (void) session, (void) frame, (void) flags;
    if (t == NULL)
        return 0;
    h2peer_message_field(t, (str_t){ (const char *) name, name_n },
                         (str_t){ (const char *) value, value_n });
    return t->fault != 0 ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE : 0;
}


/* The stream is of no use any more: its owner is told, the server too. */
static void
refuse(struct h2peer_session *s, struct h2peer_stream *t)
{
    h2peer_message_fail(t, t->fault - 1, t->value);
    (void) nghttp2_submit_rst_stream(s->session, NGHTTP2_FLAG_NONE, t->id,
                                     NGHTTP2_PROTOCOL_ERROR);
}


/* The server allows fewer streams than are there: those that it has not heard of
 * do not wait for the others, which may last. */
static void
refuse_late(struct h2peer_session *s)
{
    size_t n = 0, most = nghttp2_session_get_remote_settings(
                      s->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);

    LIST_EACH(&s->streams, it) {
        struct h2peer_stream *t = list_entry(it, struct h2peer_stream, place);

        if (n++ >= most && t->is_beside && t->sent == 0)
            h2peer_message_fail(t, H2PEER_FAULT_REFUSED, H2PEER_TOO_MANY);
    }
}


static void
take_reset(struct h2peer_stream *t, uint32_t code)
{
    bool is_moved = t->is_beside && code == NGHTTP2_REFUSED_STREAM;

    h2peer_message_fail(t, is_moved ? H2PEER_FAULT_REFUSED : H2PEER_FAULT_RESET,
                        code);
}


static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct h2peer_session *s = arg;
    struct h2peer_stream  *t = NULL;
    bool                   ends = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;

    (void) session;
    if (frame->hd.stream_id != 0)
        t = stream_of(s, frame->hd.stream_id);
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        s->has_goaway = true;
        s->goaway_code = frame->goaway.error_code;
    }
    if (frame->hd.type == NGHTTP2_SETTINGS)
        refuse_late(s);
    if (t == NULL)
        return 0;
    t->received += frame->hd.length + 9;
    if (frame->hd.type == NGHTTP2_HEADERS)
        h2peer_message_end_head(t, ends);
    if (frame->hd.type == NGHTTP2_DATA && ends)
        h2peer_message_end(t);
    if (frame->hd.type == NGHTTP2_RST_STREAM)
        take_reset(t, frame->rst_stream.error_code);
    if (t->fault != 0 && !t->is_ended)
        refuse(s, t);
    return 0;
}


/* Data of a stream that nobody wants is done with at once.  What others of the
 * connection may send does not depend on what is read of this one. */
static int
on_data(nghttp2_session *session, uint8_t flags, int32_t id,
        const uint8_t *data, size_t n, void *arg)
{
    struct h2peer_session *s = arg;
    struct h2peer_stream  *t = stream_of(s, id);

    (void) flags;
    (void) nghttp2_session_consume_connection(session, n);
    if (t == NULL || t->is_ended) {
        (void) nghttp2_session_consume_stream(session, id, n);
        return 0;
    }
    h2peer_message_data(t, (str_t){ (const char *) data, n });
    if (t->fault != 0 && !t->is_ended)
        refuse(s, t);
    return 0;
}


static int
on_close(nghttp2_session *session, int32_t id, uint32_t code, void *arg)
{
    struct h2peer_session *s = arg;
    struct h2peer_stream  *t = stream_of(s, id);

    (void) session;
    if (t == NULL)
        return 0;
    t->is_closed = true;
    if (s->has_goaway && code == NGHTTP2_REFUSED_STREAM)
        h2peer_message_fail(t, H2PEER_FAULT_REFUSED, s->goaway_code);
    else
        h2peer_message_fail(t, H2PEER_FAULT_RESET, code);
    return 0;
}


static int
on_invalid(nghttp2_session *session, const nghttp2_frame *frame, int error,
           void *arg)
{
    struct h2peer_session *s = arg;
    struct h2peer_stream  *t = NULL;
    unsigned               fault = H2PEER_FAULT_FRAME + 1;

    (void) session, (void) error;
    if (frame->hd.type == NGHTTP2_WINDOW_UPDATE
        && frame->window_update.window_size_increment == 0)
        fault = H2PEER_FAULT_WINDOW + 1;
    if (frame->hd.stream_id != 0)
        t = stream_of(s, frame->hd.stream_id);
    if (t != NULL && t->fault == 0) {
        t->fault = fault;
        t->value = frame->hd.type;
    }
    s->fault = fault; /* if it is the last one, the session ends by it */
    s->value = frame->hd.type;
    return 0;
}


static int
on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct h2peer_session *s = arg;
    struct h2peer_stream  *t = stream_of(s, frame->hd.stream_id);

    (void) session;
    if (frame->hd.type == NGHTTP2_GOAWAY)
        s->is_ending = true;
    if (t != NULL)
        t->sent += frame->hd.length + 9;
    return 0;
}


static int
on_not_sent(nghttp2_session *session, const nghttp2_frame *frame, int error,
            void *arg)
{
    struct h2peer_session *s = arg;
    struct h2peer_stream  *t = stream_of(s, frame->hd.stream_id);

    (void) session, (void) error;
    if (t != NULL && frame->hd.type == NGHTTP2_HEADERS && !t->is_ended)
        h2peer_message_fail(
            t, s->has_goaway ? H2PEER_FAULT_REFUSED : H2PEER_FAULT_SEND,
            s->goaway_code);
    return 0;
}


/* NULL: no memory. */
static nghttp2_nv *
list_of(const struct h2peer_field *fields, size_t n, nghttp2_nv *few)
{
    nghttp2_nv *list = n <= FIELDS_FEW ? few : calloc(n, sizeof(*list));

    for (size_t i = 0; list != NULL && i < n; i++)
        list[i]
            = (nghttp2_nv){ .name = (uint8_t *) (uintptr_t) fields[i].name.p,
                            .namelen = fields[i].name.n,
                            .value = (uint8_t *) (uintptr_t) fields[i].value.p,
                            .valuelen = fields[i].value.n };
    return list;
}


/* The end of a body.  False: it is not that of the stream. */
static bool
put_trailers(nghttp2_session *session, const struct h2peer_stream *t)
{
    nghttp2_nv  few[FIELDS_FEW];
    nghttp2_nv *list;
    bool        ok;

    if (t->n_trailers == 0)
        return false;
    list = list_of(t->trailers, t->n_trailers, few);
    ok = list != NULL
         && nghttp2_submit_trailer(session, t->id, list, t->n_trailers) == 0;
    if (list != few)
        free(list);
    return ok;
}


static ssize_t
read_body(nghttp2_session *session, int32_t id, uint8_t *out, size_t n,
          uint32_t *flags, nghttp2_data_source *source, void *arg)
{
    struct h2peer_stream *t = source->ptr;
    bool                  last = false;
    size_t                got;

    if (stream_of(arg, id) == NULL) /* its owner has left */
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    got = t->on_body(t, (char *) out, n, &last);
    if (last)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (last && put_trailers(session, t))
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    return got == 0 && !last ? NGHTTP2_ERR_DEFERRED : (ssize_t) got;
}


/* --- the session ---------------------------------------------------------- */

static void *
get(size_t n, void *arg)
{
    (void) arg;
    return pieces_get(n);
}


static void
put(void *p, void *arg)
{
    (void) arg;
    pieces_put(p);
}


static void *
get_zeroed(size_t n, size_t size, void *arg)
{
    (void) arg;
    return calloc(n, size);
}


static void *
resize(void *p, size_t n, void *arg)
{
    (void) arg;
    return realloc(p, n);
}


static nghttp2_session *
open_session(struct h2peer_session *s)
{
    nghttp2_mem memory = { NULL, get, put, get_zeroed, resize };

    nghttp2_session_callbacks *c;
    nghttp2_option            *o;
    nghttp2_session           *session = NULL;

    if (nghttp2_session_callbacks_new(&c) != 0)
        return NULL;
    if (nghttp2_option_new(&o) != 0) {
        nghttp2_session_callbacks_del(c);
        return NULL;
    }
    nghttp2_session_callbacks_set_on_begin_headers_callback(c,
                                                            on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(c, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, on_close);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(c, on_invalid);
    nghttp2_session_callbacks_set_on_frame_send_callback(c, on_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(c, on_not_sent);
    nghttp2_option_set_no_auto_window_update(o, 1);
    nghttp2_option_set_no_http_messaging(o, 1);
    nghttp2_option_set_no_closed_streams(o, 1);
    nghttp2_option_set_max_send_header_block_length(o, REQUEST_MAX);
    if (nghttp2_session_client_new3(&session, c, s, o, &memory) != 0)
        session = NULL;
    nghttp2_option_del(o);
    nghttp2_session_callbacks_del(c);
    return session;
}


struct h2peer_session *
h2peer_session_new(void)
{
    /* The size of the table is what it is anyway.  Servers that have none of
     * their own, such as nginx, declare it empty when they are told, and what
     * they send is then not kept in vain. */
    static const nghttp2_settings_entry settings[]
        = { { NGHTTP2_SETTINGS_HEADER_TABLE_SIZE,
              NGHTTP2_DEFAULT_HEADER_TABLE_SIZE },
            { NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
            { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW } };
    struct h2peer_session *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    list_init(&s->streams);
    s->session = open_session(s);
    if (s->session == NULL
        || nghttp2_submit_settings(s->session, NGHTTP2_FLAG_NONE, settings,
                                   countof(settings))
               != 0
        || nghttp2_session_set_local_window_size(s->session, NGHTTP2_FLAG_NONE,
                                                 0, CONNECTION_WINDOW)
               != 0)
    {
        nghttp2_session_del(s->session);
        free(s);
        return NULL;
    }
    return s;
}


static void
forget(struct h2peer_stream *t)
{
    if (t->session->coming == t)
        t->session->coming = NULL;
    list_remove(&t->place);
    t->session->n--;
    t->session = NULL;
}


/* The session ends with a fault, or as the connection does. */
static void
end_streams(struct h2peer_session *s)
{
    s->is_over = true;
    LIST_EACH(&s->streams, it) {
        struct h2peer_stream *t = list_entry(it, struct h2peer_stream, place);

        if (s->fault != 0 || t->fault != 0)
            h2peer_message_fail(t, s->fault - 1, s->value);
        (void) nghttp2_session_set_stream_user_data(s->session, t->id, NULL);
        forget(t);
        t->on_input(t);
    }
}


void
h2peer_session_free(struct h2peer_session *s)
{
    if (s == NULL)
        return;
    s->fault = 0;
    end_streams(s);
    nghttp2_session_del(s->session);
    while (s->n_spare != 0)
        free(s->spare[--s->n_spare].p);
    free(s->head.p);
    free(s);
}


bool
h2peer_take(struct h2peer_session *s, str_t in)
{
    ssize_t n
        = nghttp2_session_mem_recv(s->session, (const uint8_t *) in.p, in.n);

    s->is_ending = n < 0;
    return n >= 0 && nghttp2_session_want_read(s->session);
}


bool
h2peer_is_ending(const struct h2peer_session *s)
{
    return s->is_ending;
}


str_t
h2peer_give(struct h2peer_session *s)
{
    const uint8_t *p;
    ssize_t        n = nghttp2_session_mem_send(s->session, &p);

    return n > 0 ? (str_t){ (const char *) p, (size_t) n } : STR_NONE;
}


bool
h2peer_has_more(const struct h2peer_session *s)
{
    return nghttp2_session_want_write(s->session);
}


void
h2peer_rest(struct h2peer_session *s)
{
    while (s->n_spare > 1)
        free(s->spare[--s->n_spare].p);
    if (s->head.size <= SPARE_MAX)
        return;
    free(s->head.p);
    s->head = (struct h2peer_bytes){ .p = NULL };
}


void
h2peer_end(struct h2peer_session *s)
{
    if (!s->is_ending)
        s->fault = 0;
    else if (s->fault == 0)
        s->fault = H2PEER_FAULT_PROTOCOL + 1;
    end_streams(s);
}


bool
h2peer_has_room(const struct h2peer_session *s)
{
    return !s->is_over && !s->is_ending && !s->has_goaway
           && nghttp2_session_check_request_allowed(s->session)
           && s->n < nghttp2_session_get_remote_settings(
                  s->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}


/* --- a stream ------------------------------------------------------------- */

bool
h2peer_open(struct h2peer_session *s, struct h2peer_stream *t,
            const struct h2peer_field *fields, size_t n, bool has_body)
{
    nghttp2_data_provider body
        = { .source.ptr = t, .read_callback = read_body };
    nghttp2_nv  few[FIELDS_FEW];
    nghttp2_nv *list = list_of(fields, n, few);

    if (list == NULL || s->is_over) {
        if (list != few)
            free(list);
        return false;
    }
    t->id = nghttp2_submit_request(s->session, NULL, list, n,
                                   has_body ? &body : NULL, t);
    if (list != few)
        free(list);
    if (t->id <= 0)
        return false;
    t->session = s;
    t->is_beside = s->n != 0;
    t->head = &s->head;
    if (s->n_spare != 0)
        t->in = s->spare[--s->n_spare];
    s->n++;
    list_append(&s->streams, &t->place);
    return true;
}


void
h2peer_more(struct h2peer_stream *t)
{
    if (t->session != NULL)
        (void) nghttp2_session_resume_data(t->session->session, t->id);
}


size_t
h2peer_read(struct h2peer_stream *t, char *out, size_t n)
{
    size_t has = t->in.write - t->in.read;

    n = n < has ? n : has;
    if (n == 0)
        return 0;
    memcpy(out, t->in.p + t->in.read, n);
    t->in.read += n;
    if (t->in.read == t->in.write)
        t->in.read = t->in.write = 0;
    return n;
}


void
h2peer_used(struct h2peer_stream *t, size_t n)
{
    if (t->session != NULL)
        (void) nghttp2_session_consume_stream(t->session->session, t->id, n);
}


void
h2peer_leave(struct h2peer_stream *t)
{
    struct h2peer_session *s = t->session;

    if (s != NULL) {
        (void) nghttp2_session_set_stream_user_data(s->session, t->id, NULL);
        if (!t->is_closed)
            (void) nghttp2_submit_rst_stream(
                s->session, NGHTTP2_FLAG_NONE, t->id,
                t->is_ended ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL);
        forget(t);
    }
    if (s != NULL && t->in.size != 0 && t->in.size <= SPARE_MAX
        && s->n_spare < SPARES)
    {
        t->in.read = t->in.write = 0;
        s->spare[s->n_spare++] = t->in;
    } else {
        free(t->in.p);
    }
    t->in = (struct h2peer_bytes){ .p = NULL };
}
