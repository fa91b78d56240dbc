/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values of MaxMind DB files: all types, paths, and sections that are broken
 * or mean harm.
 */
#include "core/base/geodata.h"

#include "core/base/number.h"
#include "t/unit/tap.h"


/* The text of what stands at a path ("a.0.b"), "-" for nothing. */
static str_t
text_at(struct arena *a, str_t section, size_t at, const char *path)
{
    struct geodata v;
    str_t          names[8], rest = str_of(path), text;
    size_t         n = 0;

    if (rest.n == 0)
        rest = STR_NONE;
    while (rest.p != NULL)
        names[n++] = str_cut(&rest, '.');
    if (!geodata_find(section, at, names, n, &v))
        return STR("-");
    text = geodata_text(a, &v);
    return text.p ? text : STR("(none)");
}


static const struct {
    str_t       section;
    const char *path, *text;
} cases[] = {
    { STR_INIT("\x43"
               "abc"),
      "", "abc" },
    { STR_INIT("\x40"), "", "" },
    { STR_INIT("\x5d\x01"
               "123456789012345678901234567890"),
      "", "123456789012345678901234567890" },
    { STR_INIT("\x82"
               "hi"),
      "", "hi" },
    { STR_INIT("\x68\x40\x09\x21\xfb\x54\x44\x2d\x18"), "", "3.14159" },
    { STR_INIT("\x04\x08\xc0\x20\x00\x00"), "", "-2.50000" },
    { STR_INIT("\xa0"), "", "0" },
    { STR_INIT("\xa2\xff\xff"), "", "65535" },
    { STR_INIT("\xc4\xff\xff\xff\xff"), "", "4294967295" },
    { STR_INIT("\x08\x02\xff\xff\xff\xff\xff\xff\xff\xff"), "",
      "18446744073709551615" },
    { STR_INIT("\x04\x01\xff\xff\xff\xfb"), "", "-5" },
    { STR_INIT("\x01\x01\x07"), "", "7" },
    { STR_INIT("\x01\x03\x07"), "", "0x00000000000000000000000000000007" },
    { STR_INIT("\x09\x03\x01\x02\x03\x04\x05\x06\x07\x08\x09"), "",
      "0x00000000000000010203040506070809" },
    { STR_INIT("\x00\x07"), "", "0" },
    { STR_INIT("\x01\x07"), "", "1" },
    /* maps and arrays */
    { STR_INIT("\xe1\x41"
               "a\x41"
               "b"),
      "", "(none)" },
    { STR_INIT("\xe1\x41"
               "a\x41"
               "b"),
      "a", "b" },
    { STR_INIT("\xe1\x41"
               "a\x41"
               "b"),
      "b", "-" },
    { STR_INIT("\xe1\x41"
               "a\x41"
               "b"),
      "a.b", "-" },
    { STR_INIT("\xe2\x41"
               "a\xe1\x41"
               "b\x41"
               "x\x41"
               "b\x41"
               "y"),
      "b", "y" },
    { STR_INIT("\xe2\x41"
               "a\xe1\x41"
               "b\x41"
               "x\x41"
               "b\x41"
               "y"),
      "a.b", "x" },
    { STR_INIT("\x03\x04\x41"
               "a\xe0\x41"
               "c"),
      "", "(none)" },
    { STR_INIT("\x03\x04\x41"
               "a\xe0\x41"
               "c"),
      "0", "a" },
    { STR_INIT("\x03\x04\x41"
               "a\xe0\x41"
               "c"),
      "1", "(none)" },
    { STR_INIT("\x03\x04\x41"
               "a\xe0\x41"
               "c"),
      "2", "c" },
    { STR_INIT("\x03\x04\x41"
               "a\xe0\x41"
               "c"),
      "3", "-" },
    { STR_INIT("\x03\x04\x41"
               "a\xe0\x41"
               "c"),
      "-1", "c" },
    { STR_INIT("\x03\x04\x41"
               "a\xe0\x41"
               "c"),
      "-3", "a" },
    { STR_INIT("\x03\x04\x41"
               "a\xe0\x41"
               "c"),
      "-4", "-" },
    { STR_INIT("\x03\x04\x41"
               "a\xe0\x41"
               "c"),
      "x", "-" },
    { STR_INIT("\x03\x04\x41"
               "a\xe0\x41"
               "c"),
      "4294967296", "-" },
    /* pointers: as a value, as a key, of each size */
    { STR_INIT("\xe1\x41"
               "a\x20\x06\x00\x41"
               "p"),
      "a", "-" },
    { STR_INIT("\xe1\x41"
               "a\x20\x05\x41"
               "p"),
      "a", "p" },
    { STR_INIT("\xe1\x20\x05\x41"
               "v\x41"
               "k"),
      "k", "v" },
    { STR_INIT("\x38\x00\x00\x00\x05\x41"
               "p"),
      "", "p" },
    /* broken ones */
    { STR_INIT(""), "", "-" },
    { STR_INIT("\x43"
               "ab"),
      "", "-" },
    { STR_INIT("\x5f\xff\xff\xff"), "", "-" },
    { STR_INIT("\x5f\xff"), "", "-" },
    { STR_INIT("\x67\x00\x00\x00\x00\x00\x00\x00"), "", "-" },
    { STR_INIT("\xa3\x01\x02\x03"), "", "-" },
    { STR_INIT("\x00"), "", "-" },
    { STR_INIT("\x00\x00"), "", "-" },
    { STR_INIT("\x00\x05"), "", "-" },
    { STR_INIT("\x00\x06"), "", "-" },
    { STR_INIT("\x00\xff"), "", "-" },
    { STR_INIT("\x20"), "", "-" },
    { STR_INIT("\x20\x00"), "", "-" }, /* a pointer to itself */
    { STR_INIT("\x20\x02\x20\x00"), "", "-" },
    { STR_INIT("\x3f\xff\xff\xff\xff"), "", "-" },
    { STR_INIT("\xe1\xa1\x01\x41"
               "v"),
      "k", "-" }, /* a key that is a number */
    { STR_INIT("\xff\xff\xff\xff\x41"
               "a"),
      "k", "-" },
    { STR_INIT("\xe2\x41"
               "a\xff\xff\xff\xff\x41"
               "k\x41"
               "v"),
      "k", "-" },
};


