/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A leaky bucket as one number: the moment at which it is empty.  Each request
 * moves that by its cost, the time in which it drains, so what is in the bucket
 * follows from the moment and the present one.  A key that has not come for a
 * long time has an empty bucket, whatever its number is.  Pure.
 *
 * Moments and durations have 56 bits, in 65,536ths of a millisecond.
 */
#pragma once

#include <stdint.h>

#include "core/base/number.h"

enum { LIMIT_MINUTE_MS = 60000 };

#define LIMIT_MS UINT64_C(65536)

/* A full bucket takes four years to drain; what is above that is not counted. */
#define LIMIT_FULL (UINT64_C(1) << 53)


/* Also at the start of the clock, 0 is the past, by the cost of any request. */
static inline uint64_t
limit_moment(msec_t now)
{
    return (now + LIMIT_MINUTE_MS) * LIMIT_MS;
}


/* Of a request, at a rate of so many thousandths a minute, 1000 at least. */
static inline uint64_t
limit_cost(uint64_t rate)
{
    return (1000 * LIMIT_MINUTE_MS * LIMIT_MS + rate / 2) / rate;
}


/* The moment with one more request. */
static inline uint64_t
limit_with_one(uint64_t empty, uint64_t cost, uint64_t now)
{
    empty += cost;
    if (empty < now)
        return now;
    return empty - now < LIMIT_FULL ? empty : now + LIMIT_FULL;
}


/* What is in it, in thousandths of requests, rounded up. */
static inline uint64_t
limit_excess(uint64_t empty, uint64_t cost, uint64_t now)
{
    if (empty <= now || cost == 0)
        return 0;
    return ((empty - now) * 1000 + cost - 1) / cost;
}


/* The moment for the same content, where the cost becomes another one. */
static inline uint64_t
limit_of_cost(uint64_t empty, uint64_t from, uint64_t to, uint64_t now)
{
    uint64_t n;

    if (empty <= now || from == 0)
        return empty;
    if (__builtin_mul_overflow((empty - now) / from, to, &n) || n > LIMIT_FULL)
        return now + LIMIT_FULL;
    return now + n + (empty - now) % from * to / from;
}
