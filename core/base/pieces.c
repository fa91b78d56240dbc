/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A list of free pieces for each of four sizes.  What a piece has room for is
 * asked of malloc, so that nothing needs to stand before it.
 */
#include "core/base/pieces.h"

#include <malloc.h>
#include <stdlib.h>

#include "core/base/arena.h"
#include "core/base/check.h"

enum {
    SIZES = 4,
#ifdef WEIR_EMULATE_ARENA
    KEPT = 0, /* ASan is to see what is used too late                         */
#else
    KEPT = 256, /* of a size                                                  */
#endif
};

/* What malloc gives without a rest. */
static const size_t sizes[SIZES] = { 56, 120, 248, 504 };

struct piece {
    struct piece *next;
};

/* Those that are free. */
static struct {
    struct piece *first;
    unsigned      n;
} kept[SIZES];


void *
pieces_get(size_t n)
{
    struct piece *p;
    unsigned      i = 0;

    while (i < SIZES && n > sizes[i])
        i++;
    if (i == SIZES)
        return malloc(n);
    p = kept[i].first;
    if (p == NULL)
        return malloc(sizes[i]);
    kept[i].first = p->next;
    kept[i].n--;
    return p;
}


void
pieces_put(void *p)
{
    size_t   n = malloc_usable_size(p);
    unsigned i = 0;

    while (i < SIZES && n != sizes[i])
        i++;
    if (i == SIZES || kept[i].n == KEPT) {
        free(p);
        return;
    }
    ((struct piece *) p)->next = kept[i].first;
    kept[i].first = p;
    kept[i].n++;
}
