/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection to an HTTP/2 server (RFC 9113), from the client's side, on
 * libnghttp2: bytes in, records for each stream out, and bytes to be sent.  It
 * knows neither sockets nor requests.
 *
 * What comes on a stream is judged here, and becomes a row of bytes that its
 * owner reads like those of a connection:
 *
 *     the heads of interim responses, and the head of the response, as text in
 *     the form of HTTP/1, which is also how a cache keeps it; then records:
 *     'D' length(3) data | 'T' length(3) name-length(2) name value
 *     and at last  'E'   the end,  or, at any time,  'R' fault(1) value(4)
 *
 * Fields of the connection (Connection, Transfer-Encoding ...) mean nothing in
 * HTTP/2 and are dropped, as nginx does.  The memory of a stream is bounded by
 * its window and by the limit of a head.
 */
#pragma once

#include "core/base/list.h"
#include "core/base/str.h"

struct h2peer_session;

enum h2peer_fault {
    H2PEER_FAULT_RESET,    /* the server has reset the stream; value: its reason */
    H2PEER_FAULT_REFUSED,  /* the server has not seen the request; value: the
                              reason of GOAWAY, or H2PEER_TOO_MANY            */
    H2PEER_FAULT_NAME,     /* too long, value bytes                           */
    H2PEER_FAULT_VALUE,
    H2PEER_FAULT_HEAD,     /* the head is too large as a whole                */
    H2PEER_FAULT_FIELD,    /* an invalid name or value                        */
    H2PEER_FAULT_STATUS,   /* :status is missing or invalid                   */
    H2PEER_FAULT_PSEUDO,   /* another pseudo-header, or at the wrong place    */
    H2PEER_FAULT_TRAILER,  /* a trailer that does not end the stream          */
    H2PEER_FAULT_SHORT,    /* less data than Content-Length says              */
    H2PEER_FAULT_LONG,     /* more                                            */
    H2PEER_FAULT_WINDOW,   /* a window update of 0                            */
    H2PEER_FAULT_FRAME,    /* an invalid frame; value: its type               */
    H2PEER_FAULT_PROTOCOL, /* what came is no HTTP/2                          */
    H2PEER_FAULT_SEND,     /* the request cannot be sent                      */
};

/* It had to do with others at that time: REFUSED_STREAM (RFC 9113 section 8.7). */
enum { H2PEER_TOO_MANY = 7 };

/* Bytes in the order in which they came.  Zeroed: empty. */
struct h2peer_bytes {
    char  *p;
    size_t read, write, size;
};

/* A stream, from its request until its owner leaves it; zeroed, and the first
 * four set, before h2peer_open. */
struct h2peer_stream {
    size_t head_max;  /* bytes of a head or trailer                          */
    size_t field_max; /* of a name or a value in it                          */
    bool   is_head;   /* the method is HEAD: the response has no body        */
    /* Something has been added to in, or the session has ended. */
    void (*on_input)(struct h2peer_stream *);
    /* Copies up to n bytes of the request's body, and takes them.  0, and not
     * *last: there are none now; h2peer_more follows. */
    size_t (*on_body)(struct h2peer_stream *, char *out, size_t n, bool *last);
    /* What follows the request's body, set before its end is told. */
    const struct h2peer_field *trailers;
    size_t                     n_trailers;

    struct h2peer_bytes    in;
    struct h2peer_session *session; /* NULL: it is over, or was not opened    */
    struct list        place;   /* in the session's list                     */
    int32_t            id;
    uint64_t           sent;    /* bytes of its frames, with their headers   */
    uint64_t           received;
    bool               is_closed; /* both sides have ended it                */
    bool               is_beside; /* others were there when it was opened    */

    /* Of what is coming: */
    struct h2peer_bytes *head; /* a head or trailer; the session's, as one
                                  comes after the other                      */
    size_t          head_n;  /* its bytes so far, and those of interim ones  */
    unsigned        status;  /* of it, 0: not seen so far                    */
    unsigned        fault;   /* of it, enum h2peer_fault + 1; 0: none         */
    uint32_t        value;
    bool            has_head; /* of the response, not an interim one         */
    bool            has_fields; /* of the present head, not pseudo ones      */
    bool            has_length, is_bodiless, is_ended;
    uint64_t        length, got;
};

struct h2peer_field {
    str_t name, value; /* the name in lower case                             */
};

/* NULL: no memory. */
struct h2peer_session *h2peer_session_new(void);
/* Streams that are left are over. */
void h2peer_session_free(struct h2peer_session *s);
/* Bytes of the server, all of them.  False: nothing more is of interest; what
 * is to be sent then is still given out, and h2peer_end follows. */
bool h2peer_take(struct h2peer_session *s, str_t in);
/* The server has been told that what it sent is invalid: the same. */
bool h2peer_is_ending(const struct h2peer_session *s);
/* The next bytes to be sent, valid until the next call; empty: none now. */
str_t h2peer_give(struct h2peer_session *s);
bool  h2peer_has_more(const struct h2peer_session *s);
/* The connection has ended, or is about to: all streams are over. */
void h2peer_end(struct h2peer_session *s);
/* Its last stream has ended: gives memory back. */
void h2peer_rest(struct h2peer_session *s);
/* Whether another stream may be opened, as far as the server says. */
bool h2peer_has_room(const struct h2peer_session *s);

/* Opens a stream with a request.  False: it cannot be sent. */
bool h2peer_open(struct h2peer_session *s, struct h2peer_stream *t,
             const struct h2peer_field *fields, size_t n, bool has_body);
/* There is more of its body, or its end. */
void h2peer_more(struct h2peer_stream *t);
/* Takes up to n bytes of what has come. */
size_t h2peer_read(struct h2peer_stream *t, char *out, size_t n);
/* So many bytes of data have been used: opens its window again. */
void h2peer_used(struct h2peer_stream *t, size_t n);
/* Its owner leaves: resets what is not complete, frees what has come. */
void h2peer_leave(struct h2peer_stream *t);

/* A number in a record, of so many bytes. */
static inline size_t
h2peer_number(const char *p, size_t bytes)
{
    size_t n = 0;

    while (bytes-- != 0)
        n = n << 8 | (unsigned char) *p++;
    return n;
}
