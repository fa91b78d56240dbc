/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Strings made in an arena: copies, joins and printf.  All are followed by a
 * NUL that is not part of their length.
 */
#include "core/base/arena.h"

#include <stdio.h>

#include "core/base/check.h"
#include "core/base/number.h"


/* Copies s to out and returns the end. */
static char *
put(char *out, str_t s)
{
    if (s.n)
        memcpy(out, s.p, s.n);
    return out + s.n;
}


char *
str_z(struct arena *a, str_t s)
{
    char *z = arena_bytes(a, s.n + 1);

    *put(z, s) = '\0';
    return z;
}


str_t
str_copy(struct arena *a, str_t s)
{
    return (str_t){ str_z(a, s), s.n };
}


str_t
str_join(struct arena *a, str_t x, str_t y)
{
    return str_join3(a, x, y, STR_NONE);
}


str_t
str_join3(struct arena *a, str_t x, str_t y, str_t z)
{
    char *start = arena_bytes(a, x.n + y.n + z.n + 1);
    char *end = put(put(put(start, x), y), z);

    *end = '\0';
    return str_span(start, end);
}


/* Much cheaper than printf, and many parameters of an application are numbers. */
str_t
arena_number(struct arena *a, uint64_t n)
{
    size_t len = number_digits(n);
    char  *p = arena_bytes(a, len + 1);

    p[len] = '\0';
    for (size_t at = len; at != 0; n /= 10)
        p[--at] = (char) ('0' + n % 10);
    return (str_t){ p, len };
}


str_t
arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list args;
    str_t   s;

    va_start(args, fmt);
    s = arena_vprintf(a, fmt, args);
    va_end(args);
    return s;
}


str_t
arena_vprintf(struct arena *a, const char *fmt, va_list args)
{
    char    text[256], *p;
    va_list again;
    int     n;

    va_copy(again, args);
    n = vsnprintf(text, sizeof(text), fmt, args);
    CHECK(n >= 0);

    p = arena_bytes(a, (size_t) n + 1);
    if ((size_t) n < sizeof(text))
        memcpy(p, text, (size_t) n + 1);
    else
        vsnprintf(p, (size_t) n + 1, fmt, again);
    va_end(again);
    return (str_t){ p, (size_t) n };
}
