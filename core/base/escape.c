/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Escaping in two passes: the first determines the length of the result; if
 * that is the length of the input, the input itself is returned.
 */
#include "core/base/escape.h"

#include "core/base/number.h"

enum {
    U = 1 << ESCAPE_URI,
    A = 1 << ESCAPE_ARGS,
    C = 1 << ESCAPE_URI_COMPONENT,
    R = 1 << ESCAPE_REDIRECT,
    Q = 1 << ESCAPE_QUOTED,
    B = 1 << ESCAPE_BLANKS,
    S = 1 << ESCAPE_SSI,
};

/* For each byte, the sets that it is in. */
static const unsigned char sets[256] = {
    [0 ... ' '] = U | A | C | R | Q | B | S,
    ['!'] = C,
    ['"'] = U | A | C | R | Q | S,
    ['#'] = U | A | C | S,
    ['$'] = C,
    ['%'] = U | A | C | B | S,
    ['&'] = A | C,
    ['\''] = C | Q | S,
    ['('] = C,
    [')'] = C,
    ['*'] = C,
    ['+'] = A | C,
    [','] = C,
    ['/'] = C,
    [':'] = C,
    [';'] = A | C,
    ['<'] = U | A | C | R | Q | S,
    ['='] = C,
    ['>'] = U | A | C | R | Q | S,
    ['?'] = U | A | C,
    ['@'] = C,
    ['['] = C,
    ['\\'] = U | A | C | R | S,
    [']'] = C,
    ['^'] = U | A | C | R | S,
    ['`'] = U | A | C | R | S,
    ['{' ... '}'] = U | A | C | R | S,
    [0x7F ... 0xFF] = U | A | C | R | Q | S,
};


str_t
escape_uri(struct arena *a, str_t s, enum escape_uri how)
{
    unsigned      bit = 1u << how;
    size_t        i, escapes = 0;
    unsigned char c;
    char         *start, *out;

    for (i = 0; i < s.n; i++)
        escapes += (sets[(unsigned char) s.p[i]] & bit) != 0;
    if (escapes == 0)
        return s;

    start = out = arena_bytes(a, s.n + 2 * escapes);
    for (i = 0; i < s.n; i++) {
        c = (unsigned char) s.p[i];
        if (sets[c] & bit) {
            *out++ = '%';
            out = number_put_byte(out, (char) c, true);
        } else {
            *out++ = (char) c;
        }
    }
    return str_span(start, out);
}


/* The byte that the escape at s.p[i] stands for, or -1 where there is none. */
static int
escaped_byte(str_t s, size_t i)
{
    if (s.p[i] != '%' || s.n - i < 3)
        return -1;
    return number_hex_byte(s.p + i + 1);
}


str_t
unescape_uri(struct arena *a, str_t s)
{
    char  *start, *out;
    size_t i;
    int    byte;

    if (!str_chr(s, '%'))
        return s;

    start = out = arena_bytes(a, s.n);
    for (i = 0; i < s.n; i++) {
        byte = escaped_byte(s, i);
        if (byte >= 0) {
            *out++ = (char) byte;
            i += 2;
        } else {
            *out++ = s.p[i];
        }
    }
    return str_span(start, out);
}


/* Decodes one character or escape of s at *i, and advances *i.  Of an invalid
 * escape, the bytes up to and including the one that is not a hexadecimal digit
 * are dropped; a wrong first digit is kept. */
static char *
unescape_one(char *out, str_t s, size_t *i)
{
    const char *p = s.p + *i;
    size_t      left = s.n - *i;
    int         byte = escaped_byte(s, *i);

    if (*p != '%') {
        *out++ = *p;
        *i += 1;
    } else if (left < 2 || number_hex_digit(p[1]) >= 0) {
        *i += left < 3 ? left : 3;
        if (byte > '%' && byte < 0x7F)
            *out++ = (char) byte;
        else if (byte >= 0)
            out = (char *) memcpy(out, p, 3) + 3;
    } else {
        *out++ = p[1];
        *i += 2;
    }
    return out;
}


str_t
unescape_redirect(struct arena *a, str_t s)
{
    char  *start, *out;
    size_t i = 0;
    bool   is_escape;

    if (!str_chr(s, '%'))
        return s;

    start = out = arena_bytes(a, s.n);
    while (i < s.n) {
        is_escape = s.p[i] == '%' && escaped_byte(s, i) < 0;
        out = unescape_one(out, s, &i);
        if (!is_escape && out[-1] == '?')
            break;
    }
    memcpy(out, s.p + i, s.n - i);
    return str_span(start, out + s.n - i);
}


/* The escaped form of the byte, in buf or constant; empty where the byte is not
 * escaped. */
typedef str_t escape_fn(unsigned char c, char *buf);


static str_t
html_byte(unsigned char c, char *buf)
{
    (void) buf;
    switch (c) {
    case '&':
        return STR("&amp;");
    case '<':
        return STR("&lt;");
    case '>':
        return STR("&gt;");
    case '"':
        return STR("&quot;");
    default:
        return STR_NONE;
    }
}


static str_t
json_byte(unsigned char c, char *buf)
{
    switch (c) {
    case '"':
        return STR("\\\"");
    case '\\':
        return STR("\\\\");
    case '\n':
        return STR("\\n");
    case '\r':
        return STR("\\r");
    case '\t':
        return STR("\\t");
    case '\b':
        return STR("\\b");
    case '\f':
        return STR("\\f");
    default:
        if (c >= ' ')
            return STR_NONE;
        memcpy(buf, "\\u00", 4);
        number_put_byte(buf + 4, (char) c, true);
        return (str_t){ buf, 6 };
    }
}


static str_t
log_byte(unsigned char c, char *buf)
{
    if (c >= ' ' && c <= '~' && c != '"' && c != '\\')
        return STR_NONE;
    buf[0] = '\\';
    buf[1] = 'x';
    number_put_byte(buf + 2, (char) c, true);
    return (str_t){ buf, 4 };
}


static inline str_t
escape_bytes(struct arena *a, str_t s, escape_fn *escape)
{
    size_t i, extra = 0;
    char   buf[8], *start, *out;
    str_t  e;

    for (i = 0; i < s.n; i++) {
        e = escape((unsigned char) s.p[i], buf);
        if (e.n)
            extra += e.n - 1;
    }
    if (extra == 0)
        return s;

    start = out = arena_bytes(a, s.n + extra);
    for (i = 0; i < s.n; i++) {
        e = escape((unsigned char) s.p[i], buf);
        if (e.n) {
            memcpy(out, e.p, e.n);
            out += e.n;
        } else {
            *out++ = s.p[i];
        }
    }
    return str_span(start, out);
}


str_t
escape_html(struct arena *a, str_t s)
{
    return escape_bytes(a, s, html_byte);
}


str_t
escape_json(struct arena *a, str_t s)
{
    return escape_bytes(a, s, json_byte);
}


str_t
escape_log(struct arena *a, str_t s)
{
    return escape_bytes(a, s, log_byte);
}


str_t
hex_encode(struct arena *a, str_t s)
{
    char  *start = arena_bytes(a, 2 * s.n), *out = start;
    size_t i;

    for (i = 0; i < s.n; i++)
        out = number_put_byte(out, s.p[i], false);
    return str_span(start, out);
}
