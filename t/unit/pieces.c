/* SPDX-License-Identifier: BSD-2-Clause */
/* Pieces of memory: of all sizes, taken in bunches, also malloc's own. */
#include "t/unit/tap.h"

#include <stdlib.h>

#include "core/base/pieces.h"

enum { MANY = 2000 };


/* Each has its own bytes while it is taken. */
static unsigned
round_of(char **p)
{
    unsigned good = 0;

    for (size_t i = 0; i < MANY; i++) {
        p[i] = pieces_get(1 + i % 700);
        memset(p[i], (int) (i % 251), 1 + i % 700);
    }
    for (size_t i = 0; i < MANY; i++) {
        size_t n = 0;

        while (n < 1 + i % 700 && p[i][n] == (char) (i % 251))
            n++;
        good += n == 1 + i % 700 && (uintptr_t) p[i] % 16 == 0;
    }
    for (size_t i = 0; i < MANY; i++)
        pieces_put(p[i]);
    return good;
}


int
main(void)
{
    static char *p[MANY];
    char        *one;

    is(round_of(p), MANY, "pieces do not overlap, and are aligned");
    is(round_of(p), MANY, "again, with those that were given back");
    pieces_put(NULL);
    pieces_put(malloc(100));
    one = realloc(pieces_get(100), 5000);
    memset(one, 1, 5000);
    pieces_put(one);
    free(pieces_get(56));
    is(round_of(p), MANY, "malloc's own may be mixed with them");
    return done();
}
