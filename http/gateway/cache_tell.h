/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What people are told of the cache: why a request was answered as it was
 * ($upstream_cache_reason, counters), the header Cache-Status (RFC 9211), and
 * explanations of dry runs.
 */
#pragma once

#include "http/gateway/cache.h"

struct gateway;

/* The word of $upstream_cache_reason; what Cache-Status says of a request that is
 * passed on. */
#define CACHE_WHYS(X) \
    X(NONE, "", "") \
    X(FRESH, "fresh", "") \
    X(GROWING, "growing", "")     /* another one is storing it             */ \
    X(UPDATING, "updating", "")   /* stale, another one is updating it     */ \
    X(FAILED, "failed", "")       /* stale, the peer has failed            */ \
    X(MAX_STALE, "max-stale", "") /* stale, the request allows it          */ \
    X(STATUS, "status", "")       /* a status that is stored               */ \
    X(NEW, "new", "uri-miss")     /* there is nothing                      */ \
    X(VARIANT, "variant", \
      "vary-miss") /* not for such fields                */ \
    X(PURGED, "purged", "uri-miss") \
    X(BROKEN, "broken", "uri-miss") \
    X(FULL, "zone_full", "uri-miss") \
    X(MIN_USES, "min_uses", "uri-miss") \
    X(LOCKED, "lock_timeout", "uri-miss") \
    X(BYPASS, "bypass", "bypass") \
    X(EXPIRED, "expired", "stale") \
    X(SOFT, "purged_softly", "stale") \
    X(REQUEST, "request", "request") /* Cache-Control of it               */

enum cache_why {
#define X(name, word, forward) CACHE_WHY_##name,
    CACHE_WHYS(X)
#undef X
        CACHE_WHY_COUNT
};

/* cache_status, and the counters. */
extern struct module cache_status_module;

/* $upstream_cache_reason: the word, and why the response was not stored. */
str_t gateway_cache_reason(const struct gateway *g);
/* What is counted of each cache (TALLY_CACHE): for each enum cache_status, the
 * responses and the bytes of their bodies; and of those that came from a peer,
 * what was stored: MISS, BYPASS, EXPIRED are the first ones. */
enum { CACHE_COUNTS_STORED = 2 * CACHE_HIT };
static inline unsigned
cache_count_of(enum cache_status s)
{
    return 2 * (s - CACHE_MISS);
}

/* The run is over: counts why. */
void cache_tell_end(const struct gateway *g);

/* In a dry run: what the cache would do with the request, and with the assumed
 * response of g->x. */
void cache_explain(struct gateway *g);
void cache_explain_response(struct gateway *g);
