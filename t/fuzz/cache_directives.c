/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cache-Control, CDN-Cache-Control and Age: a line each, whose first byte says
 * which it is.  Times stay within bounds, more fields never allow more, and a
 * dictionary that is none has no effect.
 */
#include "core/base/check.h"
#include "http/gateway/cache_control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
check_seconds(int64_t was, int64_t is)
{
    CHECK(is >= -1 && is <= CACHE_SECONDS_MAX);
    CHECK(was == -1 || (is != -1 && is <= was));
}


static void
check(const struct cache_control *was, const struct cache_control *is)
{
    CHECK((was->is & ~is->is) == 0);
    check_seconds(was->max_age, is->max_age);
    check_seconds(was->s_maxage, is->s_maxage);
    check_seconds(was->updating, is->updating);
    check_seconds(was->error, is->error);
    check_seconds(was->min_fresh, is->min_fresh);
    check_seconds(was->max_stale, is->max_stale);
}


static void
take(struct cache_control *c, str_t line)
{
    struct cache_control before = *c;
    char                 what = line.n != 0 ? line.p[0] : 'c';
    int64_t              age;

    line = line.n != 0 ? str_from(line, 1) : line;
    if (what == 'd') {
        if (!cache_control_take_dictionary(c, line))
            CHECK(memcmp(c, &before, sizeof(before)) == 0);
    } else if (what == 'a') {
        age = cache_control_age(line);
        CHECK(age >= 0 && age <= CACHE_SECONDS_MAX);
    } else {
        cache_control_take(c, line);
    }
    check(&before, c);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str_t                rest = { (const char *) data, size };
    struct cache_control c;

    memset(&c, 0, sizeof(c));
    c = CACHE_CONTROL_NONE;
    while (rest.n != 0)
        take(&c, str_cut(&rest, '\n'));
    return 0;
}
