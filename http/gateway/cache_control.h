/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cache-Control (RFC 9111 section 5.2) and its kin for some caches only, such as
 * CDN-Cache-Control (RFC 9213), which is a dictionary of RFC 8941.  Pure.
 */
#pragma once

#include "core/base/str.h"

enum { CACHE_SECONDS_MAX = INT32_MAX }; /* larger numbers mean this one      */

enum cache_directive {
    CC_NO_STORE = 1 << 0,
    CC_NO_CACHE = 1 << 1,
    CC_PRIVATE = 1 << 2,
    CC_PUBLIC = 1 << 3,
    CC_MUST_REVALIDATE = 1 << 4,
    CC_PROXY_REVALIDATE = 1 << 5,
    CC_ONLY_IF_CACHED = 1 << 6,
    CC_ANY_MAX_STALE = 1 << 7, /* max-stale without a number                 */
    CC_MUST_UNDERSTAND = 1 << 8,
};

/* Seconds; -1: there is none.  What is no number is 0, so that nothing is used
 * for longer than was meant; of several the least counts. */
struct cache_control {
    unsigned is; /* enum cache_directive                                     */
    int64_t  max_age, s_maxage, updating, error; /* stale-while-..., -if-... */
    int64_t  min_fresh, max_stale;
};

#define CACHE_CONTROL_NONE                                                     \
    ((struct cache_control){ 0, -1, -1, -1, -1, -1, -1 })

/* Takes one field of that name. */
void cache_control_take(struct cache_control *c, str_t value);
/* The same for a dictionary, all fields of the name joined by commas.  False: it
 * is none, or empty, and has no effect. */
bool cache_control_take_dictionary(struct cache_control *c, str_t value);

/* The seconds that Age says, the first ones of a list; 0: it says nothing. */
int64_t cache_control_age(str_t value);
