/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block that is being filled has a reference of its own, so that it can be
 * filled on after its pieces have been sent.
 */
#include "modules/filter/gather.h"

enum {
    SHORT = 1024,     /* parts up to so many bytes are copied                */
    BLOCK = 8 * 1024, /* ... into blocks of this size                        */
};


void
gather_end(struct gather *g)
{
    block_put(g->block);
    g->block = NULL;
}


char *
gather_room(struct gather *g, size_t least, size_t *n)
{
    if (g->block != NULL && BLOCK - g->used < least)
        gather_end(g);
    if (g->block == NULL) {
        g->block = block_new(BLOCK);
        g->used = 0;
    }
    *n = BLOCK - g->used;
    return g->block->data + g->used;
}


void
gather_took(struct gather *g, struct chain *out, size_t n)
{
    chain_add_block(out, g->block, (str_t){ g->block->data + g->used, n });
    g->used += n;
}


void
gather_copy(struct gather *g, struct chain *out, str_t s)
{
    size_t n;
    char  *to;

    for (; s.n != 0; s = str_from(s, n)) {
        to = gather_room(g, 1, &n);
        if (n > s.n)
            n = s.n;
        memcpy(to, s.p, n);
        gather_took(g, out, n);
    }
}


void
gather_part(struct gather *g, struct chain *out, const struct piece *piece,
            str_t s)
{
    if (s.n <= SHORT)
        gather_copy(g, out, s);
    else if (piece != NULL && piece->block != NULL)
        chain_add_block(out, piece->block, s);
    else
        chain_add(out, s);
}
