/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Binary heap of embedded nodes ordered by a 64-bit key, smallest first.  A
 * node knows its place, so that it can be removed or moved in O(log n).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct heap_node {
    uint64_t key;
    size_t   place; /* index + 1; 0: in no heap */
};

struct heap {
    struct heap_node **at;
    size_t             n, room;
};

void heap_push(struct heap *h, struct heap_node *node);
void heap_remove(struct heap *h, struct heap_node *node);
/* To be called after node->key has changed. */
void heap_moved(struct heap *h, struct heap_node *node);

/* The node with the smallest key, or NULL; it stays in the heap. */
static inline struct heap_node *
heap_min(const struct heap *h)
{
    return h->n ? h->at[0] : NULL;
}

void heap_fini(struct heap *h);
