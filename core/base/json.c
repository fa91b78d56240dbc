/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UTF-8 is checked as the Unicode standard's table 3-7 has it: neither longer
 * forms than needed, nor surrogates, nor anything beyond U+10FFFF.
 */
#include "core/base/json.h"

#include "core/base/number.h"


/* By the first byte of a character: its length, and the range of the second
 * byte. */
static size_t
lead(unsigned char c, unsigned char *low, unsigned char *high)
{
    *low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
    *high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    if (c < 0xC2 || c > 0xF4)
        return 0;
    return c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}


/* The length of the character of several bytes at the start of s; 0: there is
 * no valid one. */
static size_t
wide(str_t s)
{
    const unsigned char *p = (const unsigned char *) s.p;
    unsigned char        low, high;
    size_t               n = lead(p[0], &low, &high);

    if (n == 0 || s.n < n || p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    return n;
}


/* U+0080 to U+009F. */
static bool
is_control(str_t s)
{
    return (unsigned char) s.p[0] == 0xC2 && (unsigned char) s.p[1] < 0xA0;
}


size_t
json_plain(str_t s)
{
    size_t i = 0, n;

    while (i < s.n) {
        unsigned char c = (unsigned char) s.p[i];

        if (c >= 0x80) {
            n = wide(str_from(s, i));
            if (n == 0 || is_control(str_from(s, i)))
                break;
            i += n;
        } else if (c < ' ' || c == '"' || c == '\\' || c == 0x7F) {
            break;
        } else {
            i++;
        }
    }
    return i;
}


/* The letter behind the backslash for c, or 0. */
static char
short_form(unsigned char c)
{
    switch (c) {
    case '"':
    case '\\':
        return (char) c;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}


size_t
json_escape(str_t *s, char out[JSON_ESCAPE])
{
    unsigned char c = (unsigned char) s->p[0];
    char          letter = short_form(c);

    if (wide(*s) != 0 && is_control(*s)) {
        c = (unsigned char) s->p[1]; /* which is the character's number */
        *s = str_from(*s, 1);
    }
    *s = str_from(*s, 1);
    if (letter != 0) {
        out[0] = '\\';
        out[1] = letter;
        return 2;
    }
    memcpy(out, "\\u00", 4);
    number_put_byte(out + 4, (char) c, true);
    return JSON_ESCAPE;
}
