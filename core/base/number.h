/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text to numbers and back.  Parsers take the whole string or fail: no sign,
 * no blanks, no overflow.
 */
#pragma once

#include "core/base/str.h"

typedef uint64_t msec_t; /* milliseconds: a duration, or a monotonic moment */

/* The value of a hexadecimal digit, or -1. */
static inline int
number_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decimal and hexadecimal digits, of a value up to max. */
bool number_parse(str_t s, uint64_t max, uint64_t *out);
bool number_hex(str_t s, uint64_t max, uint64_t *out);

/* "8k", "1m", "512": bytes, with k, K, m, M; g, G where allowed. */
bool number_size(str_t s, bool giga, uint64_t *out);

/* nginx's times: "1h30m", "5s", "100ms", "1h 30m"; units come in falling
 * order, each once, and a number without one is seconds.  The result is in
 * milliseconds; with is_sec it is in seconds, "y" and "M" (years of 365 and
 * months of 30 days) are taken too, and "ms" is refused. */
bool number_time(str_t s, bool is_sec, uint64_t *out);

/* Writes decimal digits without a NUL to out (room for 20) and returns how
 * many there are. */
size_t number_put(char *out, uint64_t n);
/* Writes lower-case hexadecimal digits that end before end (16 at most), and
 * returns where they begin. */
char *number_put_hex(char *end, uint64_t n);
