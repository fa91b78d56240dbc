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
    { STR_INIT("\103abc"), "", "abc" },
    { STR_INIT("\x40"), "", "" },
    { STR_INIT("\135\001123456789012345678901234567890"), "",
      "123456789012345678901234567890" },
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
    { STR_INIT("\xe1\x41k\x41v"), "", "(none)" },
    { STR_INIT("\xe1\x41k\x41v"), "k", "v" },
    { STR_INIT("\xe1\x41k\x41v"), "v", "-" },
    { STR_INIT("\xe1\x41k\x41v"), "k.v", "-" },
    { STR_INIT("\xe2\x41k\xe1\x41m\x41x\x41m\x41y"), "m", "y" },
    { STR_INIT("\xe2\x41k\xe1\x41m\x41x\x41m\x41y"), "k.m", "x" },
    { STR_INIT("\x03\x04\x41x\xe0\x41z"), "", "(none)" },
    { STR_INIT("\x03\x04\x41x\xe0\x41z"), "0", "x" },
    { STR_INIT("\x03\x04\x41x\xe0\x41z"), "1", "(none)" },
    { STR_INIT("\x03\x04\x41x\xe0\x41z"), "2", "z" },
    { STR_INIT("\x03\x04\x41x\xe0\x41z"), "3", "-" },
    { STR_INIT("\x03\x04\x41x\xe0\x41z"), "-1", "z" },
    { STR_INIT("\x03\x04\x41x\xe0\x41z"), "-3", "x" },
    { STR_INIT("\x03\x04\x41x\xe0\x41z"), "-4", "-" },
    { STR_INIT("\x03\x04\x41x\xe0\x41z"), "x", "-" },
    { STR_INIT("\x03\x04\x41x\xe0\x41z"), "4294967296", "-" },
    /* pointers: as a value, as a key, with four bytes */
    { STR_INIT("\xe1\x41k\x20\x05\x41p"), "k", "p" },
    { STR_INIT("\xe1\x41k\x20\x06\x00\x41p"), "k", "p" },
    { STR_INIT("\xe1\x41k\x20\x07\x41p"), "k", "-" },
    { STR_INIT("\xe1\x20\x05\x41v\x41k"), "k", "v" },
    { STR_INIT("\x38\x00\x00\x00\x05\x41p"), "", "p" },
    /* broken ones */
    { STR_INIT(""), "", "-" },
    { STR_INIT("\x43xy"), "", "-" },
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
    { STR_INIT("\xe1\xa1\x01\x41v"), "k", "-" }, /* a key that is a number */
    { STR_INIT("\xff\xff\xff\xff\x41x"), "k", "-" },
    { STR_INIT("\xe2\x41x\xff\xff\xff\xff\x41k\x41v"), "k", "-" },
};


/* Maps in maps, as deep as the file is long. */
static void
check_depth(struct arena *a)
{
    enum { DEPTH = 2000000 };
    char  *p = arena_bytes(a, DEPTH * 2 + 16), *end = p;
    size_t i;

    memcpy(end, "\xe2\x41k", 3);
    end += 3;
    for (i = 0; i < DEPTH; i++, end += 2)
        memcpy(end, "\xe1\x40", 2);
    memcpy(end, "\x40\x41m\x41x", 5);
    end += 5;
    is_str(text_at(a, str_span(p, end), 0, "m"), "x", "past deep maps");
    is_str(text_at(a, str_span(p, end), 0, "k"), "(none)", "a deep map");
    end[-5] = '\0';
    is_str(text_at(a, str_span(p, end), 0, "m"), "-", "broken in the depth");
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
        text_at(a, part, 0, "k.m");
        text_at(a, part, 0, "m");
        free(copy);
    }
    copy = malloc(good.n);
    for (size_t i = 0; i < good.n; i++) {
        for (int byte = 0; byte < 256; byte++) {
            memcpy(copy, good.p, good.n);
            copy[i] = (char) byte;
            part = (str_t){ copy, good.n };
            text_at(a, part, 0, "k.m");
            text_at(a, part, 0, "m");
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
    is_str(text_at(a, STR("__\x41x"), 2, ""), "x", "an offset");
    is_str(text_at(a, STR("\x41x"), 2, ""), "-", "an offset at the end");
    is_str(text_at(a, STR("\x41x"), SIZE_MAX, ""), "-", "one far outside");
    check_depth(a);
    check_damage(a, STR("\xe2\x41k\xe1\x41m\x20\x0e\x41m\x02\x04\x41y"
                        "\xa1\x07"));
    arena_free(a);
    return done();
}
