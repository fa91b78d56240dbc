/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long a response may be used, by its own fields: X-Accel-Expires rules over
 * Cache-Control, and that over Expires, in whatever order they come.  Pure.
 */
#pragma once

#include <time.h>

#include "core/base/str.h"

struct cache_age {
    int64_t valid_at; /* seconds since 1970; 0: the fields do not say        */
    int64_t updating; /* stale-while-revalidate, in seconds                  */
    int64_t error;    /* stale-if-error                                      */
    const char *why; /* what forbids it, for people; NULL: nothing, so far   */
    bool    has_accel;
    bool    is_forbidden; /* no-store and its kin                            */
    bool    is_expired;   /* Expires is past                                 */
    bool    is_refused;   /* by a value that cannot be overruled             */
};

static inline bool
cache_age_allows(const struct cache_age *a)
{
    return !a->is_forbidden && !a->is_expired && !a->is_refused;
}

/* Takes one field of each kind, in the order in which they came; all of them if
 * there are several. */
void cache_age_take_accel(struct cache_age *a, str_t value, time_t now);
void cache_age_take_control(struct cache_age *a, str_t value, time_t now);
void cache_age_take_expires(struct cache_age *a, str_t value, time_t now);
