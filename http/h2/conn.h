/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Internal to http/h2: a client's HTTP/2 connection.
 *
 * nghttp2 has the frames, the compression of heads and the windows; here are the
 * streams, each a request, their turns, limits and timeouts.
 *
 *     h2_read > watch.c looks at each frame's header > nghttp2 > session.c is
 *     told of heads, bodies and ends > head.c makes requests, which run when
 *     all that was read is taken
 *
 *     a response > queued with its stream > gather.c: at the end of the turn
 *     nghttp2 chooses whose frames go, and all of them leave with one write
 *
 * A stream lives in its request's memory, and as long as pieces of its body may
 * be in the connection's output.
 */
#pragma once

#include <nghttp2/nghttp2.h>

#include "http/codec.h"
#include "http/conn.h"
#include "http/h2/h2.h"
#include "http/h2/priority.h"
#include "http/h2/watch.h"
#include "http/main.h"

/* http2 and what belongs to it. */
struct h2_conf {
    bool             is_on;
    uint64_t         max_streams;
    size_t           preread; /* the window of a new stream                  */
    struct h2_limits limits;
};

/* http2_chunk_size; of locations. */
struct h2_chunk_conf {
    size_t size;
};

extern struct module http_v2_module, http_v2_chunk_module;

struct h2_stream;
/* Bytes that move a deadline of the client. */
enum { H2_ENOUGH = 16384 };

struct h2_slot;

/* Streams that are closed, as far as frames of them may still come. */
enum { H2_RECENT = 24 };
enum h2_closed {
    H2_BY_US,    /* whatever the client sent before it knew is fine          */
    H2_BY_RESET, /* of the client                                            */
    H2_BY_END,   /* both sides have ended                                    */
};

struct h2 {
    struct http_conn  http;    /* first */
    nghttp2_session  *session; /* by h2_session alone                        */
    struct h2_slot   *slot;    /* of its memory (memory.c), or NULL          */
    unsigned char    *packed;  /* the session, while it is asleep; or NULL   */
    uint32_t          n_own;   /* bytes of it that are in the slot           */
    uint32_t          n_parts; /* ... in so many pieces                      */
    struct arena     *links;   /* of the chain that goes out; NULL: it is
                                   empty                                     */
    struct block     *room;    /* the last block of it (out.c), or NULL      */
    struct list       streams; /* all that have a request                   */
    struct list       ready;   /* ... with something new to be framed       */
    struct list       framed;  /* ... with frames that are not out          */
    struct list       stalled; /* ... that wait for a window                */
    struct list       dead;    /* over, with bytes that are not out         */
    struct list       held;    /* ... whose readers are not told of bodies  */
    struct post       gather, more;
    struct h2_stream *heading; /* whose head is being read                  */
    struct h2_stream *framing; /* ... next bytes are to be framed           */
    struct block     *in;      /* what is being read                        */
    struct h2_watch   watch;
    uint64_t          buffered; /* bytes of bodies that nobody has read     */
    uint64_t          unfed;    /* ... by which the connection's window is
                                   kept smaller                              */
    msec_t            linger_until;
    uint64_t          sent_then; /* conn.sent when its timer was set        */
    uint32_t          room_at;   /* what is used of it                        */
    uint32_t          n_streams;
    uint32_t          frame_timed; /* client_header_timeout runs for it     */
    uint32_t          n_new;    /* streams begun by what is being read       */
    uint32_t          refusals; /* ids to be reset                          */
    int32_t           refused[8];
    struct timer      refusal; /* ... then                                  */
    int32_t           recent[H2_RECENT]; /* ids of closed streams           */
    uint8_t           how[H2_RECENT];    /* enum h2_closed                  */
    uint8_t           n_recent;          /* the place of the next one       */
    int32_t           was_reset; /* by what is being read                   */
    int32_t           last;      /* the highest id of the client            */
    uint8_t           urgency;   /* the highest one whose bytes are gathered  */
    uint8_t           state;     /* enum h2_state                             */
    bool              is_full : 1;    /* nghttp2 has more than went out      */
    bool              is_resting : 1; /* others are having their turn       */
    bool              is_held_up : 1; /* nothing is read until all is out    */
    bool              is_shut : 1; /* by us, the connection's window         */
    bool              is_agreed : 1;  /* the client has taken our SETTINGS   */
    bool              is_kept : 1;    /* it has had a request                */
    bool              is_broken : 1;  /* nothing goes out any more           */
    bool              is_working : 1; /* within nghttp2                     */
    bool              took_data : 1;  /* it has taken a frame of DATA        */
    bool              is_left : 1;    /* the client has sent GOAWAY          */
    bool              is_failed : 1;  /* ends with an error                  */
    bool              has_frames : 1; /* parts of the slot that are used     */
    bool              has_table : 1;
    bool              is_asleep : 1; /* idle, and rid of what it can do
                                          without                             */
};

