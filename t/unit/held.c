/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters that processes hold, in a zone.
 */
#include "core/shm/held.h"
#include "t/unit/tap.h"

enum { SIZE = 65536 };


int
main(void)
{
    struct zone   *z = aligned_alloc(ZONE_PAGE, SIZE);
    struct held    held = { NULL };
    struct holder *a, *b;
    unsigned       n = 0;

    memset(z, 0, SIZE);
    if (!zone_init(z, SIZE, STR("z"), "test/1"))
        return 1;
    zone_lock(z);
    is_same(held_find(&held, 7), NULL, "nobody holds anything");
    a = held_take(z, &held, 7);
    b = held_take(z, &held, 8);
    ok(a != NULL && b != NULL && a != b, "each process has its own");
    is_same(held_take(z, &held, 7), a, "once");
    holder_add(z, a, 0);
    holder_add(z, a, 1000);
    holder_add(z, a, 1000);
    holder_add(z, b, 1000);
    is_same(held_find(&held, 7), a, "they are found");
    is(holder_count(a, 0), 1, "one of the first object");
    is(holder_count(a, 1000), 2, "two of the last");
    is(holder_count(a, 5000), 0, "none of one that is not there");
    is(held_sum(&held, 1000), 3, "of all processes");
    holder_subtract(a, 1000);
    holder_subtract(a, 5000);
    holder_subtract(a, 3);
    is(holder_count(a, 1000), 1, "given back");
    is(holder_count(a, 3), 0, "never less than nothing");
    held_free(z, &held, a);
    is_same(held_find(&held, 7), NULL, "a process ends");
    is(held_sum(&held, 1000), 1, "others are left alone");
    a = held_take(z, &held, 9);
    is(holder_count(a, 1000), 0, "the next one begins with none");

    while (held_take(z, &held, (pid_t) (100 + n)) != NULL)
        n++;
    ok(n > 100, "there is an end to it");
    a = held_find(&held, 100);
    holder_add(z, a, 0);
    is(holder_count(a, 0), 0, "a full zone counts nothing");
    holder_subtract(a, 0);
    for (unsigned i = 0; i < n; i++)
        held_free(z, &held, held_find(&held, (pid_t) (100 + i)));
    ok(zone_alloc(z, 8 * ZONE_PAGE) != NULL, "all is given back");
    zone_unlock(z);
    free(z);
    return done();
}
