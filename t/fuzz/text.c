/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Escapes and base64: what was written is read back, nothing that had to be
 * escaped stays, and what is read is no longer than what stood there.  Texts
 * for redirects are compared with a second reader, which goes byte by byte.
 */
#include "core/base/check.h"
#include "core/base/escape.h"
#include "core/base/number.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* --- base64 --------------------------------------------------------------- */

static void
check_base64(struct arena *a, str_t in, bool url)
{
    str_t  text = base64_encode(a, in, url), out;
    size_t whole = (in.n + 2) / 3 * 4, digits = (in.n * 4 + 2) / 3;
    bool   is_ok;

    CHECK(text.n == (url ? digits : whole));
    CHECK((str_chr(text, '=') != NULL) == (!url && in.n % 3 != 0));
    out = base64_decode(a, text, url, &is_ok);
    CHECK(is_ok && str_eq(out, in));

    /* Anything at all: only up to the first "=" counts. */
    out = base64_decode(a, in, url, &is_ok);
    if (!is_ok) {
        CHECK(out.n == 0);
        return;
    }
    text = str_cut(&in, '=');
    CHECK(text.n % 4 != 1 && out.n == text.n * 3 / 4);
    CHECK(!str_chr(text, url ? '+' : '-') && !str_chr(text, url ? '/' : '_'));
    /* Bits that belong to no byte may differ, so all but the last digit. */
    out = base64_encode(a, out, url);
    CHECK(text.n == 0 || str_starts(out, (str_t){ text.p, text.n - 1 }));
}


/* --- %XX ------------------------------------------------------------------ */

/* What escapes that are none must not hold. */
static bool
must_escape(unsigned char c, enum escape_uri how)
{
    if (how == ESCAPE_BLANKS)
        return c <= ' ';
    if (c <= ' ' || c >= 0x7F || strchr("\"<>", c) != NULL)
        return true;
    if (how == ESCAPE_QUOTED)
        return c == '\'';
    if (strchr("\\^`{|}", c) != NULL)
        return true;
    switch (how) {
    case ESCAPE_REDIRECT:
    case ESCAPE_QUOTED:
    case ESCAPE_BLANKS:
        return false;
    case ESCAPE_URI:
        return strchr("#?", c) != NULL;
    case ESCAPE_ARGS:
        return strchr("#?&+;", c) != NULL;
    case ESCAPE_URI_COMPONENT:
        return strchr("!#$&'()*+,/:;=?@[]", c) != NULL;
    case ESCAPE_SSI:
        return strchr("#'", c) != NULL;
    }
    return false;
}


static void
check_escape(struct arena *a, str_t in, enum escape_uri how)
{
    str_t out = escape_uri(a, in, how);

    CHECK(out.n >= in.n && out.n <= 3 * in.n);
    CHECK(out.n != in.n || str_eq(out, in));
    for (size_t i = 0; i < out.n; i++)
        CHECK(!must_escape((unsigned char) out.p[i], how));
    if (how == ESCAPE_REDIRECT || how == ESCAPE_QUOTED)
        in = unescape_uri(a, in);
    CHECK(str_eq(unescape_uri(a, out), in));
}


static void
check_unescape(struct arena *a, str_t in)
{
    str_t  out = unescape_uri(a, in);
    size_t n = 0, high, low;

    CHECK(out.n <= in.n && (in.n - out.n) % 2 == 0);
    for (size_t i = 0; i < in.n; i++, n++) {
        high = low = 16;
        if (in.p[i] == '%' && i + 2 < in.n) {
            high = (size_t) number_hex_digit(in.p[i + 1]);
            low = (size_t) number_hex_digit(in.p[i + 2]);
        }
        CHECK(n < out.n);
        if (high < 16 && low < 16) {
            CHECK((unsigned char) out.p[n] == high * 16 + low);
            i += 2;
        } else {
            CHECK(out.p[n] == in.p[i]);
        }
    }
    CHECK(n == out.n);
}


/* The second reader; out has room for all of s. */
static str_t
read_redirect(str_t s, char *out)
{
    enum { PLAIN, AFTER_PERCENT, AFTER_DIGIT } state = PLAIN;
    char  *p = out;
    size_t i;
    int    digit, high = 0;

    for (i = 0; i < s.n; i++) {
        digit = number_hex_digit(s.p[i]);
        if (state == PLAIN && s.p[i] == '%') {
            state = AFTER_PERCENT;
        } else if (state == PLAIN) {
            *p++ = s.p[i];
            if (s.p[i] == '?')
                break;
        } else if (state == AFTER_PERCENT) {
            state = digit >= 0 ? AFTER_DIGIT : PLAIN;
            if (digit < 0)
                *p++ = s.p[i];
            high = digit;
        } else {
            state = PLAIN;
            if (digit < 0)
                continue;
            digit |= high << 4;
            if (digit > '%' && digit < 0x7F) {
                *p++ = (char) digit;
            } else {
                memcpy(p, s.p + i - 2, 3);
                p += 3;
            }
            if (digit == '?')
                break;
        }
    }
    if (i < s.n) {
        memcpy(p, s.p + i + 1, s.n - i - 1);
        p += s.n - i - 1;
    }
    return str_span(out, p);
}


/* --- the others ------------------------------------------------------------- */

static void
check_html(struct arena *a, str_t in)
{
    static const struct {
        str_t name;
        char  c;
    } entities[] = { { STR_INIT("&amp;"), '&' },
                     { STR_INIT("&lt;"), '<' },
                     { STR_INIT("&gt;"), '>' },
                     { STR_INIT("&quot;"), '"' } };
    str_t  out = escape_html(a, in);
    size_t k;

    for (size_t i = 0; i < in.n; i++) {
        CHECK(out.n != 0 && !strchr("<>\"", out.p[0] ? out.p[0] : ' '));
        if (out.p[0] != '&') {
            CHECK(out.p[0] == in.p[i]);
            out = str_from(out, 1);
            continue;
        }
        for (k = 0; k < countof(entities); k++)
            if (entities[k].c == in.p[i])
                break;
        CHECK(k < countof(entities) && str_starts(out, entities[k].name));
        out = str_from(out, entities[k].name.n);
    }
    CHECK(out.n == 0);
}


static void
check_hex(struct arena *a, str_t in)
{
    str_t    out = hex_encode(a, in);
    uint64_t byte;

    CHECK(out.n == 2 * in.n);
    for (size_t i = 0; i < in.n; i++) {
        CHECK(number_hex((str_t){ out.p + 2 * i, 2 }, 255, &byte));
        CHECK(byte == (unsigned char) in.p[i]);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    str_t         in = { (const char *) data, size };
    char         *room = arena_bytes(a, size + 1);

    check_base64(a, in, false);
    check_base64(a, in, true);
    check_escape(a, in, ESCAPE_URI);
    check_escape(a, in, ESCAPE_ARGS);
    check_escape(a, in, ESCAPE_URI_COMPONENT);
    check_escape(a, in, ESCAPE_REDIRECT);
    check_escape(a, in, ESCAPE_QUOTED);
    check_escape(a, in, ESCAPE_BLANKS);
    check_escape(a, in, ESCAPE_SSI);
    check_unescape(a, in);
    CHECK(str_eq(unescape_redirect(a, in), read_redirect(in, room)));
    check_html(a, in);
    check_hex(a, in);
    arena_free(a);
    return 0;
}
