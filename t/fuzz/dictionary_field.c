/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Use-As-Dictionary and Available-Dictionary.  What members say is within the
 * value, and in its order; whatever is good stays so when it is written anew by
 * its members alone; and a long value ends in time.
 */
#include "core/base/check.h"
#include "http/structured.h"
#include "modules/filter/dictionary_field.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const frames[][2] = {
    [STRUCTURED_NUMBER] = { "", "" }, [STRUCTURED_STRING] = { "\"", "\"" },
    [STRUCTURED_TOKEN] = { "", "" },  [STRUCTURED_BYTES] = { ":", ":" },
    [STRUCTURED_BOOL] = { "?", "" },  [STRUCTURED_LIST] = { "(", ")" },
};


static bool
is_within(str_t part, str_t whole)
{
    return part.p >= whole.p && part.p + part.n <= whole.p + whole.n;
}


/* The members, each in its longest form; STR_NONE: the value is broken. */
static str_t
write_anew(struct arena *a, str_t value)
{
    struct structured_member m;
    str_t                    rest = value, text = STR("");
    enum parse               got;

    while ((got = structured_next(&rest, &m)) == PARSE_OK) {
        CHECK(m.key.n != 0 && is_within(m.key, value));
        CHECK(is_within(rest, value));
        CHECK(is_within(m.text, value)
              || (m.kind == STRUCTURED_BOOL && str_is(m.text, "1")));
        if (text.n != 0)
            text = str_join(a, text, STR(", "));
        text = arena_printf(a, STR_F STR_F "=%s" STR_F "%s", STR_A(text),
                            STR_A(m.key), frames[m.kind][0], STR_A(m.text),
                            frames[m.kind][1]);
    }
    return got == PARSE_END ? text : STR_NONE;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const str_t   value = { (const char *) data, size };
    unsigned char hash[DICTIONARY_HASH];
    struct arena *a;
    str_t         anew, again;

    if (size > 4096)
        return 0;
    a = arena_new(0);
    anew = write_anew(a, value);
    if (anew.p != NULL) {
        again = write_anew(a, anew);
        CHECK(str_eq(again, anew));
        CHECK(dictionary_is_offered(anew) == dictionary_is_offered(value));
    } else {
        CHECK(!dictionary_is_offered(value));
    }
    if (dictionary_is_available(a, value, hash))
        CHECK(str_chr(value, ':') != NULL);
    if (dictionary_is_pattern(value))
        CHECK(value.p[0] == '/' && dictionary_is_string(value));
    arena_free(a);
    return 0;
}
