/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A decoder of HTTP/1 responses from upstreams: bytes in, events out, one at a
 * time.  It knows how long the body is and whether the connection can be
 * reused (RFC 9112 sections 6.3 and 9.3), but nothing about connections and
 * requests.
 */
#pragma once

#include "http/h1/parse.h"

enum h1_event {
    H1_WANTS_MORE,   /* more bytes are needed; the rest of in must be kept   */
    H1_SAW_STATUS,   /* status is set                                        */
    H1_SAW_HEADLESS, /* no status line: everything is body (HTTP/0.9)        */
    H1_SAW_NAMED,    /* field is a header field                              */
    H1_SAW_INTERIM,  /* the head of a 1xx response ends; another one follows */
    H1_SAW_HEAD,     /* the head ends; length and is_reusable are known      */
    H1_SAW_DATA,     /* data is a part of the body                           */
    H1_SAW_TRAILER,  /* field is a trailer field                             */
    H1_SAW_END,      /* the response is complete                             */
    H1_SAW_BROKEN,   /* invalid: see error                                   */
};

enum h1_fault {
    H1_FAULT_NONE,
    H1_FAULT_FIELD,      /* invalid header: line, at                         */
    H1_FAULT_LENGTH,     /* Content-Length is no number: field               */
    H1_FAULT_DUPLICATE,  /* a second length or coding: field                 */
    H1_FAULT_CODING,     /* unknown Transfer-Encoding: field                 */
    H1_FAULT_BOTH,       /* both length and coding                           */
    H1_FAULT_CHUNK,      /* the chunked coding is invalid                    */
};

/* Zeroed memory, with has_no_body set as needed, is a new decoder. */
struct h1_response {
    bool has_no_body; /* set by the owner: the request was HEAD              */

    struct h1_status_line status;
    str_t           data;
    struct h1_field field;
    enum h1_fault   error;
    str_t           line;    /* the bad line                                 */
    size_t          at;      /* position of the bad byte in it               */
    uint64_t        length;  /* of the body, where has_length                */
    bool            has_length, is_chunked;
    bool            is_close; /* the connection ends with the response       */
    bool            is_reusable;

    unsigned          state;
    size_t            seen;
    uint64_t          left;
    struct h1_chunked chunked;
};

/* Takes the next event from *in. */
enum h1_event h1_response_next(struct h1_response *h, str_t *in);
/* The peer has closed: H1_SAW_END if that ends the response, otherwise
 * H1_WANTS_MORE: it was too early. */
enum h1_event h1_response_eof(const struct h1_response *h);
