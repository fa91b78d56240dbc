/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What filters that change a body put out: short parts are copied into blocks
 * one behind the other, since many pieces cost more than copying a few bytes;
 * long ones are passed on as they are.
 */
#pragma once

#include "core/base/chain.h"

/* Zeroed memory is an empty one. */
struct gather {
    struct block *block; /* NULL: none so far                                */
    size_t        used;  /* of it                                            */
};

/* Room for *n bytes, least (at most 1 KiB) or more; what is written there is
 * appended to out by gather_took. */
char *gather_room(struct gather *g, size_t least, size_t *n);
void  gather_took(struct gather *g, struct chain *out, size_t n);
/* Appends a copy. */
void gather_copy(struct gather *g, struct chain *out, str_t s);
/* Appends a part of a piece in memory, or with NULL of something that lives as
 * long as the chain. */
void gather_part(struct gather *g, struct chain *out, const struct piece *piece,
                 str_t s);
/* Gives back what is held. */
void gather_end(struct gather *g);
