/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters that processes hold.
 */
#include "core/shm/held.h"
#include "t/unit/tap.h"


int
main(void)
{
    struct held *h = calloc(1, held_size(3));
    unsigned    *a, *b;
    int          n = 1;

    held_init(h, 3);
    is_same(held_find(h, 7), NULL, "nobody holds anything");
    a = held_take(h, 7);
    b = held_take(h, 8);
    ok(a != NULL && b != NULL && a != b, "each process has its own");
    a[0] = 1;
    a[2] = 5;
    b[0] = 9;
    ok(held_find(h, 7) == a && a[2] == 5, "they are found");
    held_give(h, a);
    is_same(held_find(h, 7), NULL, "they are given back");
    a = held_take(h, 9);
    is(a[0] + a[1] + a[2], 0, "the next one begins with none");
    is(b[0], 9, "others are left alone");

    while (held_take(h, 100 + n) != NULL)
        n++;
    is(n, 1023, "there is an end to it");
    free(h);
    return done();
}
