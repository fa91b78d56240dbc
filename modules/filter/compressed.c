/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A table by the address of the original block.  An entry holds a reference to
 * it, so that no other block can have that address; when it holds the last one,
 * the file has changed, or has left the cache, and the entry is of no use.
 */
#include "modules/filter/compressed.h"

#include <stdlib.h>

#include "core/base/list.h"

enum {
    BUCKETS = 1024,
    BYTES_MAX = 8 << 20, /* of originals and results                         */
    LOOK_AT = 4,         /* old entries for each new one                     */
};

struct entry {
    struct list   link; /* the last used first                               */
    struct entry *next; /* of its bucket                                     */
    struct block *from, *made;
    unsigned      coding, level, serial;
};

/* One for each process. */
static struct {
    struct list   list;
    struct entry *buckets[BUCKETS];
    size_t        bytes;
} kept = { .list = { &kept.list, &kept.list } };


static struct entry **
bucket_of(const struct block *from)
{
    uint64_t at = (uintptr_t) from;

    return &kept.buckets[(at * 0x9e3779b97f4a7c15u) >> 54];
}


static size_t
bytes_of(const struct entry *e)
{
    return sizeof(*e) + e->from->size + e->made->size;
}


static void
drop(struct entry *e)
{
    struct entry **at = bucket_of(e->from);

    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    list_remove(&e->link);
    kept.bytes -= bytes_of(e);
    block_put(e->from);
    block_put(e->made);
    free(e);
}


/* Those that are of no use, as far as they are among the oldest, and as many
 * others as is necessary. */
static void
make_room(void)
{
    unsigned      n = 0;
    struct entry *e;

    for (struct list *l = kept.list.prev, *before;
         l != &kept.list && (n++ < LOOK_AT || kept.bytes > BYTES_MAX);
         l = before)
    {
        before = l->prev;
        e = list_entry(l, struct entry, link);
        if (e->from->refs == 1 || kept.bytes > BYTES_MAX)
            drop(e);
    }
}


struct block *
compressed_find(const struct block *from, unsigned coding, unsigned level,
                unsigned serial)
{
    struct entry *e = *bucket_of(from);

    while (e != NULL
           && (e->from != from || e->coding != coding || e->level != level
               || e->serial != serial))
        e = e->next;
    if (e == NULL)
        return NULL;
    list_remove(&e->link);
    list_insert(&kept.list, &e->link);
    return e->made;
}


void
compressed_keep(struct block *from, unsigned coding, unsigned level,
                unsigned serial, const struct chain *made)
{
    struct entry **at = bucket_of(from);
    struct entry  *e = malloc(sizeof(*e));
    struct block  *b = e != NULL ? block_try(made->n) : NULL;

    if (b == NULL) {
        free(e);
        return;
    }
    chain_peek(made, b->data, made->n);
    *e = (struct entry){ .next = *at,
                         .from = block_get(from),
                         .made = b,
                         .coding = coding,
                         .level = level,
                         .serial = serial };
    *at = e;
    list_insert(&kept.list, &e->link);
    kept.bytes += bytes_of(e);
    make_room();
}


void
compressed_free(void)
{
    while (!list_empty(&kept.list))
        drop(list_entry(kept.list.next, struct entry, link));
}
