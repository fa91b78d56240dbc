/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ranges of addresses.  The upper 16 bits of an address lead to a block in two
 * steps.  A block has sorted pieces that do not overlap, so that a lookup is a
 * binary search in a short list.  Files with ranges are usually sorted: then a
 * new piece is added at the end.
 */
#include "core/expr/ranges.h"

#include "core/expr/network.h"

struct piece {
    uint16_t first, last; /* the lower 16 bits                               */
    void    *value;
};

struct block {
    VEC(struct piece) list;
};

struct blocks {
    struct block low[256];
};

struct ranges {
    struct arena  *arena;
    struct blocks *high[256];
};


struct ranges *
ranges_new(struct arena *a)
{
    struct ranges *t = arena_make(a, struct ranges);

    t->arena = a;
    return t;
}


/* How many pieces begin at or before an address: only the last of them can
 * contain it. */
static size_t
count_before(const struct block *b, unsigned at)
{
    size_t low = 0, high = b->list.n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (b->list.at[middle].first <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}


static void
insert(struct ranges *t, struct block *b, size_t place, struct piece piece)
{
    size_t behind = b->list.n - place;

    vec_push(t->arena, &b->list);
    memmove(b->list.at + place + 1, b->list.at + place, behind * sizeof(piece));
    b->list.at[place] = piece;
}


/* Inserts a piece into a larger one that contains it. */
static void
cut(struct ranges *t, struct block *b, size_t place, struct piece piece)
{
    struct piece rest = b->list.at[place];

    if (rest.first < piece.first) {
        b->list.at[place++].last = (uint16_t) (piece.first - 1);
        insert(t, b, place, piece);
    } else {
        b->list.at[place] = piece;
    }
    if (piece.last < rest.last) {
        rest.first = (uint16_t) (piece.last + 1);
        insert(t, b, place + 1, rest);
    }
}


static enum range_verdict
set_piece(struct ranges *t, struct block *b, struct piece piece,
          struct piece *other)
{
    size_t        n = count_before(b, piece.last);
    struct piece *at = n ? &b->list.at[n - 1] : NULL;

    if (at == NULL || at->last < piece.first) {
        insert(t, b, n, piece);
        return RANGE_SET;
    }
    *other = *at;
    if (at->first == piece.first && at->last == piece.last) {
        at->value = piece.value;
        return RANGE_REPLACED;
    }
    if (at->first > piece.first || at->last < piece.last)
        return RANGE_CLASH;
    cut(t, b, n - 1, piece);
    return RANGE_SET;
}


/* The part of a range that lies in the block of an address. */
static struct piece
part_of(uint32_t at, uint32_t first, uint32_t last)
{
    uint32_t base = at & ~UINT32_C(0xffff);

    return (struct piece){
        .first = (uint16_t) (base < first ? first & 0xffff : 0),
        .last = (uint16_t) (last - base > 0xffff ? 0xffff : last & 0xffff),
    };
}


enum range_verdict
ranges_set(struct ranges *t, uint32_t first, uint32_t last, void *value,
           struct range_other *other)
{
    enum range_verdict verdict, worst = RANGE_SET;

    for (uint64_t at = first; at <= last; at = (at | 0xffff) + 1) {
        struct blocks **high = &t->high[at >> 24];
        struct piece    piece = part_of((uint32_t) at, first, last), was;
        uint32_t        base = (uint32_t) at & ~UINT32_C(0xffff);

        if (*high == NULL)
            *high = arena_make(t->arena, struct blocks);
        piece.value = value;
        verdict = set_piece(t, &(*high)->low[at >> 16 & 0xff], piece, &was);
        if (verdict == RANGE_SET)
            continue;
        *other = (struct range_other){ base | was.first, base | was.last,
                                       was.value };
        worst = verdict;
        if (verdict == RANGE_CLASH)
            break;
    }
    return worst;
}


static bool
remove_piece(struct block *b, struct piece piece)
{
    size_t        n = count_before(b, piece.first);
    struct piece *at = n ? &b->list.at[n - 1] : NULL;

    if (at == NULL || at->first != piece.first || at->last != piece.last)
        return false;
    memmove(at, at + 1, (b->list.n - n) * sizeof(*at));
    b->list.n--;
    return true;
}


bool
ranges_remove(struct ranges *t, uint32_t first, uint32_t last)
{
    bool had_all = true;

    for (uint64_t at = first; at <= last; at = (at | 0xffff) + 1) {
        struct blocks *high = t->high[at >> 24];

        if (high == NULL
            || !remove_piece(&high->low[at >> 16 & 0xff],
                             part_of((uint32_t) at, first, last)))
            had_all = false;
    }
    return had_all;
}


void *
ranges_find(const struct ranges *t, const struct sockaddr *sa)
{
    const struct blocks *high;
    const struct block  *b;
    uint32_t             at;
    size_t               n;

    if (!network_ip4(sa, &at))
        return NULL;
    high = t->high[at >> 24];
    if (high == NULL)
        return NULL;
    b = &high->low[at >> 16 & 0xff];
    n = count_before(b, at & 0xffff);
    if (n == 0 || b->list.at[n - 1].last < (at & 0xffff))
        return NULL;
    return b->list.at[n - 1].value;
}