/* Maps in maps, as deep as the file is long. */
static void
check_depth(struct arena *a)
{
    enum { DEPTH = 2000000 };
    char  *p = arena_bytes(a, DEPTH * 2 + 16), *end = p;
    size_t i;

    memcpy(end,
           "\xe2\x41"
           "a",
           3);
    end += 3;
    for (i = 0; i < DEPTH; i++, end += 2)
        memcpy(end, "\xe1\x40", 2);
    memcpy(end,
           "\x40\x41"
           "b\x41"
           "x",
           5);
    end += 5;
    is_str(text_at(a, str_span(p, end), 0, "b"), "x", "past deep maps");
    is_str(text_at(a, str_span(p, end), 0, "a"), "(none)", "a deep map");
    end[-5] = '\0';
    is_str(text_at(a, str_span(p, end), 0, "b"), "-", "broken in the depth");
}


/* Each byte of a good section cut off or changed: no answer matters, but that
 * nothing outside is read. */
static void
check_damage(struct arena *a, str_t good)
{
    str_t part;
    char *copy;

    for (size_t n = 0; n < good.n; n++) {
        copy = malloc(n + 1);
        memcpy(copy, good.p, n);
        part = (str_t){ copy, n };
        text_at(a, part, 0, "a.b");
        text_at(a, part, 0, "b");
        free(copy);
    }
    copy = malloc(good.n);
    for (size_t i = 0; i < good.n; i++) {
        for (int byte = 0; byte < 256; byte++) {
            memcpy(copy, good.p, good.n);
            copy[i] = (char) byte;
            part = (str_t){ copy, good.n };
            text_at(a, part, 0, "a.b");
            text_at(a, part, 0, "b");
        }
    }
    free(copy);
    ok(true, "damage is survived");
}


int
main(void)
{
    struct arena *a = arena_new(0);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        is_str(text_at(a, cases[i].section, 0, cases[i].path), cases[i].text,
               "case %zu", i);
    is_str(text_at(a,
                   STR("xx\x41"
                       "a"),
                   2, ""),
           "a", "an offset");
    is_str(text_at(a,
                   STR("\x41"
                       "a"),
                   2, ""),
           "-", "an offset at the end");
    is_str(text_at(a,
                   STR("\x41"
                       "a"),
                   SIZE_MAX, ""),
           "-", "one far outside");
    check_depth(a);
    check_damage(a, STR("\xe2\x41"
                        "a\xe1\x41"
                        "b\x20\x0f\x41"
                        "b\x02\x04\x41"
                        "y\xa1\x07"));
    arena_free(a);
    return done();
}
