/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Growing array in an arena.  VEC(struct rule) rules; declares one; zeroed
 * memory is an empty one.
 */
#pragma once

#include "core/base/arena.h"

#define VEC(type)                                                              \
    struct {                                                                   \
        type  *at;                                                             \
        size_t n, room;                                                        \
    }

/* Any such array.  may_alias, as the type of its members differs. */
struct __attribute__((may_alias)) vec_any {
    void  *at;
    size_t n, room;
};

/* Doubles the room for members of size bytes. */
void vec_double(struct arena *a, struct vec_any *v, size_t size);

/* One more member of size bytes, zeroed, at the end.  Inline: size is known. */
static inline void *
vec_more(struct arena *a, struct vec_any *v, size_t size)
{
    if (v->n == v->room)
        vec_double(a, v, size);
    return memset((char *) v->at + v->n++ * size, 0, size);
}

/* A pointer to a new zeroed member at the end of *v. */
#define vec_push(a, v)                                                         \
    ((__typeof__((v)->at)) vec_more(a, (struct vec_any *) (void *) (v),        \
                                    sizeof(*(v)->at)))

/* Reserves room for n more members, so that pushing them moves nothing. */
void vec_widen(struct arena *a, struct vec_any *v, size_t n, size_t size);
#define vec_reserve(a, v, n)                                                   \
    vec_widen((a), (struct vec_any *) (void *) (v), (n), sizeof(*(v)->at))

#define VEC_EACH(v, it)                                                        \
    for (__typeof__(&*(v)->at) it = (v)->at; it != NULL && it < (v)->at + (v)->n;\
         it++)