enum h2_state {
    H2_OPEN,
    H2_NOTICED, /* the client knows that it will end (RFC 9113 section 6.8)  */
    H2_ENDING,  /* takes no more streams                                     */
    H2_LINGER,  /* our side is closed; input is dropped                      */
    H2_CLOSED,
};

/* The connection inside of a stream. */
struct h2_inner {
    struct conn       conn;
    struct h2_stream *stream; /* NULL: it is over                            */
};

struct h2_stream {
    struct list          link, ready, framed, stalled, held;
    struct h2           *h;
    struct http_request *r;
    int32_t              id;
    int32_t              window; /* of the client's body                    */
    /* The head. */
    str_t            method, scheme, path, authority, protocol;
    VEC(str_t)       crumbs; /* of the cookie                           */
    struct h2_inner *inner;  /* of a tunnel, once it is one; or NULL    */
    uint32_t         n_fields;
    uint32_t         n_bytes;
    uint8_t          urgency;
    uint8_t          held_for; /* turns */
    unsigned         status;   /* why it is refused; 0: it is not         */
    /* The request's body. */
    struct chain body; /* came, and was not read                  */
    uint64_t     received, since_growth;
    /* The response. */
    nghttp2_nv  *fields; /* of a head that is not framed; or NULL   */
    size_t       n_fields_out, head_size;
    struct chain out;              /* the body, as far as it is not framed    */
    uint64_t     out_end;          /* the connection's output has all that was
                                     framed, up to there                     */
    uint64_t     n_framed, n_sent; /* bytes of frames                */
    uint64_t     n_body, at_mark;  /* ... of them bodies; at the last look */
    uint64_t     opened;           /* of its window, by WINDOW_UPDATE        */
    uint64_t     sent_before;      /* conn.sent when it was begun             */
    msec_t       late_at; /* until when a closed window may be that; 0: none
                              was                                             */
    msec_t       linger_until; /* what comes of the body behind the response
                              is dropped, and its window opened               */
    uint32_t     linger_ms;    /* unless a pause is longer                */
    struct timer read_timer, write_timer;
    bool         has_te : 1;
    bool         has_fields : 1; /* a field that is no pseudo header */
    bool         has_head : 1;   /* the whole of it is there         */
    bool         is_trailer : 1; /* trailers are being read          */
    bool         is_malformed : 1;
    bool         is_whole : 1;    /* the client has ended its side    */
    bool         is_gone : 1;     /* reset                            */
    bool         is_closed : 1;   /* nghttp2 knows it no more         */
    bool         takes_turns : 1; /* nghttp2 is to be told so         */
    bool         waits : 1;       /* for more of the body             */
    bool         was_late : 1;    /* some of the body came behind what
                                            was read with the head           */
    bool         has_last : 1;    /* out is all that follows          */
    bool         is_begun : 1;    /* nghttp2 has the head             */
    bool         is_deferred : 1; /* nghttp2 waits for out           */
    bool         is_told : 1;     /* END_STREAM was framed            */
    bool         is_over : 1;     /* the request has been logged      */
    bool         was_spared : 1;  /* by the deadline of what goes out */
    bool         is_timed_out : 1;
    bool         ends_connection : 1; /* PROTOCOL_ERROR for all      */
    bool         is_tunnel : 1;       /* extended CONNECT                 */
};

static inline struct h2 *
h2_of_conn(struct conn *c)
{
    return container_of(c, struct h2, http.conn);
}

/* memory.c: unpacks it. */
void h2_memory_wake(struct h2 *h);

static inline nghttp2_session *
h2_session(struct h2 *h)
{
    if (h->packed != NULL)
        h2_memory_wake(h);
    return h->session;
}

static inline struct h2_stream *
h2_stream_of(const struct http_request *r)
{
    return r->main->codec_state;
}

static inline const struct h2_conf *
h2_conf(const struct h2 *h)
{
    return http_conn_conf(&h->http, &http_v2_module);
}

extern const struct http_codec h2_codec;

/* conn.c */
void h2_read(struct h2 *h);
/* No more streams; it is closed when those that there are have ended.  At once:
 * without asking the client first. */
void h2_end(struct h2 *h, bool at_once);
/* Ends it with an error, and all that is under way. */
void h2_fail(struct h2 *h, uint32_t code);
/* The same where nghttp2 says so: GOAWAY is on its way. */
void h2_failed(struct h2 *h);
/* The same because the client does too much; kind: enum h2_kind. */
void h2_attacked(struct h2 *h, unsigned kind, const char *what);
/* The connection is of no use: ends all requests and closes it. */
void h2_break(struct h2 *h);
/* Behind each change: idle, closed, or neither. */
void h2_settle(struct h2 *h);

/* session.c */
bool h2_session_new(struct h2 *h);
bool h2_session_start(struct worker *w);
void h2_session_stop(struct worker *w);

