/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * client_min_rate: clients for whom something waits, and that do not move it as
 * fast as they have to.
 *
 * A codec counts the time in which nothing but the client is waited for, for each
 * direction of a request, and asks how long the client may go on where a timer is
 * set or expires.  What the client has moved is asked for only then.
 */
#pragma once

#include "core/event/task.h"

struct http_slow_conf {
    uint64_t rate;     /* bytes a second; 0: any                             */
    msec_t   after_ms; /* of waiting, which are free                         */
};

extern struct module http_slow_module;

#define slow_conf(t) ((const struct http_slow_conf *) conf_of(t, &http_slow_module))

enum { SLOW_AFTER_MS = 5000 }; /* if the configuration does not say         */

/* Of one direction; zeroed: it has not been waited for. */
struct slow {
    msec_t since;  /* 0: it is not waited for                                */
    msec_t before; /* ms that it was waited for                              */
};

/* The client is waited for, and no longer: nothing changes where that is so
 * already. */
void slow_begin(struct slow *s);
void slow_end(struct slow *s);

/* In how many ms it is too slow, if it moves nothing more; 0: it is.  UINT64_MAX:
 * never. */
msec_t slow_left(const struct slow *s, const struct http_slow_conf *c,
                 uint64_t moved);

/* A time after which to look: timeout, or less where a client may be too slow
 * before. */
static inline msec_t
slow_timer(const struct http_slow_conf *c, msec_t timeout, msec_t left)
{
    return c->rate == 0 || left >= timeout ? timeout : left;
}
