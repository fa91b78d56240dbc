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

/* The byte that two of them stand for, or -1. */
static inline int
number_hex_byte(const char p[2])
{
    int high = number_hex_digit(p[0]), low = number_hex_digit(p[1]);

    return high == -1 || low == -1 ? -1 : high << 4 | low;
}

/* The hexadecimal digit for the lower four bits of n. */
static inline char
number_digit(unsigned n, bool is_upper)
{
    return (is_upper ? "0123456789ABCDEF" : "0123456789abcdef")[n & 15];
}

/* Writes a byte as two hexadecimal digits, and returns their end. */
static inline char *
number_put_byte(char *out, char byte, bool is_upper)
{
    unsigned char c = (unsigned char) byte;

    *out++ = number_digit(c >> 4, is_upper);
    *out++ = number_digit(c, is_upper);
    return out;
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

/* "00", "01" ... "99". */
extern const char number_pairs[2 * 100 + 1];

/* Writes the last two decimal digits of n, and returns their end. */
static inline char *
number_put_two(char *out, unsigned n)
{
    memcpy(out, number_pairs + 2 * (n % 100), 2);
    return out + 2;
}

/* How many decimal digits it has, at most NUMBER_DIGITS. */
enum { NUMBER_DIGITS = 20 };
size_t number_digits(uint64_t n);
/* Writes them without a NUL to out, and returns how many there are. */
size_t number_put(char *out, uint64_t n);
/* Writes lower-case hexadecimal digits that end before end (16 at most), and
 * returns where they begin. */
char *number_put_hex(char *end, uint64_t n);