/* memory.c */
nghttp2_mem h2_memory(struct h2 *h);
/* Gives memory back that holds nothing while there are no streams and no frames
 * to be sent; it is there again when it is used. */
void h2_memory_rest(struct h2 *h);

/* stream.c */
struct h2_stream *h2_stream_begin(struct h2 *h, int32_t id);
/* The client has reset it, or a rule that nghttp2 knows was broken. */
void h2_stream_gone(struct h2_stream *s);
/* Frees what is over when the bytes of it are out. */
void h2_stream_reap(struct h2 *h);
/* What nghttp2 would ignore: a frame of a closed stream. */
void h2_stream_late(struct h2 *h, int32_t id, bool is_head);
/* nghttp2 forgets it now; s: NULL, we have done so. */
void h2_stream_closed(struct h2 *h, struct h2_stream *s, int32_t id);
/* Resets the stream and forgets it. */
void h2_stream_reset(struct h2_stream *s, uint32_t code);

/* head.c */
/* What lives as long as nghttp2, and need not be copied: texts of the static table
 * (RFC 7541, appendix A). */
enum { H2_STATIC_NAME = 1, H2_STATIC_VALUE = 2 };
void h2_head_field(struct h2_stream *s, str_t name, str_t value,
                   unsigned is_static);
void h2_head_end(struct h2_stream *s, bool is_whole);
void h2_trailer_field(struct h2_stream *s, str_t name, str_t value);

/* body.c */
void      h2_body_take(struct h2_stream *s, str_t bytes);
void      h2_body_end(struct h2_stream *s);
enum step h2_read_body(struct http_request *r, struct chain *out, size_t max);
/* All that is read for the moment has been taken; is_more: more is there. */
void h2_body_told(struct h2 *h, bool is_more);
/* The client has taken our SETTINGS. */
void h2_body_agreed(struct h2 *h);
/* So many bytes of what came have been read. */
void h2_body_release(struct h2_stream *s, size_t n);
/* All that has come is dropped. */
void h2_body_drop(struct h2_stream *s);

/* patience.c */
void h2_patience_init(struct h2_stream *s);
/* The client is waited for, for more of the body: again, or still; or not, as it
 * may not send. */
void h2_await_body(struct h2_stream *s);
/* Some of it is there. */
void h2_has_body(struct h2_stream *s);
/* The client has to take something; is_stalled: a window is closed.  Until when it
 * may be is not put off by another time. */
void h2_await_reply(struct h2_stream *s, bool is_stalled);
/* Something was taken, maybe all. */
void h2_reply_taken(struct h2_stream *s);

/* write.c */
enum step  h2_send_head(struct http_request *r);
void       h2_send_interim(struct http_request *r, unsigned status,
                           const struct fields *fields);
void       h2_send_body(struct http_request *r, struct chain *in, bool last);
uint64_t   h2_sent(const struct http_request *r);
uint64_t   h2_queued(const struct http_request *r);
uint64_t   h2_room(struct http_request *r);
bool       h2_reads_files(const struct http_request *r);
enum flush h2_flush(struct http_request *r, size_t limit, bool late);
void       h2_drop(struct http_request *r);
/* Gives nghttp2 what is new of s. */
void h2_submit(struct h2_stream *s);
/* For nghttp2: the next bytes of a body, and their way out. */
ssize_t h2_frame_body(nghttp2_session *session, int32_t id, uint8_t *buf,
                      size_t max, uint32_t *flags, nghttp2_data_source *from,
                      void *user);
int     h2_put_body(nghttp2_session *session, nghttp2_frame *frame,
                    const uint8_t *head, size_t n, nghttp2_data_source *from,
                    void *user);

/* out.c: the output over TLS: bytes of nghttp2's; a frame with the next n bytes
 * of the body.  False: they could not be read (logged), nothing has changed. */
void h2_out_add(struct h2 *h, str_t bytes);
bool h2_out_body(struct h2_stream *s, const char *head, size_t n);
/* All is out. */
void h2_out_end(struct h2 *h);

/* There is something to be framed. */
void h2_ready(struct h2_stream *s);
/* What there is has to wait for a window. */
void h2_stall(struct h2_stream *s);

/* tunnel.c: the request asks for one. */
void         h2_tunnel_ask(struct h2_stream *s);
struct conn *h2_hijack(struct http_request *r, struct chain *early);
/* Of one that is open: something came, or is out; it is over. */
void h2_tunnel_read(struct h2_stream *s);
void h2_tunnel_sent(struct h2_stream *s);
void h2_tunnel_close(struct h2_stream *s);

/* The turn of its response among others; the client may still change it. */
void h2_prioritize(struct h2_stream *s, const struct h2_priority *p);

/* gather.c */
void h2_gather_later(struct h2 *h);
void h2_gather(struct post *p);
void h2_on_flushed(struct conn *c);
/* A window has opened: of all streams, or of s. */
void h2_opened(struct h2 *h, struct h2_stream *s);
