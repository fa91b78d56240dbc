/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A piece of memory that is filled at one end and read at the other:
 *
 *     start ... read ... write ... end
 *              |  data  |  room  |
 */
#pragma once

#include "core/base/str.h"

struct buf {
    char *start, *read, *write, *end;
};

static inline void
buf_init(struct buf *b, void *memory, size_t size)
{
    b->start = b->read = b->write = memory;
    b->end = b->start + size;
}

static inline size_t
buf_len(const struct buf *b)
{
    return (size_t) (b->write - b->read);
}

static inline size_t
buf_room(const struct buf *b)
{
    return (size_t) (b->end - b->write);
}

static inline str_t
buf_str(const struct buf *b)
{
    return str_span(b->read, b->write);
}

static inline void
buf_reset(struct buf *b)
{
    b->read = b->write = b->start;
}

/* Moves the unread bytes to the start, so that all free room follows them. */
static inline void
buf_compact(struct buf *b)
{
    size_t n = buf_len(b);

    if (b->read != b->start) {
        memmove(b->start, b->read, n);
        b->read = b->start;
        b->write = b->start + n;
    }
}

/* Appends; the caller has checked that there is room. */
static inline void
buf_put(struct buf *b, str_t s)
{
    memcpy(b->write, s.p, s.n);
    b->write += s.n;
}
