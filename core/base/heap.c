/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Binary heap in an array of pointers.  A node that moves is written once, at
 * its final place; the nodes that it passes are shifted.
 */
#include "core/base/heap.h"

#include <stdlib.h>

#include "core/base/check.h"


static inline void
place(struct heap *h, size_t i, struct heap_node *node)
{
    h->at[i] = node;
    node->place = i + 1;
}


/* Puts node at i or above it. */
static void
rise(struct heap *h, size_t i, struct heap_node *node)
{
    size_t up;

    for (; i > 0; i = up) {
        up = (i - 1) / 2;
        if (h->at[up]->key <= node->key)
            break;
        place(h, i, h->at[up]);
    }
    place(h, i, node);
}


/* Puts node at i or below it. */
static void
sink(struct heap *h, size_t i, struct heap_node *node)
{
    size_t down;

    for (; (down = 2 * i + 1) < h->n; i = down) {
        if (down + 1 < h->n && h->at[down + 1]->key < h->at[down]->key)
            down++;
        if (node->key <= h->at[down]->key)
            break;
        place(h, i, h->at[down]);
    }
    place(h, i, node);
}


static void
settle(struct heap *h, size_t i, struct heap_node *node)
{
    if (i > 0 && node->key < h->at[(i - 1) / 2]->key)
        rise(h, i, node);
    else
        sink(h, i, node);
}


void
heap_push(struct heap *h, struct heap_node *node)
{
    size_t room = h->room ? h->room * 2 : 64;

    if (h->n == h->room) {
        h->at = realloc(h->at, room * sizeof(h->at[0]));
        if (!h->at)
            check_memory(room * sizeof(h->at[0]));
        h->room = room;
    }
    h->n++;
    rise(h, h->n - 1, node);
}


void
heap_remove(struct heap *h, struct heap_node *node)
{
    size_t            i = node->place - 1;
    struct heap_node *last;

    CHECK(node->place != 0 && i < h->n && h->at[i] == node);

    last = h->at[--h->n];
    node->place = 0;
    if (last != node)
        settle(h, i, last);
}


void
heap_moved(struct heap *h, struct heap_node *node)
{
    settle(h, node->place - 1, node);
}


void
heap_fini(struct heap *h)
{
    free(h->at);
    *h = (struct heap){ 0 };
}
