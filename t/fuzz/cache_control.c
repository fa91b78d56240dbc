/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fields that say how long a response is fresh: a line each, whose first byte
 * says which it is.  Times stay within what can be added to now, and what forbids
 * to store it is not lost by Cache-Control alone.
 */
#include "core/base/check.h"
#include "http/gateway/cache_age.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW = 1000000000 };


static void
take(struct cache_age *a, str_t line)
{
    char what = line.n != 0 ? line.p[0] : 'c';
    bool was_forbidden = a->is_forbidden, was_refused = a->is_refused;

    line = line.n != 0 ? str_from(line, 1) : line;
    if (what == 'a') {
        cache_age_take_accel(a, line, NOW);
    } else if (what == 'e') {
        cache_age_take_expires(a, line, NOW);
        CHECK(a->is_forbidden == was_forbidden);
    } else {
        cache_age_take_control(a, line, NOW);
        CHECK(a->is_forbidden || !was_forbidden);
        CHECK(a->valid_at == 0 || a->valid_at >= 0);
    }
    CHECK(a->is_refused || !was_refused);
    CHECK(a->updating >= 0 && a->updating <= INT32_MAX);
    CHECK(a->error >= 0 && a->error <= INT32_MAX);
    CHECK(a->valid_at >= 0);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str_t            rest = { (const char *) data, size };
    struct cache_age a = { 0 };

    while (rest.n != 0)
        take(&a, str_cut(&rest, '\n'));
    return 0;
}
