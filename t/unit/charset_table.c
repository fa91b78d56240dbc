/* SPDX-License-Identifier: BSD-2-Clause */
/* Conversion of character sets, with the input cut everywhere. */
#include "t/unit/tap.h"

#include "modules/filter/charset_table.h"

static struct charset_table wide, narrow;


static str_t
recode(const struct charset_table *t, bool is_back, str_t in, size_t part,
       size_t room)
{
    static char            out[4096];
    struct charset_recoder c = { .table = t, .is_back = is_back };
    size_t                 n = 0;
    str_t                  piece;

    for (; in.n != 0; in = str_from(in, part)) {
        if (part > in.n)
            part = in.n;
        piece = (str_t){ in.p, part };
        while (piece.n != 0)
            n += charset_recode(&c, &piece, out + n, room);
    }
    return (str_t){ out, n };
}


static void
test(const struct charset_table *t, bool is_back, const char *in,
     const char *want, const char *what)
{
    str_t  s = str_of(in);
    size_t part, room, bad = 0;

    for (part = 1; part <= s.n; part++)
        for (room = CHARSET_STEP; room < 2 * CHARSET_STEP + 3; room++)
            bad += !str_eq(recode(t, is_back, s, part, room), str_of(want));
    is_str(recode(t, is_back, s, s.n ? s.n : 1, 1000), want, "%s", what);
    is(bad, 0, "%s: however it is cut", what);
}


static void
test_tables(void)
{
    charset_table_init(&wide, true);
    ok(charset_table_add(&wide, 0xc1, STR("\xd0\xb0")), "two bytes");
    ok(charset_table_add(&wide, 0xc2, STR("\xe2\x82\xac")), "three bytes");
    ok(!charset_table_add(&wide, 0xc3, STR("a")), "a letter");
    ok(!charset_table_add(&wide, 0xc3, STR("\xd0")), "a part");
    ok(!charset_table_add(&wide, 0xc3, STR("\xd0\xb0\xb0")), "more than one");
    ok(!charset_table_add(&wide, 0xc3, STR("\xc0\x80")), "too long");
    ok(!charset_table_add(&wide, 0xc3, STR("\xed\xa0\x80")), "a surrogate");
    ok(!charset_table_add(&wide, 0xc3, STR("\xf0\x9f\x98\x80")), "four bytes");
    charset_table_init(&narrow, false);
    ok(charset_table_add(&narrow, 0xc1, STR("\xe0")), "a byte");
    ok(charset_table_add(&narrow, 'x', STR("y")), "letters");
    ok(!charset_table_add(&narrow, 0xc1, STR("\xe0\xe1")), "two of them");
}


static void
test_conversions(void)
{
    test(&narrow, false, "a\xc1x\xc2", "a\xe0y?", "byte by byte");
    test(&narrow, true, "a\xe0y\xc2", "a\xc1x?", "... and back");
    test(&wide, false, "a\xc1z\xc2\xc3", "a\xd0\xb0z\xe2\x82\xac?", "to UTF-8");
    test(&wide, false, "a\xc3\xff", "a\xc3\xff", "... of nothing known");
    test(&wide, false, "a\xc3\xc1\xc3", "a\xc3\xd0\xb0?", "... of both");
    test(&wide, true, "a\xd0\xb0z\xe2\x82\xac", "a\xc1z\xc2", "from UTF-8");
    test(&wide, true, "\xd0\xb1\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf",
         "&#1073;&#128512;&#1114111;", "entities");
    test(&wide, true, "a\xff\xc0\x80|", "a???|", "broken bytes");
    test(&wide, true, "\xe2\x82z\xe2\x82", "??z", "a character that is cut");
    test(&wide, true, "\xd0\xd0\xb0", "?\xc1", "... by another one");
    test(&wide, true, "\xed\xa0\x80\xf4\x90\x80\x80", "???????", "surrogates");
    test(&wide, true, "", "", "nothing");
}


static void
test_many(void)
{
    unsigned i, n = 0;
    char     text[2];

    charset_table_init(&wide, true);
    for (i = 0x80; i < 0x800; i++) {
        text[0] = (char) (0xc0 | i >> 6);
        text[1] = (char) (0x80 | (i & 0x3f));
        n += charset_table_add(&wide, (uint8_t) i, (str_t){ text, 2 });
    }
    is(n, CHARSET_CODES - 1, "a table is full at some time");
    test(&wide, true, "\xdf\xbf", "&#2047;", "and is still a table");
}


int
main(void)
{
    test_tables();
    test_conversions();
    test_many();
    return done();
}
