/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Base64 of both alphabets (RFC 4648 sections 4 and 5).
 */
#include "core/base/escape.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "abcdefghijklmnopqrstuvwxyz0123456789";


/* The digit for six bits. */
static inline char
digit_of(uint32_t bits, bool url)
{
    bits &= 63;
    if (bits < 62)
        return alphabet[bits];
    if (bits == 62)
        return url ? '-' : '+';
    return url ? '_' : '/';
}


/* The six bits of a digit, or -1. */
int
base64_value(char c, bool url)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == (url ? '-' : '+'))
        return 62;
    return c == (url ? '_' : '/') ? 63 : -1;
}


char *
base64_put(char *out, str_t s, bool url)
{
    size_t   i, digits;
    uint32_t bits;

    for (i = 0; i < s.n; i += 3) {
        digits = s.n - i < 3 ? s.n - i + 1 : 4;
        bits = (uint32_t) (unsigned char) s.p[i] << 16;
        if (digits > 2)
            bits |= (uint32_t) (unsigned char) s.p[i + 1] << 8;
        if (digits > 3)
            bits |= (unsigned char) s.p[i + 2];

        *out++ = digit_of(bits >> 18, url);
        *out++ = digit_of(bits >> 12, url);
        if (digits > 2)
            *out++ = digit_of(bits >> 6, url);
        if (digits > 3)
            *out++ = digit_of(bits, url);
        for (; !url && digits < 4; digits++)
            *out++ = '=';
    }
    return out;
}


str_t
base64_encode(struct arena *a, str_t s, bool url)
{
    char *start = arena_bytes(a, (s.n + 2) / 3 * 4);

    return str_span(start, base64_put(start, s, url));
}


str_t
base64_decode(struct arena *a, str_t s, bool url, bool *ok)
{
    char    *start, *out;
    str_t    digits;
    uint32_t bits = 0;
    size_t   i;
    int      six;

    digits = str_cut(&s, '=');
    *ok = false;
    if (digits.n % 4 == 1)
        return STR_NONE;

    start = out = arena_bytes(a, digits.n / 4 * 3 + 2);
    for (i = 0; i < digits.n; i++) {
        six = base64_value(digits.p[i], url);
        if (six < 0)
            return STR_NONE;
        bits = bits << 6 | (uint32_t) six;
        if (i % 4 != 0)
            *out++ = (char) (bits >> (6 - 2 * (i % 4)));
    }
    *ok = true;
    return str_span(start, out);
}
