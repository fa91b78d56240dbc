/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Upstream groups: named sets of servers, the peers that they stand for, and
 * the balancer that chooses among them.  HTTP and stream share them.
 *
 * What is configured is part of the generation; what changes as requests come
 * and go (fails, weights, connections) is struct peer_state.  It belongs to the
 * process, or, where the group has a zone, to all workers, and outlives
 * generations as long as the group has the peer.  Which peers there are can
 * change at run time as well: then the group gets another peer_set.
 */
#pragma once

#include "core/conf/conf.h"
#include "core/event/task.h"
#include "core/net/addr.h"

struct balancer;
struct health_check;
struct health_slot;
struct holder;
struct idle_pool;
struct live;
struct name;
struct names;
struct upstream_queue;
struct zone;
struct zone_conf;

/* One server line. */
struct upstream_server {
    str_t           text;   /* as written                                   */
    struct endpoint at;     /* its addresses                                */
    unsigned        weight; /* 1                                            */
    unsigned        max_conns; /* 0: no limit                                */
    unsigned        max_fails; /* 1; 0: never considered failed              */
    uint64_t        fail_timeout; /* seconds, 10                             */
    msec_t          slow_start;   /* 0: at once                              */
    str_t           route;  /* what clients are bound by; empty: each address
                               has a name of its own                         */
    bool            is_backup, is_down;
    bool            is_drain; /* only for clients that are bound to it       */
    bool            resolves; /* resolve                                     */
    bool            is_fixed; /* resolve=off                                 */
    str_t           service;  /* service=                                    */
    struct upstream_group *group; /* that it stands for (@NAME); or NULL     */
    unsigned        id;       /* among those of its group, for good           */
    const char     *file;
    unsigned        line;
    struct name    *name; /* that is looked up again; NULL: the addresses
                             never change                                    */
};

enum { PEER_TIME_SCALE = 16 };

/* What a peer has done so far. */
struct peer_tally {
    uint64_t requests; /* that it was chosen for                             */
    uint64_t responses[5]; /* 1xx to 5xx                                      */
    uint64_t sent, received; /* bytes                                        */
    uint64_t fails;
    uint64_t unavail;  /* times that it has failed too often                 */
    uint64_t down_ms;  /* for how long it was left alone, but for: */
    uint64_t down_since; /* milliseconds of the clock; 0: it is not           */
    time_t   selected_at; /* when it was chosen last, of the calendar; 0: not */
    /* Averages in parts of milliseconds; 0: not measured. */
    uint64_t header_time, response_time;
};

/* What changes of a peer as requests come and go.  Without pointers, since it
 * may stand in memory that processes share. */
struct peer_state {
    int64_t  current; /* of smooth weighted round robin                      */
    uint64_t turn;    /* of a set that begins with it, and is large          */
    int      weight;  /* effective, falls with failures                      */
    unsigned fails;
    unsigned conns;   /* in use now                                          */
    time_t   failed_at, checked_at; /* last failure; last time that it was
                           given a chance: monotonic seconds                 */
    msec_t   risen_at; /* since when it is live again; 0: for long            */
    uint64_t begun_ms; /* the sum of the moments at which the requests began
                          that use it                                        */
    struct peer_tally tally;
};

/* One address of one server. */
struct peer {
    const struct upstream_server *server;
    const struct addr_any        *addr;
    str_t                         name;  /* what $upstream_addr prints       */
    unsigned                      index; /* in its set                       */
    struct peer_state            *state;
    str_t                         id;    /* clients are bound by it: the route,
                                            or MD5 of the name; empty where
                                            the group has no binding         */
    struct health_slot          **health; /* one for each check, or NULL     */
    unsigned                      n_health;
};

/* Where the peers with one id are: sorted by key. */
struct bound {
    uint64_t key; /* binding_key of the id                                   */
    unsigned index;
};

/* The peers of a group.  Constant, except for their states: when the peers of
 * a group change, it gets another set, and picks that run keep the old one.
 * Counted. */
struct peer_set {
    unsigned      refs;
    unsigned      serial; /* another one for each set of a process           */
    struct arena *own;    /* is freed with the set; NULL: the set is part of
                             a generation or a task                          */
    const struct upstream_server *servers;
    struct peer *peers;   /* primary ones first, then the backups            */
    unsigned     n_peers, n_primary;
    unsigned     n_tries; /* peers that are not down                         */
    unsigned     total_weight; /* of the primary ones                        */
    unsigned    *upto;    /* of each primary one, the sum of the weights up to
                             it and with it                                  */
    unsigned      stride; /* from a turn to the next one, in a large set     */
    bool         is_single; /* there is one peer only: it never counts as
                               failed                                        */
    bool         has_groups; /* a server stands for a group                  */
    bool         has_slow_start; /* a server has slow_start                  */
    bool         has_own_states; /* those of the process (own_state.c)       */
    void        *balance; /* what the balancer has built                     */
    struct bound *bound;   /* of all peers, where the group has a binding     */
    struct zone *zone;    /* has the states, which workers share; or NULL    */
    struct holder *mine;  /* ... and what this one counts there, from its
                             first connection on                             */
};

