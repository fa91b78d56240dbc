/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Active health checks: peers are asked at intervals whether they work, and are
 * left out while they do not.
 *
 * For each check of a group one process asks, for all; when it ends or is stuck,
 * another one goes on.  What is known of a peer is in memory that all processes
 * share, found by (upstream, address, check), so it stays over reloads, upgrades
 * and changes of addresses: no peer is forgotten to be down, or to be up.  A peer
 * that is new is up until a check fails, or, with is_mandatory, not before it has
 * passed.
 *
 * What is asked is the business of a kind of check; core/ has "tcp".
 */
#pragma once

#include "core/upstream/group.h"
#include "core/upstream/link.h"

struct health;
struct health_probe;
struct health_slot;

/* A kind of check.  A constant of the program. */
struct health_kind {
    const char *name;
    const struct link_protocol *protocol; /* of its links, or NULL           */
    /* In the process that asks: what all probes of a check need; in an arena
     * that ends when it stops asking.  NULL: logged, and no peer is asked.  The
     * hook itself may be NULL. */
    void *(*begin)(struct health *h, struct arena *a);
    /* Before it connects: adds to the options.  Or NULL. */
    void (*connect)(struct health_probe *p, struct link_options *o);
    /* Connected (is_first), or woken since.  STEP_WAIT; STEP_DONE: passed;
     * STEP_FAIL: probe_blame was called.  NULL: to connect is all. */
    enum step (*run)(struct health_probe *p, bool is_first);
};

struct health_check {
    struct health_check      *next; /* of the group                          */
    const struct health_kind *kind;
    str_t        id;       /* of all that is asked                           */
    unsigned     nth;      /* of those with this id in the group             */
    str_t        name;     /* of a match {}, for logs; or empty              */
    const void  *detail;   /* the kind's                                     */
    msec_t       interval, jitter, connect_timeout, timeout;
    msec_t       keepalive_time; /* 0: a connection for each probe           */
    uint64_t     keepalive_requests; /* over one connection, 0: no limit     */
    unsigned     fails, passes;
    unsigned     port;     /* 0: the peer's                                  */
    bool         is_mandatory;
    struct health *health; /* of this process; NULL: it is not served here   */
};

/* One peer that is asked. */
struct health_probe {
    struct task          task; /* its arena lasts for one question           */
    struct health       *health;
    struct health_probe        *next;
    str_t                name;  /* of the peer; malloc                       */
    struct addr_any      addr;
    struct log           log;   /* quiet: a change is told in one line       */
    struct list          due;   /* health_due.c: the next question ...       */
    msec_t               due_at; /* ... and its moment                       */
    struct link         *link;  /* NULL: not connected                       */
    void                *state; /* the kind's, of one question               */
    struct health_slot  *slot;
    const char          *doing; /* for the log                               */
    str_t                why;   /* it failed                                 */
    uint64_t             asked; /* over this connection                      */
    msec_t               connected_at, asked_at;
    bool is_asking, is_connected, is_reusable, is_wanted, is_stale;
    bool is_good; /* the last question                                         */
};

const struct health_check *health_check_of(const struct health *h);
void                      *health_data(const struct health *h);
struct generation         *health_generation(const struct health *h);
struct upstream_group     *health_group(const struct health *h);

/* Why a probe fails: returns STEP_FAIL. */
enum step probe_blame(struct health_probe *p, const char *doing, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

extern const struct health_kind health_tcp;

/* Makes the memory, in the process that the others are forked from.  False:
 * logged. */
bool health_share(const struct log *log);

/* While a configuration is read: another check of a group; c stays. */
void health_add(struct upstream_group *g, struct health_check *c);
/* A group begins to be served here, and ends. */
void health_start(struct upstream_group *g, struct generation *gen,
                  struct loop *loop);
void health_stop(struct upstream_group *g);
/* A check that belongs to no configuration: for tools, which start probes by
 * themselves.  It ends with the arena.  NULL: its kind cannot begin. */
struct health *health_alone(struct arena *a, struct health_check *c,
                            struct upstream_group *g, struct generation *gen,
                            struct loop *loop);
/* Asks once; p is zeroed, and is_asking until there is an outcome.  probe_free
 * follows. */
void probe_once(struct health_probe *p, struct health *h, const struct peer *peer);
void probe_free(struct health_probe *p);
/* A set gets the shared states of its peers, before it becomes the group's. */
void health_attach(struct arena *a, const struct upstream_group *g,
                   struct peer_set *set);

/* Whether all checks let the peer be asked. */
bool health_is_good(const struct peer *peer);

/* What is known of a peer, of all checks. */
struct health_facts {
    bool     is_checked;  /* there are checks                                */
    bool     is_unhealthy, is_checking;
    bool     last_passed;
    uint64_t checks, fails, unhealthy; /* questions, failures, changes to down */
};
void health_tell(const struct peer *peer, struct health_facts *out);
