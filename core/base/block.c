/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reference-counted blocks: header and data are one malloc.  Freed blocks of
 * the usual sizes of network buffers are kept for reuse.
 */
#include "core/base/chain.h"

#include <stdlib.h>

#include "core/base/check.h"

enum { CLASS_COUNT = 4, CLASS_FIRST = 4096 };

/* The most bytes that are kept of each size. */
enum { SPARE_MAX_BYTES = 1 << 20 };

/* Freed blocks of 4, 8, 16 and 32 KiB, chained through their data. */
static _Thread_local struct {
    struct block *first;
    unsigned      n;
} spare[CLASS_COUNT];


static _Thread_local size_t freed;


/* The index in spare, or CLASS_COUNT for a size that is not kept. */
static unsigned
class_of(size_t size)
{
    unsigned i;

#ifdef WEIR_EMULATE_ARENA
    return CLASS_COUNT;
#endif
    for (i = 0; i < CLASS_COUNT; i++) {
        if (size == (size_t) CLASS_FIRST << i)
            break;
    }
    return i;
}


static struct block *
take_spare(unsigned class)
{
    struct block *b = spare[class].first;

    memcpy(&spare[class].first, b->data, sizeof(b));
    spare[class].n--;
    return b;
}


struct block *
block_try(size_t size)
{
    unsigned class = class_of(size);
    struct block *b;

    if (size > UINT32_MAX)
        return NULL;
    if (class < CLASS_COUNT && spare[class].first)
        b = take_spare(class);
    else
        b = malloc(sizeof(*b) + size);
    if (!b)
        return NULL;

    *b = (struct block){ 1, (unsigned) size, NULL, (char *) (b + 1), false };
    return b;
}


struct block *
block_new(size_t size)
{
    struct block *b = block_try(size);

    if (!b)
        check_memory(size);
    return b;
}


struct block *
block_get(struct block *b)
{
    DCHECK(b->refs > 0);
    b->refs++;
    return b;
}


static void
drop(struct block *b)
{
    unsigned class = class_of(b->size);

    if (class == CLASS_COUNT || b->data != (char *) (b + 1)
        || spare[class].n >= SPARE_MAX_BYTES / b->size)
    {
        freed += b->size;
        free(b);
        return;
    }
#ifdef WEIR_DEBUG
    memset(b->data, 0xA5, b->size);
#endif
    memcpy(b->data, &spare[class].first, sizeof(b));
    spare[class].first = b;
    spare[class].n++;
}


void
block_put(struct block *b)
{
    if (!b)
        return;
    CHECK(b->refs > 0);
    if (--b->refs)
        return;
    if (b->free)
        b->free(b);
    else
        drop(b);
}


size_t
block_freed(void)
{
    return freed;
}
