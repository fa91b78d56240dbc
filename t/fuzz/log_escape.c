/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What goes into the access log: no escaped text holds a byte that could end
 * the line or the string that it stands in, and text without such bytes is
 * left as it is.
 */
#include "core/base/check.h"
#include "core/base/escape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static bool
is_plain(str_t s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char) s.p[i];

        if (c < 32 || c > 126 || c == '"' || c == '\\')
            return false;
    }
    return true;
}


static void
check_default(struct arena *a, str_t in)
{
    str_t out = escape_log(a, in);

    CHECK(is_plain(in) == str_eq(in, out));
    CHECK(str_chr(out, '"') == NULL);
    for (size_t i = 0; i < out.n; i++) {
        CHECK((unsigned char) out.p[i] >= 32);
        CHECK((unsigned char) out.p[i] <= 126);
        if (out.p[i] == '\\')
            CHECK(i + 3 < out.n && out.p[i + 1] == 'x');
    }
}


static void
check_json(struct arena *a, str_t in)
{
    str_t out = escape_json(a, in);

    for (size_t i = 0; i < out.n; i++) {
        CHECK((unsigned char) out.p[i] >= 32);
        CHECK(out.p[i] != '"');
        if (out.p[i] == '\\') {
            CHECK(i + 1 < out.n);
            CHECK(strchr("\"\\nrtbfu", out.p[i + 1]) != NULL);
            i++;
        }
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    str_t         in = { (const char *) data, size };

    check_default(a, in);
    check_json(a, in);
    arena_free(a);
    return 0;
}
