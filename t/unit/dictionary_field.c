/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Structured fields, and those of compression dictionaries.
 */
#include "core/base/check.h"
#include "http/structured.h"
#include "modules/filter/dictionary_field.h"
#include "t/unit/tap.h"

/* Members as "key kind text", one behind the other; ! where it is broken. */
static const struct {
    const char *value, *want;
} table[] = {
    { "", "" },
    { "a", "a=4:1;" },
    { "a=1", "a=0:1;" },
    { "a=-1.5, b=@17", "a=0:-1.5;b=0:@17;" },
    { "a=\"x\"", "a=1:x;" },
    { "a=\"x\\\"y\\\\\"", "a=1:x\\\"y\\\\;" },
    { "a=\"x,y\",b=tok/x", "a=1:x,y;b=2:tok/x;" },
    { "a=:AAA=:", "a=3:AAA=;" },
    { "a=?0 \t, \tb=?1", "a=4:0;b=4:1;" },
    { "a=(\"x\" y;q=1  2)", "a=5:\"x\" y;q=1  2;" },
    { "a=()", "a=5:;" },
    { "a=();q, b", "a=5:;b=4:1;" },
    { "a;x=\"1\"; y, *b=1", "a=4:1;*b=0:1;" },
    { "a=\"x", "!" },
    { "a=\"x\\y\"", "!" },
    { "a=\"x\n\"", "!" },
    { "a=(\"x\"", "!" },
    { "a=(\"x\"y)", "!" },
    { "a=:A", "!" },
    { "a=:*:", "!" },
    { "a=?2", "!" },
    { "a=1.", "!" },
    { "a=1.2.3", "!" },
    { "a=.5", "!" },
    { "a=", "!" },
    { "A=1", "!" },
    { "1=1", "!" },
    { "a b", "a=4:1!" },
    { "a,", "!" },
    { "a;=1", "!" },
    { ",a", "!" },
};

static const struct {
    const char *value;
    bool        is_good;
} offers[] = {
    { "match=\"/*\"", true },
    { "match=\"/*\", type=raw, id=\"x\", match-dest=(\"script\"), ttl=5",
      true },
    { "match=\"/*\";x=1", true },
    { "match=\"\"", false },
    { "match=/x", false },
    { "match", false },
    { "id=\"x\"", false },
    { "match=\"/*\", type=zstd", false },
    { "match=\"/*\", type=\"raw\"", false },
    { "match=\"/*\", id=x", false },
    { "match=\"/*\", match-dest=\"script\"", false },
    { "match=\"/*\", x=\"", false },
    { "", false },
};

static const struct {
    const char *value;
    bool        is_good;
} hashes[] = {
    { ":47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:", true },
    { " :47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:;a=1 ", true },
    { "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", false },
    { "\"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\"", false },
    { ":47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU:", false },
    { ":47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFUA:", false },
    { ":47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuF==:", false },
    { "::", false },
    { ":", false },
};


static str_t
members_of(struct arena *a, str_t rest)
{
    struct structured_member m;
    enum parse               got;
    str_t                    text = STR("");

    while ((got = structured_next(&rest, &m)) == PARSE_OK)
        text = arena_printf(a, STR_F STR_F "=%d:" STR_F ";", STR_A(text),
                            STR_A(m.key), (int) m.kind, STR_A(m.text));
    return got == PARSE_END ? text : str_join(a, text, STR("!"));
}


/* Cut anywhere, in memory of its own: sanitizers look on. */
static void
cut(struct arena *a, str_t s)
{
    unsigned char hash[DICTIONARY_HASH];
    size_t        n, good = 0;

    for (n = 0; n <= s.n; n++) {
        char *copy = malloc(n + !n);

        memcpy(copy, s.p, n);
        good += members_of(a, (str_t){ copy, n }).n;
        good += dictionary_is_available(a, (str_t){ copy, n }, hash);
        free(copy);
    }
    ok(good < 10 * (s.n + 1) * (s.n + 1), "<" STR_F "> is cut", STR_A(s));
}


int
main(void)
{
    struct arena *a = arena_new(0);
    unsigned char hash[DICTIONARY_HASH];
    size_t        i;

    for (i = 0; i < countof(table); i++) {
        str_t got = members_of(a, str_of(table[i].value));
        str_t want = str_of(table[i].want);

        if (want.n != 0 && want.p[want.n - 1] == '!' && got.n != 0)
            ok(got.p[got.n - 1] == '!', "<%s> is broken", table[i].value);
        else
            is_str(got, table[i].want, "<%s>", table[i].value);
        cut(a, str_of(table[i].value));
    }
    for (i = 0; i < countof(offers); i++)
        is(dictionary_is_offered(str_of(offers[i].value)), offers[i].is_good,
           "<%s> offers one", offers[i].value);
    for (i = 0; i < countof(hashes); i++) {
        str_t value = str_of(hashes[i].value);

        is(dictionary_is_available(a, value, hash), hashes[i].is_good,
           "<" STR_F "> is a hash", STR_A(value));
        cut(a, value);
    }
    arena_free(a);
    return done();
}
