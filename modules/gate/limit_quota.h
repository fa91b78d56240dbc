/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a limit of requests leaves a client, as the header fields of
 * draft-ietf-httpapi-ratelimit-headers-10 and Retry-After (RFC 9110 10.2.3)
 * tell it.  Pure.
 *
 *     RateLimit-Policy: "one";q=11;w=3
 *     RateLimit: "one";r=4;t=2
 */
#pragma once

#include "core/base/arena.h"

struct limit_quota {
    str_t    name;     /* of the zone                                        */
    uint64_t rate;     /* thousandths of requests a minute, not 0            */
    uint64_t burst;    /* thousandths of requests                            */
    uint64_t excess;   /* of this request, as limit_req counts               */
    bool     is_refused;
};

/* Each is an item of its field, in a. */
str_t limit_quota_policy(struct arena *a, const struct limit_quota *q);
str_t limit_quota_left(struct arena *a, const struct limit_quota *q);

/* Of one that refuses: in how many seconds, at least 1, a request is let
 * through if none comes before. */
uint64_t limit_quota_wait(const struct limit_quota *q);
