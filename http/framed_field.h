/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A field as versions of HTTP with frames have it (RFC 9113 section 8.2, RFC 9114
 * section 4.2): judged by itself, of requests and responses.  Pure.
 */
#pragma once

#include "http/field.h"

enum framed_field {
    FRAMED_FINE,
    FRAMED_UNDERSCORE, /* in the name: underscores_in_headers                */
    FRAMED_ODD,        /* other bytes: ignore_invalid_headers                */
    FRAMED_TE,         /* only "trailers" is allowed, and only in a request  */
    FRAMED_CONNECTION, /* belongs to a connection of HTTP/1                  */
    FRAMED_BAD_NAME,   /* empty, upper case, controls, spaces, colons        */
    FRAMED_BAD_VALUE,  /* CR, LF, NUL, or blanks around it                   */
};

/* The name alone: FRAMED_FINE, UNDERSCORE, ODD or BAD_NAME. */
enum framed_field framed_field_name(str_t name);
/* id: that of the name. */
enum framed_field framed_field_judge(enum field_id id, str_t name, str_t value);
/* Whether it has only bytes that RFC 9110 allows, and no upper case. */
bool framed_field_is_token(str_t name);
/* The name as frames have it: in lower case.  Of known names (id is that of the
 * name) nothing is copied. */
str_t framed_field_lower(struct arena *a, enum field_id id, str_t name);
