/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Variants: the first line is Vary, the others are fields of the request.  The
 * same request has the same variant, also when the spaces of Vary differ and when
 * fields are added that it does not name.
 */
#include "core/base/check.h"
#include "http/gateway/cache_vary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static bool
is_equal(const struct disk_key *a, const struct disk_key *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct disk_key main = { { 1, 2, 3 } };
    struct arena                *a = arena_new(0);
    struct fields                in = { .list = { NULL, 0, 0 } };
    str_t                        rest = { (const char *) data, size };
    str_t                        vary = str_cut(&rest, '\n'), spaced;
    struct disk_key              one, two;

    if (vary.n <= DISK_VARY_MAX - 2) {
        while (rest.n != 0 && in.list.n < 64) {
            str_t value = str_cut(&rest, '\n'), name = str_cut(&value, ':');

            fields_add(a, &in, name, value);
        }
        cache_variant(&one, &main, vary, &in);
        spaced = arena_printf(a, ", " STR_F, STR_A(vary));
        if (spaced.n == vary.n + 2) { /* no NUL in it */
            cache_variant(&two, &main, spaced, &in);
            CHECK(is_equal(&one, &two));
        }
        fields_add(a, &in, STR("Not, named"), STR("x"));
        cache_variant(&two, &main, vary, &in);
        CHECK(is_equal(&one, &two));
    }
    arena_free(a);
    return 0;
}
