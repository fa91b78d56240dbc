/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Escaping and unescaping, all from a str_t into an arena.  Where nothing has
 * to be escaped the input itself is returned, uncopied.
 */
#pragma once

#include "core/base/arena.h"

enum escape_uri {
    ESCAPE_URI,           /* a path that goes to an upstream or a Location:
                             space, control bytes, DEL, >127, %, ?, #        */
    ESCAPE_ARGS,          /* the same for arguments: also & + ; excluded ... */
    ESCAPE_URI_COMPONENT, /* all but unreserved of RFC 3986                  */
    ESCAPE_REDIRECT,      /* only what a field value cannot hold: space,
                             control bytes, DEL, >127, ", <, >, \, ^, `, {}| */
};

str_t escape_uri(struct arena *a, str_t s, enum escape_uri how);
/* %XX to bytes; a bad escape stays as it is. */
str_t unescape_uri(struct arena *a, str_t s);
/* & < > " to entities. */
str_t escape_html(struct arena *a, str_t s);
/* For the inside of a JSON string: conventions.md, access-log escape=json. */
str_t escape_json(struct arena *a, str_t s);
/* access_log's default: " \ <32 >126 to \xHH. */
str_t escape_log(struct arena *a, str_t s);

/* Base64 (RFC 4648 section 4; url: section 5, without padding). */
str_t base64_encode(struct arena *a, str_t s, bool url);
/* *ok is false for text that is not base64. */
str_t base64_decode(struct arena *a, str_t s, bool url, bool *ok);

/* Lower-case hexadecimal digits, two a byte. */
str_t hex_encode(struct arena *a, str_t s);
