/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cookie and Set-Cookie fields (RFC 6265 section 4), read as nginx does: only
 * ";" separates, spaces around a name and a value are ignored, and so is the
 * case of names.  Pure functions on text.
 */
#pragma once

#include "core/base/vec.h"

/* The value of the cookie of that name in a Cookie field; it points into
 * field.  False: there is none. */
bool cookie_find(str_t field, str_t name, str_t *value);
/* The same for the one cookie of a Set-Cookie field. */
bool cookie_is_set(str_t field, str_t name, str_t *value);

/* A Set-Cookie field split into its parts: first name and value, then the
 * attributes.  They point into the field. */
struct cookie_part {
    str_t name;
    str_t value;      /* p NULL: no "="                                      */
    bool  is_dropped; /* omitted by cookie_join                              */
};

struct cookie {
    VEC(struct cookie_part) parts;
};

/* False: the first part has no "=", so it is not a cookie. */
bool  cookie_split(struct arena *a, str_t field, struct cookie *out);
str_t cookie_join(struct arena *a, const struct cookie *c);

enum cookie_flag {
    COOKIE_SECURE = 1 << 0,
    COOKIE_NOSECURE = 1 << 1,
    COOKIE_HTTPONLY = 1 << 2,
    COOKIE_NOHTTPONLY = 1 << 3,
    COOKIE_SAMESITE_STRICT = 1 << 4,
    COOKIE_SAMESITE_LAX = 1 << 5,
    COOKIE_SAMESITE_NONE = 1 << 6,
    COOKIE_NOSAMESITE = 1 << 7,
};

/* Adds and removes attributes according to flags (enum cookie_flag, or'ed); an
 * attribute that exists already keeps its spelling.  Of contradicting flags,
 * the first in the list above counts. */
void cookie_set_flags(struct arena *a, struct cookie *c, unsigned flags);
