/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The HTTP/1 grammar (RFC 9112) as pure functions on whole lines, for both
 * directions: requests of clients and responses of upstreams.  Lines are
 * found with h1_line; nothing here keeps a place inside a token, allocates or
 * knows of requests.  Where nginx is laxer or stricter than the RFC, nginx is
 * followed (t/truth/protocol.tsv), case by case.
 */
#pragma once

#include "core/base/parse.h"
#include "core/base/str.h"

/* Finds the first line of in.  Returns its length including the LF, 0 when
 * there is no LF yet; *seen is how many bytes need not be searched again
 * (start with 0; reset to 0 by a found line).  *line is it without CRLF/LF. */
size_t h1_line(str_t in, size_t *seen, str_t *line);

/* False as soon as the first bytes cannot be a request line (a byte that no
 * method has: TLS sent to a plain port), so that an early 400 is possible.
 * Leading CR and LF are allowed. */
bool h1_may_be_request(str_t in);

enum h1_error {
    H1_OK,
    H1_BAD_METHOD,   /* "client sent invalid method", 400                    */
    H1_BAD_REQUEST,  /* "client sent invalid request", 400                   */
    H1_BAD_VERSION,  /* "client sent invalid version", 505                   */
    H1_BAD_09_METHOD /* "client sent invalid method in HTTP/0.9 request", 400*/
};

struct h1_request_line {
    str_t    method;
    str_t    target;      /* $request_uri: as sent, from the path on in
                             absolute-form, host and port of CONNECT         */
    str_t    scheme;      /* absolute-form only                              */
    str_t    host;        /* authority of absolute-form or of CONNECT,
                             with port                                       */
    str_t    path;        /* part of target that starts with "/", without
                             the arguments; "/" where absolute-form has none,
                             and with CONNECT                                */
    str_t    args;        /* behind "?", without it and without #fragment    */
    str_t    protocol;    /* "HTTP/1.1" as sent; empty for 0.9                */
    bool     has_args;    /* a "?" was there                                 */
    bool     is_complex;  /* path needs uri_normalize: %, //, /.             */
    unsigned major, minor; /* 0.9 where the line has no version              */
};

/* Parses one line (without CRLF).  CONNECT takes authority-form only. */
enum h1_error h1_request_line(struct h1_request_line *out, str_t line);

struct h1_status_line {
    unsigned major, minor;
    unsigned status; /* 100 to 999 */
    str_t    reason; /* may be empty */
};

/* False: an HTTP/0.9 upstream, or junk.  Versions above 1.1 are taken. */
bool h1_status_line(struct h1_status_line *out, str_t line);

enum h1_field_kind {
    H1_FIELD,          /* name and value are set                             */
    H1_FIELD_ODD,      /* the same, but name has bytes outside A-Za-z0-9-:
                          dropped where ignore_invalid_headers is on         */
    H1_FIELD_UNDERSCORE, /* the same, and the only odd bytes are "_"         */
    H1_FIELD_NO_COLON, /* no colon: skipped silently; its text is in name  */
    H1_FIELD_BAD,      /* 400: blank in or behind the name, folding, NUL,
                          CR inside, no name                                 */
};

struct h1_field {
    str_t name;
    str_t value; /* without spaces around it; tabs belong to it */
};

/* Parses one field line (without CRLF) that is not empty.  A response's line
 * (is_response) is judged as nginx judges upstreams: see the function. */
enum h1_field_kind h1_field(struct h1_field *out, str_t line, bool is_response);

/* Chunked transfer coding (RFC 9112 section 7.1).  Zeroed memory is a fresh
 * decoder. */
struct h1_chunked {
    uint64_t left;     /* bytes left of the chunk                            */
    unsigned state;
    size_t   trailer_bytes; /* so far, for a limit                           */
};

/*
 * Takes the next token off *in.  PARSE_OK: *data is a stretch of body (it may
 * be empty when only framing was consumed) or, in the trailer section, with
 * data->p NULL, *field is one trailer field.  PARSE_AGAIN: *in holds an
 * incomplete line, which stays there.  PARSE_END: all is read, *in starts
 * behind the body.  PARSE_BAD also for lines over H1_CHUNK_LINE bytes.
 * A bare LF after sizes, data, the last chunk or trailer fields is refused, as
 * in 1.31.5.
 */
enum { H1_CHUNK_LINE = 4096, H1_TRAILER_MAX = 32768 };
enum parse h1_chunked_next(struct h1_chunked *c, str_t *in, str_t *data,
                           struct h1_field *field);
