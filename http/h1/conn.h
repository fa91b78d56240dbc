/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Internal to http/h1: a client's HTTP/1 connection.
 *
 * It serves one request at a time: bytes that follow it wait in the head
 * buffer until its response has been sent.  The head buffers live as long as
 * the request whose strings point into them.
 */
#pragma once

#include "core/base/buf.h"
#include "core/event/loop.h"
#include "http/codec.h"
#include "http/conn.h"
#include "http/h1/parse.h"
#include "http/main.h"

enum h1_state {
    H1_WAIT,    /* for the first byte of a request; may be closed meanwhile  */
    H1_HEAD,    /* in a request's head, of which a part has come             */
    H1_BUSY,    /* a request is being answered                               */
    H1_DISCARD, /* answered, but its body is still arriving                  */
    H1_LINGER,  /* our side is closed; input is dropped                      */
    H1_CLOSED,
};

struct head_buf {
    struct head_buf *before; /* earlier buffers, which are full              */
    struct buf       buf;
};

struct h1 {
    struct http_conn           http; /* first */
    struct http_request       *r;
    struct head_buf           *head;  /* the newest; NULL while idle         */
    struct post                next;  /* starts the next request             */
    union {
        uint64_t sent_before;  /* H1_HEAD, H1_BUSY: conn.sent when r began   */
        msec_t   linger_until; /* H1_DISCARD, H1_LINGER                      */
    };
    union {
        uint32_t idle_ms;   /* H1_WAIT: time to wait after the minimum       */
        uint32_t seen;      /* H1_HEAD: bytes of the line that were searched */
        uint32_t sent_at_timer; /* H1_BUSY, H1_DISCARD: conn.sent, low bits  */
        uint32_t linger_ms; /* H1_LINGER: lingering_timeout                  */
    };
    uint16_t                   n_large; /* large_client_header_buffers used  */
    uint8_t                    state; /* enum h1_state                       */
    bool                       has_line : 1; /* the request line was read    */
    bool                       is_kept : 1; /* not the first request         */
    bool                       wants_nodelay : 1;
    bool                       head_timer : 1; /* client_header_timeout runs  */
    bool                       had_rest : 1; /* the request was pipelined    */
};

/* Of one request's body; in its arena. */
struct h1_body {
    struct h1_chunked chunked;
    struct block     *block;   /* that buf is in; a reference                */
    struct buf        buf;     /* bytes in it that were not handed on        */
    uint64_t          left;    /* of Content-Length                          */
    bool              is_done, is_waiting;
    bool              has_read; /* from the socket                           */
};

static inline struct h1 *
h1_of_conn(struct conn *c)
{
    return container_of(c, struct h1, http.conn);
}

static inline struct h1 *
h1_of(const struct http_request *r)
{
    return container_of(r->main->task.conn, struct h1, http.conn);
}

extern const struct http_codec h1_codec;

/* conn.c */
void h1_set_state(struct h1 *h, enum h1_state state);
void h1_close(struct h1 *h);
void h1_timed_out(struct h1 *h);
void h1_on_read(struct event *e);

/* head.c */
void h1_read_head(struct h1 *h);
/* The part of the request line that has arrived, for the log, at most max
 * bytes. */
str_t h1_first_line(str_t in, size_t max);
/* Gives the request an incomplete request line, as far as it has arrived. */
void h1_keep_line(struct h1 *h);
/* Frees the head buffers of a request, with keep_rest except for the bytes of
 * the next request. */
void h1_free_heads(struct h1 *h, bool keep_rest);
bool h1_has_rest(const struct h1 *h);

/* start.c: the head is complete (or bad: status), the request begins. */
void h1_start(struct h1 *h);
void h1_start_bad(struct h1 *h, unsigned status);
/* Takes one field of the head; returns 0, or an error status. */
unsigned h1_take_field(struct h1 *h, str_t line);

/* write.c */
enum step h1_send_head(struct http_request *r);
void      h1_send_interim(struct http_request *r, unsigned status,
                          const struct fields *fields);
void      h1_send_body(struct http_request *r, struct chain *in, bool last);

/* keep.c: whether the connection outlives its request. */
void h1_enter(struct http_request *r);

/* body.c */
enum step h1_read_body(struct http_request *r, struct chain *out, size_t max);
void      h1_free_body(struct http_request *r);
bool      h1_waits_for_body(const struct http_request *r);
/* How long the client may send nothing more of it (slow_left). */
msec_t    h1_body_left(const struct http_request *r);