struct upstream_group {
    str_t name; /* of upstream {}, or host of a proxy_pass       */
    struct upstream_group *next; /* of the same name, on another port        */
    const char *file; /* of the block, or of the first proxy_pass      */
    unsigned    line;
    enum serves_kind kind;   /* of the block that it serves                  */
    unsigned    port;        /* of an implicit one                            */
    bool        no_port;     /* ... which was not given but is the default    */
    bool        is_explicit; /* there is an upstream {}                      */
    bool        is_ready;
    struct conf_block *block; /* while the configuration is read: whose
                                resolver serves it                           */
    const struct conf_block *user; /* that was the first to name the group   */
    struct names *names;    /* that are looked up again; NULL: none          */
    struct health_check *checks; /* that peers have to pass, or NULL         */
    struct zone_conf *zone; /* all workers share the state of the peers      */
    bool         is_crowded; /* ... but it had no room for them, last time   */
    VEC(struct upstream_server) servers; /* as configured                    */
    str_t        state; /* the file that has them instead; empty: none       */
    uint64_t     digest; /* of what is configured                             */
    struct live *live;   /* in the zone, which can have other servers; or NULL */
    uint64_t     live_version; /* of those that are known here                */
    const struct upstream_server *lines; /* that count now, and the names in
                                            them have the addresses of now    */
    size_t        n_lines;
    struct arena *lines_arena; /* theirs; NULL: they are as configured        */
    struct peer_set *set; /* of the picks that begin now, counted            */
    const struct balancer *balancer; /* round robin unless a directive says  */
    void *balance; /* what the balancer's directive said            */
    const struct binding *binding; /* NULL: clients are not bound            */
    void *binding_conf; /* what its directive said                       */
    struct upstream_queue *queue; /* of those that find no peer; NULL: they are
                                     refused                                 */
    bool is_owned; /* a connection serves one client's connection only   */
    /* Idle connections: */
    uint64_t keepalive; /* at most, per worker; 0: none                  */
    bool     keepalive_local;
    bool     keepalive_is_set;
    uint64_t keepalive_requests;
    msec_t   keepalive_time, keepalive_timeout;
    struct idle_pool *idle; /* the process's, counted; NULL: none are kept,
                               or this process does not serve                */
};

/* What came of asking a peer. */
enum outcome {
    PEER_OK,     /* it has answered                                          */
    PEER_FAILED, /* it counts as a failure (max_fails)                       */
    PEER_NEXT,   /* another peer is asked, but it has not failed (http_404)  */
    PEER_UNTRIED, /* it was not asked, because of a shortage on this machine:
                    neither a failure nor a try                              */
};

/* What asking a peer has brought, as far as whoever asks knows. */
struct pick_result {
    int64_t  header_ms, response_ms; /* -1: not measured                     */
    uint64_t sent, received;         /* bytes                                */
    unsigned status;                 /* 0: none                              */
};

/* How a task chooses peers of a group, one after the other. */
struct pick {
    struct task           *task;
    struct upstream_group *group;
    struct peer_set       *set;   /* counted until pick_end                  */
    void                  *state; /* the balancer's, zeroed                  */
    uint64_t              *tried; /* bit per peer                            */
    const struct peer     *own;   /* of this group: the current one          */
    const struct peer     *peer;  /* that is asked: the same, or, where that
                                     stands for a group, one of it           */
    struct pick           *inner; /* among the peers of that group; or NULL  */
    enum outcome           inner_how; /* of the last one                     */
    unsigned               tries; /* how many peers may still be asked, with
                                     the current one                         */
    bool                   on_backup;
    bool                   is_bound; /* the client belongs to the peer with: */
    uint64_t               wanted;   /* binding_key of its id                */
    msec_t                 began_at; /* with the current peer                */
    struct pick_result     result;   /* of the current peer, set before it is
                                        done                                 */
};

/* A way of choosing: hash, least_conn, random ... */
struct balancer {
    const char *name;       /* of its directive                              */
    const char *words;      /* in lines of level debug: "get WORDS peer"     */
    size_t      state_size; /* per pick                                      */
    bool        refuses_backup; /* "balancing method does not support ..."   */
    bool        takes_weight;
    bool        takes_slow_start;
    /* Builds what it needs to choose among these peers, which it finds in
     * set->balance; or NULL. */
    void *(*build)(struct arena *a, const struct peer_set *set);
    /* A pick begins: evaluates what next needs of the task, since all that
     * follows is called under the lock of a zone; or NULL. */
    void (*start)(struct pick *p);
    /* The next peer, or NULL when none is left that may be asked; pick_next
     * marks it in pick->tried and counts it. */
    const struct peer *(*next)(struct pick *p);
    /* The peer is no longer used; or NULL. */
    void (*done)(struct pick *p, const struct peer *peer, enum outcome how);
};

