/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names to addresses while the worker runs, through c-ares: never blocking,
 * from the name servers of a resolver directive.  What is configured is part
 * of the generation; the worker's part (the servers, and a cache of what was
 * found, each for as long as the least TTL on the way to it says) is made at
 * the first lookup.
 *
 * Every name is asked for, localhost too.  What a server says is final, errors
 * as well; where the one family has an error and the other one addresses,
 * those are the answer.
 */
#pragma once

#include "core/event/task.h"
#include "core/net/addr.h"

struct resolver;
struct entry;

struct resolver_options {
    const struct addr_any *servers;
    size_t                 n;
    uint64_t               valid_sec; /* 0: as TTLs say                      */
    bool                   no_ipv4, no_ipv6;
};

/* One question of one task.  Zeroed at first. */
struct lookup {
    struct wait      wait;
    struct list      link;    /* among those that ask for the same name      */
    struct entry    *entry;   /* of the name, in the resolver                */
    struct task     *task;
    struct timer     timer;
    bool             is_done;
    int              code;    /* 0: found; else what nginx's log shows       */
    const char      *error;   /* "Host not found"                            */
    struct addr_any *at;      /* in the task's arena, without a port         */
    size_t           n;
};

/* Of a generation's arena; lookups end with it. */
struct resolver *resolver_new(struct arena *a,
                              const struct resolver_options *o);

/* Asks.  True: the answer was known and stands in l; else the task is woken
 * when l->is_done; timeout_ms is the longest wait.  A task that ends stops
 * waiting. */
bool resolver_ask(struct resolver *rs, struct lookup *l, struct task *t,
                  str_t name, msec_t timeout_ms);
