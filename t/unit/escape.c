/* SPDX-License-Identifier: BSD-2-Clause */
/* Escapes: the exact sets, and texts there and back. */
#include "t/unit/tap.h"

#include "core/base/escape.h"

static struct arena *a;


/* Tries each byte: those of the set must be escaped, and no others. */
static void
check_set(enum escape_uri how, const char *set, const char *name)
{
    int wrong = 0;

    for (int c = 0; c < 256; c++) {
        char  byte = (char) c, want[4];
        str_t got = escape_uri(a, (str_t){ &byte, 1 }, how);
        bool  is_in = c <= ' ' || c >= 127 || strchr(set, c) != NULL;

        snprintf(want, sizeof(want), "%%%02X", (unsigned) c);
        if (is_in ? !str_eq(got, str_of(want)) : got.p != &byte) {
            diag("byte %d", c);
            wrong++;
        }
    }
    is(wrong, 0, "escape set of %s", name);
}


static void
test_uri(void)
{
    check_set(ESCAPE_URI, "\"#%<>?\\^`{|}", "URI");
    check_set(ESCAPE_ARGS, "\"#%&+;<>?\\^`{|}", "ARGS");
    check_set(ESCAPE_URI_COMPONENT, "!\"#$%&'()*+,/:;<=>?@[\\]^`{|}",
              "URI_COMPONENT");
    check_set(ESCAPE_REDIRECT, "\"<>\\^`{|}", "REDIRECT");
    check_set(ESCAPE_QUOTED, "\"'<>", "QUOTED");

    is_str(escape_uri(a, STR("/a b/\xC3\xA9?"), ESCAPE_URI), "/a%20b/%C3%A9%3F",
           "in a text");
    is(escape_uri(a, STR_NONE, ESCAPE_URI).n, 0, "nothing");

    is_str(unescape_uri(a, STR("/a%20b%2f%2F%c3%A9")), "/a b//\xC3\xA9",
           "taken back");
    is_str(unescape_uri(a, STR("%zz%4%")), "%zz%4%", "bad ones stay");
    is_str(unescape_uri(a, STR("%%41%4")), "%A%4", "among good ones");

    is_str(unescape_redirect(a, STR("/a%26b%20%25%c3")), "/a&b%20%25%c3",
           "of a redirect, what may stand bare");
    is_str(unescape_redirect(a, STR("/%2b?a=%2b")), "/+?a=%2b",
           "and not behind a question mark");
    is_str(unescape_redirect(a, STR("/%3fa=%2b")), "/?a=%2b",
           "nor behind an escaped one");
    is_str(unescape_redirect(a, STR("a%/b%%41%4zc%2b%")), "a/b%41c+",
           "what only begins like an escape goes");
}


static void
test_texts(void)
{
    str_t plain = STR("plain");

    is_same(escape_html(a, plain).p, plain.p, "nothing to do, nothing copied");
    is_str(escape_html(a, STR("<a href=\"x\">&'")),
           "&lt;a href=&quot;x&quot;&gt;&amp;'", "HTML");
    is_str(escape_json(a, STR("\"\\\n\r\t\b\f\x01\x1F/\x7F\xC3\xA9")),
           "\\\"\\\\\\n\\r\\t\\b\\f\\u0001\\u001F/\x7F\xC3\xA9", "JSON");
    is_str(escape_log(a, STR("a\"b\\c\n~\x7F\xE9 ")),
           "a\\x22b\\x5Cc\\x0A~\\x7F\\xE9 ", "access log");
    is_str(hex_encode(a, STR("\x01\xAB\xFF")), "01abff", "hexadecimal");
}


static void
test_base64(void)
{
    static const char *const pairs[][2] = {
        { "", "" },
        { "f", "Zg==" },
        { "fo", "Zm8=" },
        { "foo", "Zm9v" },
        { "foob", "Zm9vYg==" },
        { "fooba", "Zm9vYmE=" },
        { "foobar", "Zm9vYmFy" },
    };
    bool  ok_64;
    str_t got;

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        is_str(base64_encode(a, str_of(pairs[i][0]), false), pairs[i][1],
               "encoded \"%s\"", pairs[i][0]);
        got = base64_decode(a, str_of(pairs[i][1]), false, &ok_64);
        ok(ok_64 && str_eq(got, str_of(pairs[i][0])), "and decoded");
    }
    is_str(base64_encode(a, STR("\xFB\xFF"), false), "+/8=", "its signs");
    is_str(base64_encode(a, STR("\xFB\xFF"), true), "-_8", "and those of URLs");
    is_str(base64_decode(a, STR("-_8"), true, &ok_64), "\xFB\xFF", "decoded");
    is_str(base64_decode(a, STR("Zm8"), false, &ok_64), "fo", "no padding");
    is_str(base64_decode(a, STR("Zm8=== x"), false, &ok_64), "fo",
           "more behind the padding");

    base64_decode(a, STR("Zm9vY"), false, &ok_64);
    ok(!ok_64, "one digit left over");
    base64_decode(a, STR("Zm9v!mFy"), false, &ok_64);
    ok(!ok_64, "no digit");
    base64_decode(a, STR("-_8="), false, &ok_64);
    ok(!ok_64, "the other alphabet");
    base64_decode(a, STR("Z==="), false, &ok_64);
    ok(!ok_64, "too much padding");
}


static void
test_round_trips(void)
{
    char   bytes[256];
    str_t  s = { bytes, 0 }, got;
    int    wrong = 0;
    bool   ok_64;
    size_t i;

    for (i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char) (i * 73 + 5);
    for (s.n = 0; s.n <= sizeof(bytes); s.n++) {
        got = base64_decode(a, base64_encode(a, s, s.n % 2), s.n % 2, &ok_64);
        wrong += !ok_64 || !str_eq(got, s);
        got = unescape_uri(a, escape_uri(a, s, ESCAPE_URI_COMPONENT));
        wrong += !str_eq(got, s);
    }
    is(wrong, 0, "all bytes there and back");
}


int
main(void)
{
    a = arena_new(0);
    test_uri();
    test_texts();
    test_base64();
    test_round_trips();
    arena_free(a);
    return done();
}