/* Keeps a client with its peer, whatever the balancer is: sticky. */
struct binding {
    /* A pick begins: where the client belongs to a peer, sets is_bound and
     * wanted.  The peer is chosen if it may be asked, else the balancer does
     * that.  A backup is only for when no primary one may be asked. */
    void (*start)(struct pick *p);
    /* p->own was chosen; or NULL. */
    void (*chosen)(struct pick *p);
    /* The peer has begun to answer, or its answer is complete; or NULL. */
    void (*answered)(struct pick *p, bool is_complete);
};

/* An id as a number, the same in all processes. */
uint64_t binding_key(str_t id);

/* For the parse function of a balancer's directive: makes it the balancer of
 * the upstream {} block; balance is stored in group->balance.  NULL or a
 * message. */
const char *upstream_use(struct conf *cf, const struct balancer *b,
                         void *balance);
/* The group of the upstream {} block that is being read. */
struct upstream_group *upstream_at_hand(struct conf *cf);

extern const struct balancer round_robin;

/*
 * The group that url ("host", "host:port", "unix:/path", each with "/uri"
 * behind it where uri is not NULL) means: an upstream {} of that name, which
 * may stand further down in the file, else an implicit one, whose name is
 * resolved when all has been read.  NULL with *error set, in nginx's words.
 */
struct upstream_group *upstream_add(struct conf *cf, str_t url,
                                    unsigned default_port, str_t *uri,
                                    const char **error);
/* At run time, for proxy_pass with variables: the upstream {} of that name, or
 * the implicit group of that host and port; NULL when there is none. */
struct upstream_group *upstream_lookup(const struct generation *g,
                                       enum serves_kind       kind,
                                       const struct endpoint *at);
/* A group of addresses found at run time, in a task's arena; names[i] is the
 * text of at[i] with its port. */
struct upstream_group *upstream_dynamic(struct task *t, str_t name,
                                        const struct addr_any *at,
                                        const str_t *names, size_t n);

/* From now on picks of the group begin with peers of those servers; picks that
 * run go on with the ones that they have.  A peer that stays (its name, the
 * text of its address, is the same) keeps its state: failures, connections,
 * and its weight, unless another one is configured.  The arena, which has all
 * that the servers point to, ends with the last pick on the set.  False: no
 * server is a primary one, and nothing has changed. */
bool upstream_replace(struct upstream_group *g, struct arena *a,
                      const struct upstream_server *servers, size_t n);

/* Begins to choose among the peers that a group has now; pick_end follows. */
void pick_start(struct pick *p, struct task *t, struct upstream_group *g);
const struct peer *pick_next(struct pick *p);
/* The group that the current peer is of, which is this one's or within it. */
struct upstream_group *pick_group(const struct pick *p);
/* Nothing was tried so far: begins again, with the peers of now. */
void         pick_again(struct pick *p);
/* Whether there is a peer that was not tried, and could be asked if it has not
 * too many connections. */
bool pick_awaits_room(const struct pick *p);
/* After such a wait: begins again, without those that were tried. */
void pick_resume(struct pick *p);
/* The current peer has begun to answer, or has answered. */
void         pick_answered(struct pick *p, bool is_complete);
void         pick_done(struct pick *p, enum outcome how);
/* Whether another peer could still be asked. */
bool pick_has_more(const struct pick *p);
/* As pick_done, and no other peer will be asked. */
void pick_end(struct pick *p, enum outcome how);

/* Maps a hash to a primary peer, in proportion to the weights; of which there
 * is one. */
const struct peer *peer_set_at(const struct peer_set *set, unsigned hash);

/* With the lock: whose turn it would be next, if the primary peers had turns by
 * their weights alone. */
const struct peer *peer_set_turn(const struct peer_set *set);

/* Whether a peer may be asked now: it is not down, has not failed too often,
 * has not too many connections, and was not tried by p.  now is pick_now(). */
bool peer_is_usable(const struct pick *p, const struct peer *peer, time_t now);
time_t pick_now(void); /* monotonic seconds */
/* The peer is chosen: notes when one that has failed was given another chance.
 * Returns peer. */
const struct peer *peer_choose(const struct peer *peer, time_t now);

/* Of an average in a peer_tally. */
uint64_t peer_mean_ms(uint64_t average);
/* Such an average, as it counts now: half of it for every ten seconds in which
 * the peer has had no request.  A peer that was slow once is so asked again. */
uint64_t peer_time(const struct peer_state *state, uint64_t average);

/* A peer's part of the work: its effective weight, as far as it is live again.
 * Comparable among peers of one set. */
int64_t peer_share(const struct peer_set *set, const struct peer *peer);

/* A peer could be chosen: it gets back a part of the weight that failures have
 * cost. */
void peer_regain(const struct peer *peer);

/* Smooth weighted round robin among the peers that are added. */
struct smooth {
    const struct peer_set *set;
    const struct peer     *best;
    int64_t                total;
};
void         smooth_add(struct smooth *s, const struct peer *peer);
const struct peer *smooth_end(struct smooth *s, time_t now);
