/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables that turn an IPv4 address into something by the range that holds it.
 * The one behind geo with "ranges".  Addresses are in host order, and both
 * ends belong to a range.
 */
#pragma once

#include "core/base/vec.h"
#include "core/net/addr.h"

struct ranges;

struct ranges *ranges_new(struct arena *a);

/* What stands in the way of a new range, or stood in its place. */
struct range_other {
    uint32_t first, last;
    void    *value;
};

enum range_verdict {
    RANGE_SET,
    RANGE_REPLACED, /* a part of it had a value, now in *other               */
    RANGE_CLASH,    /* it overlaps *other, and is not within it              */
};

/* Sets the value, not NULL, of a range.  Inside of another that one is cut
 * around it.  A range is kept as one piece for each 65536 addresses, and
 * pieces are what is compared. */
enum range_verdict ranges_set(struct ranges *t, uint32_t first, uint32_t last,
                              void *value, struct range_other *other);

/* Takes a range out; false where pieces of it are not there as such (the
 * others go). */
bool ranges_remove(struct ranges *t, uint32_t first, uint32_t last);

/* The value for an address of any family; NULL: none. */
void *ranges_find(const struct ranges *t, const struct sockaddr *sa);
