/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of core/upstream: from server lines to peers.
 */
#pragma once

#include "core/upstream/group.h"
#include "core/upstream/link.h"

/* What the module keeps for a generation. */
struct upstreams {
    VEC(struct upstream_group *) all;
    struct hash *by_name[CONF_MAIL + 1]; /* struct upstream_group, chained   */
};

extern struct module upstream_module;

/* The type of the server directive. */
extern const struct conf_type upstream_server_type;

/* The type of the zone directive. */
extern const struct conf_type upstream_zone_type;

/* The upstream {} with the nearest name, under the next message. */
void upstream_suggest(struct conf *cf, str_t name);

/* A zeroed group with every default. */
void group_init(struct upstream_group *g, str_t name);
/* Resolves an implicit group and makes peers; reports what is wrong. */
void group_build(struct conf *cf, struct upstream_group *g);

/* "@NAME" */
bool upstream_names_group(str_t text);
/* Gives such a server its only peer, which has no address. */
void upstream_stand_for_group(struct arena *a, struct upstream_server *s);
/* When all groups have been read: finds those that servers stand for; reports
 * what is wrong. */
void groups_link(struct conf *cf, const struct upstreams *u);
/* How many peers may be asked, those of groups within it included. */
unsigned peer_set_tries(const struct peer_set *set);
/* p->own stands for a group: chooses a peer of it.  False: it has none. */
bool pick_enter(struct pick *p);
/* The next peer of the same inner group.  False: it has none left. */
bool pick_stay(struct pick *p);

/* A parameter of a server line: NULL, or what is wrong with it. */
const char *upstream_server_take(const struct upstream_group *g,
                                 struct upstream_server *s, str_t arg);

/* Peers of servers, which live as long, counted once.  There may be none, and no
 * primary one, as long as names have no addresses. */
struct peer_set *peer_set_new(struct arena *a,
                              const struct upstream_server *servers, size_t n);
struct peer_set *peer_set_get(struct peer_set *set);
void             peer_set_put(struct peer_set *set);
/* Whether the last count ends more than memory of the arena that it is in. */
bool peer_set_has_more(const struct peer_set *set);
/* By what the states of all its peers are found: the group, the name, and the
 * how-manyth of that name in the set it is. */
str_t *peer_set_keys(struct arena *a, str_t group, const struct peer_set *set);
/* The states have been joined: where peers have come or gone, the positions of
 * round robin begin anew, since they no longer balance each other. */
void peer_set_settle(struct peer_set *set);
/* The states of a set's peers become the process's: those that it has of the
 * same peers, or new ones; until the set ends. */
void own_state_join(struct peer_set *set, const struct upstream_group *g);
void own_state_leave(struct peer_set *set);
/* Gives each peer its id, and finds them by it. */
void peer_set_bind(struct arena *a, struct peer_set *set);
/* With the lock: the peer that the client belongs to, by turns where its id has
 * several; NULL: it has none, or none that may be asked. */
const struct peer *peer_set_choose_bound(struct pick *p);

/* The parts of peer_is_usable. */
bool peer_is_tried(const struct pick *p, const struct peer *peer);
bool peer_has_room(const struct peer *peer);
/* It has not failed too often, or may be given a chance. */
bool peer_is_live(const struct peer *peer, time_t now);

/* With the lock: a peer is chosen, and is no longer used. */
void tally_begin(struct pick *p, const struct peer *peer);
void tally_end(const struct pick *p, const struct peer *peer,
               enum outcome how);
/* It has failed too often, and is live again. */
void tally_down(struct peer_state *state);
void tally_up(struct peer_state *state);

/* Makes it the group's, which takes over the count. */
void group_use(struct arena *a, struct upstream_group *g, struct peer_set *set);
/* The states of a set of the group are in the zone from now on.  False: it is
 * full, which is logged once. */
bool group_share(struct upstream_group *g, struct peer_set *set,
                 struct zone *zone);

/* The pool of the process for groups of that name and kind of traffic: one
 * generation's group hands it on to the next one's.  Counted. */
struct idle_pool *idle_pool_get(const struct upstream_group *g,
                                enum serves_kind             kind);
/* The last one discards all that wait. */
void idle_pool_put(struct idle_pool *pool);

/* Announced links to peers of the pool. */
struct list *idle_opening(struct idle_pool *pool);
/* Whether connections to the peer of that name carry one use at a time, as far as
 * it was noted.  Names are told apart by a hash: a wrong answer costs a
 * connection. */
bool idle_is_single(const struct idle_pool *pool, str_t name);
void idle_note_single(struct idle_pool *pool, str_t name, bool is_single);
/* Whether one opened for a serves b. */
bool link_kind_is(const struct link_kind *a, const struct link_kind *b);

/* How many are idle in the pool of a group. */
unsigned idle_count(const struct upstream_group *g);

/* Takes the most recently used idle link of that kind to peer off the pool,
 * whatever generation it was opened under; NULL: none.  The handlers of its
 * conn are the caller's to set. */
struct link *idle_take(struct upstream_group *g, const struct peer *peer,
                       const struct link_kind *kind);
/* Keeps one, or discards it at once where that is not to be.  Past the limit
 * the least recently used is discarded, unless it is wanted within a moment;
 * it is discarded too when its timeout passes, the peer closes it or sends what
 * its protocol does not take, slots run short or the worker ends.  Sets conn's
 * on_read and timers. */
void idle_keep(struct upstream_group *g, struct link *l);
/* One in use that has room for one more; NULL: none. */
struct link *idle_find_shared(struct upstream_group *g, const struct peer *peer,
                              const struct link_kind *kind);
/* Lets idle_find_shared find one that is in use. */
void idle_share(struct upstream_group *g, struct link *l);
void idle_unshare(struct link *l);
