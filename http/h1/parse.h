/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The HTTP/1 grammar (RFC 9112) as pure functions on whole lines, for both
 * directions: requests of clients and responses of upstreams.  h1_line finds
 * the lines; nothing here keeps a position inside a token, allocates memory,
 * or knows about requests.  Where nginx is laxer or stricter than the RFC,
 * this follows nginx (t/truth/protocol.tsv), case by case.
 */
#pragma once

#include "core/base/parse.h"
#include "core/base/str.h"
#include "http/field.h"
#include "http/target.h"

/* Finds the first line of in.  Returns its length including the LF, or 0 if
 * there is no LF yet; *seen is the number of bytes that need not be searched
 * again (start with 0; a found line resets it).  *line is the line without
 * CRLF/LF. */
static inline size_t
h1_line(str_t in, size_t *seen, str_t *line)
{
    const char *lf = NULL;
    size_t      n;

    if (*seen < in.n)
        lf = memchr(in.p + *seen, '\n', in.n - *seen);

    if (lf == NULL) {
        *seen = in.n;
        return 0;
    }

    n = (size_t) (lf - in.p);
    *line = (str_t){ in.p, n };

    if (n > 0 && lf[-1] == '\r')
        line->n--;

    *seen = 0;
    return n + 1;
}

/* False as soon as the first bytes cannot begin a request line (a byte that no
 * method has, such as TLS on a plain port), so that 400 can be sent early.
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
    str_t    target;      /* $request_uri: as sent; in absolute-form from
                             the path on; for CONNECT "/"          */
    str_t    host;        /* authority of absolute-form or of CONNECT,
                             with port                                       */
    struct target parts;  /* of target; the path is "/" if absolute-form has
                             none, and for CONNECT                           */
    str_t    protocol;    /* "HTTP/1.1" as sent; empty for 0.9                */
    unsigned major, minor; /* 0.9 if the line has no version                 */
};

/* Parses one line (without CRLF).  CONNECT accepts only authority-form. */
enum h1_error h1_request_line(struct h1_request_line *out, str_t line);

struct h1_status_line {
    unsigned major, minor;
    unsigned status; /* 100 to 999 */
    str_t    reason; /* may be empty */
};

/* False: an HTTP/0.9 upstream, or garbage.  Versions above 1.1 are
 * accepted. */
bool h1_status_line(struct h1_status_line *out, str_t line);

enum h1_field_kind {
    H1_FIELD,          /* name and value are set                             */
    H1_FIELD_ODD,      /* the same, but name has bytes outside A-Za-z0-9-:
                          dropped with ignore_invalid_headers                */
    H1_FIELD_UNDERSCORE, /* the same, and the only odd bytes are "_"         */
    H1_FIELD_NO_COLON, /* no colon: skipped without a message; its text is
                          in name                                          */
    H1_FIELD_BAD,      /* 400: space in or after the name, folding, NUL, CR
                          inside, no name                                    */
};

struct h1_field {
    str_t         name;
    str_t         value; /* without spaces around it; tabs belong to it      */
    enum field_id id;    /* of the name                                      */
};

/* Parses one field line (without CRLF) that is not empty.  A response's line
 * (is_response) follows the rules of nginx for upstreams: see the function. */
enum h1_field_kind h1_field(struct h1_field *out, str_t line, bool is_response);

/* Chunked transfer coding (RFC 9112 section 7.1).  A zeroed struct is a new
 * decoder. */
struct h1_chunked {
    uint64_t left;     /* bytes left of the chunk                            */
    unsigned state;
    size_t   trailer_bytes; /* so far, to limit it                           */
};

/*
 * Takes the next token off *in.  PARSE_OK: *data is a part of the body (empty
 * when only framing was consumed) or, in the trailer section, data->p is NULL
 * and *field is one trailer field.  PARSE_AGAIN: *in has an incomplete line,
 * which is kept.  PARSE_END: complete, *in starts after the body.  PARSE_BAD,
 * also for lines longer than H1_CHUNK_LINE bytes.  A bare LF after sizes,
 * data, the last chunk or trailer fields is refused, as in 1.31.5.
 */
enum { H1_CHUNK_LINE = 4096, H1_TRAILER_MAX = 32768 };
enum parse h1_chunked_next(struct h1_chunked *c, str_t *in, str_t *data,
                           struct h1_field *field);
