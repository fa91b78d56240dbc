/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A zone: memory that processes share, with a lock and an allocator.  Where it
 * comes from, and how long it lives, is the registry's business (registry.h).
 *
 * It has the same address in every process, also in those of another binary
 * that it was handed on to, so pointers within it hold.  Pointers out of it
 * do not: nothing in it may refer to a configuration, a function, or the
 * memory of a process.
 *
 * A process may be killed at any instruction while it holds the lock.  The
 * allocator survives that: what was being allocated or freed is either still
 * there or free.  Whoever keeps data in the zone has to do the same, and learns
 * from zone_lock when to look after them.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

enum { ZONE_PAGE = 4096, ZONE_TAG = 64 };

/* Larger allocations take whole pages. */
enum { ZONE_SLOT_MAX = 2048 };

struct zone;

/* The compiler must not exchange stores before and after it.  That is enough:
 * what a process had done when it died is seen in order. */
#define IN_ORDER() atomic_signal_fence(memory_order_seq_cst)

/* Makes a zone of zeroed memory at its final address, a multiple of ZONE_PAGE.
 * The tag, shorter than ZONE_TAG, says what it is for, and the layout of
 * that.  False: there is not even room for a page. */
bool zone_init(struct zone *z, size_t size, str_t name, const char *tag);
/* Whether the first n bytes of some file are those of a zone that this program
 * could have made: then what it has is known. */
bool   zone_is_one(const void *bytes, size_t n);
str_t  zone_name(const struct zone *z);
str_t  zone_tag(const struct zone *z);
size_t zone_size(const struct zone *z);
/* Where it has to be mapped. */
struct zone *zone_address(const struct zone *z);

/* The one object from which all others in the zone are found; NULL at first. */
void *zone_root(const struct zone *z);
void  zone_set_root(struct zone *z, void *root);

/* Takes the lock, for a short time.  False: the process that held it has died.
 * The lock is held all the same, and the allocator is in order, but what the
 * caller has in the zone may be in the middle of a change. */
bool zone_lock(struct zone *z);
void zone_unlock(struct zone *z);

/* n bytes, aligned to 16, not zeroed; NULL: there is no room.  With the lock
 * held, or before anyone else knows the zone. */
void *zone_alloc(struct zone *z, size_t n);
/* NULL is allowed. */
void zone_free(struct zone *z, void *p);

/* What is in use, of pages and of the slots of each size that pages are divided
 * into.  Without the lock: figures of about now, which need not agree. */
enum { ZONE_SIZES = 13 };
struct zone_usage {
    uint32_t pages_used, pages_free;
    struct {
        uint32_t size; /* bytes                                              */
        uint32_t used, free;
        uint64_t reqs, fails; /* attempts to allocate; and in vain           */
    } slots[ZONE_SIZES];
};
void zone_tell(const struct zone *z, struct zone_usage *out);
/* No attempts have been made so far. */
void zone_forget_attempts(struct zone *z);

/* Room for a hash of chains: as many entries as fit into so many bytes together
 * with their buckets, which are a power of two. */
struct zone_table {
    void     *entries; /* not zeroed                                         */
    uint32_t *buckets; /* not zeroed                                         */
    uint32_t  room;    /* entries                                            */
    uint32_t  mask;    /* of the buckets                                     */
};

/* False: there is not even room for the least number of entries. */
bool zone_table_make(struct zone *z, size_t bytes, size_t entry_size,
                     uint32_t least, struct zone_table *out);
