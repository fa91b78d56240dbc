/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Idle deflate states, the last used one first, because its memory is the most
 * likely to be in the processor's cache.  There are only a few sizes, so that
 * each state soon finds another use.
 */
#include "modules/filter/deflate_pool.h"

#include <stdlib.h>

enum {
    GZIP_FORMAT = 16,     /* added to the bits of the window               */
    SMALLEST_WINDOW = 11, /* for responses of a short length               */
    SIZE_STEP = 2,        /* bits from one size to the next                */
    LOOK_AHEAD = 262,     /* bytes of the window that hold no history      */
    IDLE_MAX = 4 << 20,   /* bytes                                         */
};

/* One list for each process. */
static struct {
    struct deflater *first;
    size_t           bytes;
} idle;


/* The formula is from zlib's zconf.h. */
static size_t
size_of(const struct deflater *d)
{
    return sizeof(*d) + ((size_t) 1 << (d->window + 2))
           + ((size_t) 1 << (d->memory + 9));
}


static void
destroy(struct deflater *d)
{
    deflateEnd(&d->z);
    free(d);
}


static struct deflater *
create(int level, int window, int memory)
{
    struct deflater *d = calloc(1, sizeof(*d));

    if (d == NULL)
        return NULL;
    if (deflateInit2(&d->z, level, Z_DEFLATED, window + GZIP_FORMAT, memory,
                     Z_DEFAULT_STRATEGY)
        != Z_OK)
    {
        free(d);
        return NULL;
    }
    d->level = level;
    d->window = window;
    d->memory = memory;
    return d;
}


static struct deflater *
take_idle(int window, int memory)
{
    struct deflater **at, *d;

    for (at = &idle.first; (d = *at) != NULL; at = &d->next)
        if (d->window == window && d->memory == memory) {
            *at = d->next;
            idle.bytes -= size_of(d);
            return d;
        }
    return NULL;
}


struct deflater *
deflate_pool_get(int level, int window, int memory, int64_t length)
{
    struct deflater *d;

    while (length >= 0 && window - SIZE_STEP >= SMALLEST_WINDOW
           && length + LOOK_AHEAD <= (int64_t) 1 << (window - SIZE_STEP))
    {
        window -= SIZE_STEP;
        memory = memory > SIZE_STEP ? memory - SIZE_STEP : 1;
    }
    d = take_idle(window, memory);
    if (d == NULL)
        return create(level, window, memory);
    if (deflateReset(&d->z) == Z_OK
        && (level == d->level
            || deflateParams(&d->z, level, Z_DEFAULT_STRATEGY) == Z_OK))
    {
        d->level = level;
        return d;
    }
    destroy(d);
    return create(level, window, memory);
}


void
deflate_pool_put(struct deflater *d)
{
    if (idle.bytes + size_of(d) > IDLE_MAX) {
        destroy(d);
        return;
    }
    d->next = idle.first;
    idle.first = d;
    idle.bytes += size_of(d);
}


void
deflate_pool_empty(void)
{
    struct deflater *d;

    while ((d = idle.first) != NULL) {
        idle.first = d->next;
        destroy(d);
    }
    idle.bytes = 0;
}
