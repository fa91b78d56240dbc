/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was seen is remembered, unless others push it out; what was not is never.
 */
#include "core/shm/seen.h"

#include <stdio.h>

#include "core/conf/module.h"
#include "t/unit/tap.h"

struct module *const weir_modules[] = { NULL };

enum { MANY = 10000 };


static bool
before(unsigned i, bool note)
{
    char  text[16];
    str_t what = { text, (size_t) snprintf(text, sizeof(text), "no %u", i) };

    if (note)
        seen_note(what);
    return seen_before(what);
}


int
main(void)
{
    unsigned i, found = 0, wrong = 0;

    ok(!before(1, true), "without a memory, nothing is");
    ok(seen_share(&log_start), "memory");
    ok(!before(1, false), "nothing was seen");
    ok(before(1, true), "noted");
    ok(before(1, true), "noted again");
    ok(!before(2, false), "another one");
    for (i = 0; i < MANY; i++)
        before(i, true);
    for (i = 0; i < MANY; i++) {
        found += before(i, false);
        wrong += before(MANY + i, false);
    }
    ok(found > MANY / 2, "most of many are remembered: %u", found);
    is(wrong, 0, "nothing else is");
    return done();
}
