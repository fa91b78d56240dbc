/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cookie and Set-Cookie fields (RFC 6265 section 4), read as nginx reads them:
 * only ";" separates, only blanks around a name and a value do not count, and
 * the case of names does not matter.  Pure functions on text.
 */
#pragma once

#include "core/base/vec.h"

/* The value of the cookie of that name in a Cookie field; it lies in field.
 * False: there is none. */
bool cookie_find(str_t field, str_t name, str_t *value);
/* The same for the one cookie of a Set-Cookie field. */
bool cookie_is_set(str_t field, str_t name, str_t *value);

/* A Set-Cookie field in its parts: name and value, and then attributes.  They
 * lie in the field. */
struct cookie_part {
    str_t name;
    str_t value;      /* p NULL: no "="                                      */
    bool  is_dropped; /* cookie_join leaves it out                           */
};

struct cookie {
    VEC(struct cookie_part) parts;
};

/* False: the first part has no "=", so this is no cookie. */
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

/* Puts and drops attributes as flags (enum cookie_flag, or'ed) say: what is
 * there already stays as it is spelt.  Of flags that contradict each other the
 * first in the list above holds. */
void cookie_set_flags(struct arena *a, struct cookie *c, unsigned flags);
