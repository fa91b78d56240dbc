/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Upstream groups: named sets of servers, the peers that they stand for, and
 * the balancer that chooses among them.  HTTP and stream share them.
 *
 * What is configured is part of the generation; what changes as requests come
 * and go (fails, weights, connections) is the worker's own and stands in
 * struct peer beside it.
 */
#pragma once

#include "core/conf/conf.h"
#include "core/event/task.h"
#include "core/net/addr.h"

struct balancer;
struct idle_pool;

/* One server line. */
struct upstream_server {
    str_t           text;    /* as written                                   */
    struct endpoint at;      /* its addresses                                */
    unsigned        weight;  /* 1                                            */
    unsigned        max_conns; /* 0: no limit                                */
    unsigned        max_fails; /* 1; 0: never considered failed              */
    uint64_t        fail_timeout; /* seconds, 10                             */
    bool            is_backup, is_down;
};

/* One address of one server. */
struct peer {
    const struct upstream_server *server;
    const struct addr_any        *addr;
    str_t                         name; /* what $upstream_addr prints        */
    unsigned                      index; /* in the group                     */
    /* The worker's: */
    int      weight;    /* effective, falls with failures                    */
    int      current;   /* of smooth weighted round robin                    */
    unsigned fails;
    unsigned conns;     /* in use now                                        */
    time_t   accessed, checked; /* last failure; last one that was tried     */
};

struct upstream_group {
    str_t       name;       /* of upstream {}, or host:port of a proxy_pass  */
    const char *file;       /* NULL: implicit, of a proxy_pass               */
    unsigned    line;
    unsigned    port;       /* of an implicit one                            */
    VEC(struct upstream_server) servers;
    struct peer *peers;     /* primary ones first, then the backups          */
    unsigned     n_peers, n_primary;
    unsigned     total_weight; /* of the primary ones that are not down      */
    const struct balancer *balancer; /* round robin unless a directive says  */
    void        *balance;   /* the balancer's own                            */
    /* keepalive, of connections that wait for another use: */
    uint64_t     keepalive; /* at most, per worker; 0: off                   */
    bool         keepalive_local;
    bool         keepalive_is_set;
    uint64_t     keepalive_requests;
    msec_t       keepalive_time, keepalive_timeout;
    struct idle_pool *idle; /* the worker's, made when first needed          */
};

/* How a peer was left. */
enum outcome {
    PEER_OK,     /* answered                                                 */
    PEER_FAILED, /* counts against max_fails                                 */
    PEER_NEXT,   /* to be passed over this time only (http_404 ...)          */
};

/* One task's way through a group. */
struct pick {
    struct task           *task;
    struct upstream_group *group;
    void                  *state; /* the balancer's, zeroed                  */
    uint64_t              *tried; /* bit per peer                            */
    struct peer           *peer;  /* the current one                         */
    bool                   on_backup;
};

/* A way of choosing, made for others to come: hash, least_conn, random ... */
struct balancer {
    const char *name;       /* as the directive                              */
    size_t      state_size; /* per pick                                      */
    bool        refuses_backup; /* "balancing method does not support ..."   */
    bool        takes_weight;
    /* The group is complete: set up group->balance.  NULL or a message. */
    const char *(*init)(struct conf *cf, struct upstream_group *g);
    /* The next peer, marked in pick->tried and counted, or NULL when none is
     * left that may be asked. */
    struct peer *(*next)(struct pick *p);
    /* The peer is no longer used. */
    void        (*done)(struct pick *p, struct peer *peer, enum outcome how);
};

extern const struct balancer round_robin;

/* Of upstream {} blocks and of proxy_pass, by name; NULL: there is none.
 * port 0 matches any. */
struct upstream_group *upstream_find(struct conf *cf, str_t name,
                                     unsigned port);
/* The group for the host of a proxy_pass: an upstream{} of that name (which may
 * stand further down in the file), else an implicit one, whose name is
 * resolved when all has been read.  is_uri as ENDPOINT_URI. */
struct upstream_group *upstream_add(struct conf *cf, str_t host_port,
                                    unsigned default_port);
/* At run time: the upstream {} of that name, for proxy_pass with variables. */
struct upstream_group *upstream_lookup(const struct generation *g,
                                       enum serves_kind kind, str_t name);
/* A group of addresses found at run time, in a task's arena. */
struct upstream_group *upstream_dynamic(struct task *t, str_t name,
                                        const struct addr_any *at, size_t n);

/* Starts a way through a group. */
void         pick_start(struct pick *p, struct task *t,
                        struct upstream_group *g);
struct peer *pick_next(struct pick *p);
void         pick_done(struct pick *p, enum outcome how);
/* Whether another peer could still be asked. */
bool         pick_has_more(const struct pick *p);

/* What all balancers share: is this peer out of the running now (down, failed
 * too often, too many connections, tried)? */
bool peer_is_usable(const struct pick *p, const struct peer *peer, time_t now);

/* A connection that waits for another use.  The gateway embeds it. */
struct idle {
    struct list        link;
    struct conn       *conn;
    const struct peer *peer;
    const void        *owner;  /* whom it may serve when keepalive is local  */
    uint64_t           requests;
    msec_t             opened_at;
    void             (*discard)(struct idle *); /* closes and frees it       */
};

/* Takes the most recently used idle connection to peer; NULL: none. */
struct idle *idle_take(struct upstream_group *g, const struct peer *peer,
                       const void *owner);
/* Keeps one; the least recently used is discarded past the limit; it is
 * discarded too when its timeout passes or the peer sends or closes. */
void idle_keep(struct upstream_group *g, struct idle *i);
