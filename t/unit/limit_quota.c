/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What clients are told of limits: quotas, windows, and when to come again.
 */
#include "modules/gate/limit_quota.h"

#include "core/base/check.h"
#include "t/unit/tap.h"

enum { SECOND = 60000, MINUTE = 1000 }; /* rates of one request              */

static const struct {
    const char *says;
    uint64_t    rate, burst, excess;
    bool        is_refused;
    const char *policy, *left;
    uint64_t    wait; /* if refused                                          */
} cases[] = {
    { "the only one", SECOND, 0, 0, false, "\"z\";q=1;w=1", "\"z\";r=0;t=1",
      0 },
    { "one too many", SECOND, 0, 1000, true, "\"z\";q=1;w=1", "\"z\";r=0;t=1",
      1 },
    { "the first of many", 5 * SECOND, 10000, 0, false, "\"z\";q=11;w=3",
      "\"z\";r=10;t=1", 0 },
    { "some of them", 5 * SECOND, 10000, 5001, false, "\"z\";q=11;w=3",
      "\"z\";r=4;t=2", 0 },
    { "the last one", 5 * SECOND, 10000, 10000, false, "\"z\";q=11;w=3",
      "\"z\";r=0;t=1", 0 },
    { "nearly the last one", 5 * SECOND, 10000, 9001, false, "\"z\";q=11;w=3",
      "\"z\";r=0;t=1", 0 },
    { "each minute", MINUTE, 0, 0, false, "\"z\";q=1;w=60", "\"z\";r=0;t=60",
      0 },
    { "refused after half of it", MINUTE, 0, 500, true, "\"z\";q=1;w=60",
      "\"z\";r=0;t=30", 30 },
    { "refused in the last moment", MINUTE, 0, 1, true, "\"z\";q=1;w=60",
      "\"z\";r=0;t=1", 1 },
    { "a burst each minute", 30 * MINUTE, 5000, 6000, true, "\"z\";q=6;w=12",
      "\"z\";r=0;t=2", 2 },
    { "the largest numbers", 1000, UINT64_C(9223372036854775000), 0, false,
      "\"z\";q=999999999999999;w=1000000000000", "\"z\";r=999999999999999;t=60",
      0 },
};


int
main(void)
{
    struct arena *a = arena_new(0);

    for (size_t i = 0; i < countof(cases); i++) {
        struct limit_quota q = { STR("z"), cases[i].rate, cases[i].burst,
                                 cases[i].excess, cases[i].is_refused };

        is_str(limit_quota_policy(a, &q), cases[i].policy, "%s: the policy",
               cases[i].says);
        is_str(limit_quota_left(a, &q), cases[i].left, "%s: what is left",
               cases[i].says);
        if (cases[i].is_refused)
            is(limit_quota_wait(&q), cases[i].wait, "%s: the wait",
               cases[i].says);
    }
    is_str(limit_quota_policy(a, &(struct limit_quota){ STR("a\"b\\\n\xff"),
                                                        SECOND, 0, 0, false }),
           "\"a\\\"b\\\\??\";q=1;w=1", "a name with other bytes");
    arena_free(a);
    return done();
}
