/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of health checks.
 */
#pragma once

#include <stdatomic.h>
#include <sys/types.h>

#include "core/upstream/health.h"

enum health_state { HEALTH_UP = 1, HEALTH_DOWN, HEALTH_CHECKING };

enum { HEALTH_STUCK_MS = 3000 }; /* without a beat, another process asks      */

/* Of one peer and one check; of the check itself with an empty name, for which
 * process asks. */
struct health_slot {
    uint64_t         key;   /* 0: free                                       */
    _Atomic unsigned state; /* enum health_state                             */
    unsigned         fails, passes; /* in a row                              */
    uint64_t         checks, all_fails, unhealthy;
    msec_t           used_at;
    bool             last_passed;
    pid_t            asking; /* 0: nobody                                    */
    uint64_t         owner;  /* which of its generations                     */
    msec_t           beat_at;
};

/* The slot of a peer, new if need be; NULL: there is no room. */
struct health_slot *health_slot(const struct upstream_group *g,
                                const struct health_check *c, str_t name);

/* Whether there is the memory. */
bool health_is_shared(void);

/* Whether this process asks, for this owner, from now on. */
bool health_claim(struct health_slot *s, uint64_t owner);
bool health_is_mine(const struct health_slot *s, uint64_t owner);
void health_release(struct health_slot *s, uint64_t owner);

/* health_due.c: when a peer is asked next; and not at all. */
void health_due_in(struct health_probe *p, msec_t ms);
void health_due_never(struct health_probe *p);

/* health_probe.c: asks, and counts what comes of it. */
void probe_init(struct health_probe *p);
void probe_begin(struct health_probe *p);
/* Whatever it was doing is over, and its connection. */
void probe_cut(struct health_probe *p);
