/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables that map an IPv4 address to a value by the range that contains it.
 * Used by geo with "ranges".  Addresses are in host order, and both ends
 * belong to a range.
 */
#pragma once

#include "core/base/vec.h"
#include "core/net/addr.h"

struct ranges;

struct ranges *ranges_new(struct arena *a);

/* The result of setting a range: a conflict, or the previous value. */
struct range_other {
    uint32_t first, last;
    void    *value;
};

enum range_verdict {
    RANGE_SET,
    RANGE_REPLACED, /* a part of it had a value, now in *other               */
    RANGE_CLASH,    /* it overlaps *other, and is not within it              */
};

/* Sets the value, not NULL, of a range.  Within a larger range, that one is cut
 * around it.  A range is stored in pieces of 65536 addresses, and pieces are
 * compared. */
enum range_verdict ranges_set(struct ranges *t, uint32_t first, uint32_t last,
                              void *value, struct range_other *other);

/* Removes a range; false where some of its pieces do not exist (the others are
 * removed). */
bool ranges_remove(struct ranges *t, uint32_t first, uint32_t last);

/* The value for an address of any family, or NULL. */
void *ranges_find(const struct ranges *t, const struct sockaddr *sa);
