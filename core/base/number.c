/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers, sizes and times as nginx.conf and HTTP write them.  Sizes and
 * times stay within int64_t, so that callers may add to them.
 */
#include "core/base/number.h"

/* The units of a time, from large to small: each may only follow a larger
 * one. */
enum unit {
    UNIT_START,
    UNIT_YEAR,
    UNIT_MONTH,
    UNIT_WEEK,
    UNIT_DAY,
    UNIT_HOUR,
    UNIT_MINUTE,
    UNIT_SECOND,
    UNIT_MSEC,
};

static const uint64_t unit_ms[] = {
    [UNIT_START] = 0,
    [UNIT_YEAR] = 365 * 86400000ull,
    [UNIT_MONTH] = 30 * 86400000ull,
    [UNIT_WEEK] = 7 * 86400000ull,
    [UNIT_DAY] = 86400000,
    [UNIT_HOUR] = 3600000,
    [UNIT_MINUTE] = 60000,
    [UNIT_SECOND] = 1000,
    [UNIT_MSEC] = 1,
};


/* Appends a digit of a base to *n; false past max. */
static inline bool
add_digit(uint64_t *n, unsigned digit, unsigned base, uint64_t max)
{
    if (digit > max || *n > (max - digit) / base)
        return false;
    *n = *n * base + digit;
    return true;
}


bool
number_parse(str_t s, uint64_t max, uint64_t *out)
{
    uint64_t n = 0;
    size_t   i;

    for (i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9'
            || !add_digit(&n, (unsigned) (s.p[i] - '0'), 10, max))
            return false;
    }
    *out = n;
    return s.n > 0;
}


bool
number_hex(str_t s, uint64_t max, uint64_t *out)
{
    uint64_t n = 0;
    size_t   i;
    int      digit;

    for (i = 0; i < s.n; i++) {
        digit = number_hex_digit(s.p[i]);
        if (digit < 0 || !add_digit(&n, (unsigned) digit, 16, max))
            return false;
    }
    *out = n;
    return s.n > 0;
}


bool
number_size(str_t s, bool giga, uint64_t *out)
{
    char     unit = s.n ? ascii_lower(s.p[s.n - 1]) : '\0';
    unsigned shift = unit == 'k' ? 10 : unit == 'm' ? 20 : 0;
    uint64_t n;

    if (giga && unit == 'g')
        shift = 30;
    if (shift)
        s.n--;
    if (!number_parse(s, INT64_MAX >> shift, &n))
        return false;
    *out = n << shift;
    return true;
}


/* Removes and returns the unit at the start of *s; UNIT_START for none. */
static enum unit
cut_unit(str_t *s)
{
    static const char letters[] = "yMwdhms";
    const char       *at = memchr(letters, s->p[0], sizeof(letters) - 1);
    enum unit         unit;

    if (!at)
        return UNIT_START;
    unit = UNIT_YEAR + (unsigned) (at - letters);
    *s = str_from(*s, 1);
    if (unit == UNIT_MINUTE && s->n && s->p[0] == 's') {
        *s = str_from(*s, 1);
        unit = UNIT_MSEC;
    }
    return unit;
}


/* Removes "15m " from the start of *s and adds it to *total.  *last is the
 * previous unit and is updated.  A number without a unit means seconds: at
 * the end it may follow any unit, before that only another such number may
 * follow. */
static bool
add_time(str_t *s, enum unit *last, bool is_sec, uint64_t *total)
{
    uint64_t  n, scale;
    size_t    digits = 0;
    enum unit unit = UNIT_SECOND;

    while (digits < s->n && s->p[digits] >= '0' && s->p[digits] <= '9')
        digits++;
    if (!number_parse((str_t){ s->p, digits }, INT64_MAX, &n))
        return false;

    *s = str_from(*s, digits);
    if (s->n) {
        bool is_bare = s->p[0] == ' ';

        if (!is_bare)
            unit = cut_unit(s);
        if (unit <= *last || (is_sec && unit == UNIT_MSEC))
            return false;
        *last = is_bare ? UNIT_MSEC : unit;
    }

    scale = is_sec ? unit_ms[unit] / 1000 : unit_ms[unit];
    if (n > (INT64_MAX - *total) / scale)
        return false;
    *total += n * scale;

    while (s->n && s->p[0] == ' ')
        *s = str_from(*s, 1);
    return true;
}


bool
number_time(str_t s, bool is_sec, uint64_t *out)
{
    /* Years and months are not allowed in milliseconds: a timeout of "1M" is a
     * mistake. */
    enum unit last = is_sec ? UNIT_START : UNIT_MONTH;
    uint64_t  total = 0;

    if (s.n == 0)
        return false;
    while (s.n) {
        if (!add_time(&s, &last, is_sec, &total))
            return false;
    }
    *out = total;
    return true;
}


const char number_pairs[]
    = "00010203040506070809101112131415161718192021222324"
      "25262728293031323334353637383940414243444546474849"
      "50515253545556575859606162636465666768697071727374"
      "75767778798081828384858687888990919293949596979899";


size_t
number_digits(uint64_t n)
{
    size_t   digits = 1;
    uint64_t above = 10;

    while (n >= above && digits < NUMBER_DIGITS) {
        digits++;
        above *= 10;
    }
    return digits;
}


size_t
number_put(char *out, uint64_t n)
{
    size_t len = number_digits(n), at = len;

    for (; at >= 2; n /= 100)
        number_put_two(out + (at -= 2), (unsigned) (n % 100));
    if (at != 0)
        out[0] = (char) ('0' + n);
    return len;
}


char *
number_put_hex(char *end, uint64_t n)
{
    do {
        *--end = number_digit((unsigned) n & 15, false);
        n >>= 4;
    } while (n != 0);
    return end;
}
