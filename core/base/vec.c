/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Growing arrays.  The room doubles; the old copy stays in the arena, unless
 * it was the last thing in it.
 */
#include "core/base/vec.h"

enum { LARGE = 96 }; /* bytes; mostly there is one of such                   */


void
vec_widen(struct arena *a, struct vec_any *v, size_t n, size_t size)
{
    if (v->room - v->n >= n)
        return;
    v->at = arena_grow(a, v->at, v->room * size, (v->n + n) * size);
    v->room = v->n + n;
}


void
vec_double(struct arena *a, struct vec_any *v, size_t size)
{
    size_t room = v->room ? v->room * 2 : size > LARGE ? 1 : 4;

    v->at = arena_grow(a, v->at, v->room * size, room * size);
    v->room = room;
}
