/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Escaping and unescaping, all from a str_t into an arena.  Where nothing has
 * to be escaped the input itself is returned, uncopied.
 */
#pragma once

#include "core/base/arena.h"

/* What becomes %XX; the sets before ESCAPE_REDIRECT hold that of it. */
enum escape_uri {
    ESCAPE_URI,           /* a path: also # % ?                              */
    ESCAPE_ARGS,          /* the value of an argument: also # % ? & + ;      */
    ESCAPE_URI_COMPONENT, /* all but letters, digits and - . _ ~             */
    ESCAPE_REDIRECT,      /* what no URI may contain, existing escapes are kept:
                             bytes up to space, from DEL, " < > \ ^ ` { | } */
    ESCAPE_QUOTED,        /* a URL in an attribute of HTML, existing escapes are
                             kept: bytes up to space, from DEL, " ' < >      */
    ESCAPE_BLANKS,        /* a word of a protocol of lines: bytes up to space,
                             and %                                           */
    ESCAPE_SSI,           /* a URL in HTML: bytes up to space, from DEL,
                             " # % ' < > \ ^ ` { | }                         */
};

/* Hexadecimal digits are in upper case. */
str_t escape_uri(struct arena *a, str_t s, enum escape_uri how);
/* %XX to bytes; a bad escape stays as it is. */
str_t unescape_uri(struct arena *a, str_t s);
/* For the target of a redirect that contains captures: unescapes, except for
 * bytes up to % and from DEL; everything after the first question mark is kept
 * as it is. */
str_t unescape_redirect(struct arena *a, str_t s);
/* & < > " to entities. */
str_t escape_html(struct arena *a, str_t s);
/* For the inside of a JSON string: " and \ behind a backslash, \n \r \t \b
 * \f, other bytes below space to \u00XX; the rest stays. */
str_t escape_json(struct arena *a, str_t s);
/* For the access log: " \ and bytes below 32 or above 126 to \xHH. */
str_t escape_log(struct arena *a, str_t s);

/* Base64 (RFC 4648 section 4; url: section 5, without padding). */
str_t base64_encode(struct arena *a, str_t s, bool url);
/* The same to out, which has room for 4 bytes for each 3; returns the end. */
char *base64_put(char *out, str_t s, bool url);
/* The six bits of a digit; -1: it is none. */
int base64_value(char c, bool url);
/* *ok is false, and the result empty, for text that is not base64.  Padding may
 * be missing; what follows the padding is ignored. */
str_t base64_decode(struct arena *a, str_t s, bool url, bool *ok);

/* Lower-case hexadecimal digits, two a byte. */
str_t hex_encode(struct arena *a, str_t s);
