/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resolves names while the worker runs, through c-ares: it never blocks, and
 * asks the name servers of a resolver directive.  The options are part of the
 * generation; the servers, and a cache in which each name is valid for the
 * lowest TTL among its records, are the process's, created at the first lookup,
 * for all resolvers with the same options.  A generation that comes later finds
 * what the one before it has learned.
 *
 * Every name is sent to a server, even localhost.  That there is no such name is
 * final; after another error, the next server is asked.  If one family has an
 * error and the other one addresses, those are the result.
 */
#pragma once

#include "core/event/task.h"
#include "core/net/addr.h"
#include "core/net/dns_answer.h"

struct resolver;
struct tally;
struct entry;

struct resolver_options {
    const struct addr_any *servers;
    size_t                 n;
    uint64_t               valid_sec; /* 0: according to the TTLs            */
    bool                   no_ipv4, no_ipv6;
    bool                   is_ordered; /* the first server comes first, rather
                                          than each in its turn              */
    str_t zone; /* what is asked is counted for it; empty: it is not         */
};

/* TTLs are taken within these bounds, unless a lookup has its own. */
enum { RESOLVER_TTL_MIN_MS = 1000, RESOLVER_TTL_MAX_MS = 300 * 1000 };

/* One lookup of one task, initially zeroed. */
struct lookup {
    struct wait   wait;
    struct list   link;  /* in the list of those that wait for the same
                                 name                                        */
    struct entry *entry; /* of the name, in the resolver                */
    struct task  *task;
    struct timer  timer;
    struct tally *tally; /* where it is counted, or NULL            */
    /* What is wanted: */
    bool   is_service;       /* SRV records, rather than addresses       */
    bool   is_new;           /* nothing that is remembered                  */
    msec_t ttl_min, ttl_max; /* 0: the default                     */
    /* What was found: */
    bool                is_done;
    int                 code;  /* 0: found; otherwise the code in nginx's log */
    const char         *error; /* "Host not found"                            */
    struct addr_any    *at;    /* in the task's arena, without a port         */
    size_t              n;
    struct dns_service *services; /* in the task's arena                     */
    size_t              n_services;
    msec_t valid_ms; /* for so long, from now on                   */
};

/* Allocated in a generation's arena; its lookups have ended before. */
struct resolver *resolver_new(struct arena                  *a,
                              const struct resolver_options *o);

const struct resolver_options *resolver_options(const struct resolver *rs);

/* Starts a lookup.  True: the answer was cached and is in l; otherwise the
 * task is woken when l->is_done; timeout_ms limits the wait.  A task that ends
 * cancels its lookup. */
bool resolver_ask(struct resolver *rs, struct lookup *l, struct task *t,
                  str_t name, msec_t timeout_ms);
