/* SPDX-License-Identifier: BSD-2-Clause */
/* Text in JSON strings: what is plain, what is escaped, what is not UTF-8. */
#include "core/base/json.h"
#include "t/unit/tap.h"


/* The whole of s, escaped. */
static str_t
escaped(str_t s)
{
    static char out[1024];
    char       *p = out;

    while (s.n != 0) {
        size_t n = json_plain(s);

        memcpy(p, s.p, n);
        p += n;
        s = str_from(s, n);
        if (s.n != 0)
            p += json_escape(&s, p);
    }
    return str_span(out, p);
}


static void
test_plain(void)
{
    static const char *const plain[] = {
        "",
        "a b/c'~",
        "\xC3\xA9",
        "\xE2\x82\xAC",
        "\xF0\x9F\x98\x80",
        "\xC2\xA0",
        "\xED\x9F\xBF",
        "\xEE\x80\x80",
        "\xEF\xBF\xBF",
        "\xF4\x8F\xBF\xBF",
        "\xE0\xA0\x80",
        "\xF0\x90\x80\x80",
    };

    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
        is_str(escaped(str_of(plain[i])), plain[i], "\"%s\" stays", plain[i]);
}


static void
test_escaped(void)
{
    static const char *const cases[][2] = {
        { "a\"b\\c", "a\\\"b\\\\c" },
        { "\b\f\n\r\t", "\\b\\f\\n\\r\\t" },
        { "\x01\x1F\x7F", "\\u0001\\u001F\\u007F" },
        { "x\xC2\x80y\xC2\x9F", "x\\u0080y\\u009F" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        is_str(escaped(str_of(cases[i][0])), cases[i][1], "-> %s", cases[i][1]);
    is_str(escaped((str_t){ "\0x", 2 }), "\\u0000x", "a NUL");
}


static void
test_bad_utf8(void)
{
    static const char *const cases[][2] = {
        { "\xE9t\xE9", "\\u00E9t\\u00E9" }, /* Latin-1             */
        { "\x80", "\\u0080" },              /* nothing before it   */
        { "\xC3", "\\u00C3" },              /* cut at the end      */
        { "\xC3x", "\\u00C3x" },
        { "\xE2\x82", "\\u00E2\\u0082" },
        { "\xE2\x82x", "\\u00E2\\u0082x" },
        { "\xC0\xAF", "\\u00C0\\u00AF" }, /* longer than needed  */
        { "\xC1\x81", "\\u00C1\\u0081" },
        { "\xE0\x9F\xBF", "\\u00E0\\u009F\\u00BF" },
        { "\xF0\x8F\xBF\xBF", "\\u00F0\\u008F\\u00BF\\u00BF" },
        { "\xED\xA0\x80", "\\u00ED\\u00A0\\u0080" }, /* a surrogate      */
        { "\xF4\x90\x80\x80", "\\u00F4\\u0090\\u0080\\u0080" },
        { "\xF5\x80\x80\x80", "\\u00F5\\u0080\\u0080\\u0080" },
        { "\xFF\xC3\xA9", "\\u00FF\xC3\xA9" }, /* then a good one     */
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        is_str(escaped(str_of(cases[i][0])), cases[i][1], "-> %s", cases[i][1]);
}


int
main(void)
{
    test_plain();
    test_escaped();
    test_bad_utf8();
    return done();
}
