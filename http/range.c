/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Range field.  Ranges outside of the body are left out; if none is left,
 * the answer is 416.
 */
#include "http/range.h"

/* File offsets are signed. */
#define OFFSET_MAX ((uint64_t) INT64_MAX)


static void
skip_spaces(str_t *s)
{
    size_t i = 0;

    while (i < s->n && s->p[i] == ' ')
        i++;

    *s = str_from(*s, i);
}


static bool
take_number(str_t *s, uint64_t *out)
{
    size_t   i;
    unsigned digit;

    for (*out = 0, i = 0; i < s->n; i++) {
        if (s->p[i] < '0' || s->p[i] > '9')
            break;
        digit = (unsigned) (s->p[i] - '0');
        if (*out > (OFFSET_MAX - digit) / 10)
            return false;
        *out = *out * 10 + digit;
    }

    *s = str_from(*s, i);
    skip_spaces(s);
    return i > 0;
}


static bool
at_end(str_t s)
{
    return s.n == 0 || s.p[0] == ',';
}


static bool
take_dash(str_t *s)
{
    if (s->n == 0 || s->p[0] != '-')
        return false;

    *s = str_from(*s, 1);
    return true;
}


/* Takes "first-", "first-last" or "-count" off *s, up to its end or a comma.
 * False: none of these. */
static bool
take_range(str_t *s, uint64_t length, struct range *out)
{
    uint64_t last;

    skip_spaces(s);

    if (take_dash(s)) {
        if (!take_number(s, &last))
            return false;
        out->start = last < length ? length - last : 0;
        out->end = length;
        return at_end(*s);
    }

    if (!take_number(s, &out->start) || !take_dash(s))
        return false;

    skip_spaces(s);
    out->end = length;

    if (at_end(*s))
        return true;

    if (!take_number(s, &last))
        return false;
    if (last < length)
        out->end = last + 1;

    return at_end(*s);
}


/* The most ranges that s can contain, but at most max. */
static size_t
count_ranges(str_t s, uint64_t max)
{
    size_t i, n = 1;

    for (i = 0; i < s.n; i++)
        n += s.p[i] == ',';

    return n < max ? n : (size_t) max;
}


static enum range_verdict
parse_set(str_t s, uint64_t length, size_t room, struct range *out,
          size_t *count)
{
    struct range range;
    uint64_t     sum = 0;

    for (*count = 0;; s = str_from(s, 1)) {
        if (!take_range(&s, length, &range))
            return RANGE_UNSATISFIABLE;

        if (range.start < range.end) {
            if (*count == room || sum > UINT64_MAX / 2)
                return RANGE_IGNORE;
            sum += range.end - range.start;
            out[(*count)++] = range;
        } else if (range.start == 0) {
            /* the body is empty */
            return RANGE_IGNORE;
        }

        if (s.n == 0)
            break;
    }

    if (*count == 0)
        return RANGE_UNSATISFIABLE;

    return sum > length ? RANGE_IGNORE : RANGE_OK;
}


enum range_verdict
range_parse(struct arena *a, str_t value, uint64_t length, uint64_t max,
            struct range **out, size_t *count)
{
    size_t room, i;

    *count = 0;

    if (max == 0 || value.n <= sizeof("bytes=") - 1)
        return RANGE_IGNORE;

    for (i = 0; i < sizeof("bytes=") - 1; i++) {
        if (ascii_lower(value.p[i]) != "bytes="[i])
            return RANGE_IGNORE;
    }

    value = str_from(value, i);
    room = count_ranges(value, max);
    *out = arena_try(a, room * sizeof(**out));

    return *out ? parse_set(value, length, room, *out, count) : RANGE_IGNORE;
}


static bool
take_byte(str_t *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;

    *s = str_from(*s, 1);
    skip_spaces(s);
    return true;
}


bool
range_parse_content(str_t value, struct range *out, uint64_t *length)
{
    if (!str_starts(value, STR("bytes ")))
        return false;

    value = str_from(value, sizeof("bytes ") - 1);
    skip_spaces(&value);

    if (!take_number(&value, &out->start) || !take_byte(&value, '-')
        || !take_number(&value, &out->end) || !take_byte(&value, '/'))
        return false;
    out->end++;

    if (take_byte(&value, '*'))
        *length = RANGE_NO_LENGTH;
    else if (!take_number(&value, length))
        return false;

    return value.n == 0 && out->start < out->end;
}


uint64_t
range_start(str_t value)
{
    uint64_t start;

    if (!str_istarts(value, STR("bytes=")) || str_chr(value, ',') != NULL)
        return 0;

    value = str_from(value, sizeof("bytes=") - 1);
    skip_spaces(&value);
    return take_number(&value, &start) ? start : 0;
}
