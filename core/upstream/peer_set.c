/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sets of peers: one peer for each address of each server.  The set that a
 * configuration makes is part of its arena; one that replaces it at run time
 * has an arena of its own, which is freed when no pick uses it any more.
 */
#include <limits.h>

#include "core/base/hash.h"
#include "core/net/worker.h"
#include "core/shm/registry.h"
#include "core/upstream/build.h"
#include "core/upstream/health.h"
#include "core/upstream/shared.h"


/* Adds the peers of one server behind those that are there. */
static void
add_peers(struct peer_set *set, const struct upstream_server *s)
{
    for (size_t i = 0; i < s->at.n; i++) {
        struct peer *p = &set->peers[set->n_peers];

        p->server = s;
        p->addr = &s->at.at[i];
        p->name = s->at.names[i];
        p->index = set->n_peers;
        p->state->weight = (int) s->weight;
        set->n_peers++;
        if (!s->is_down)
            set->n_tries++;
        if (s->group != NULL)
            set->has_groups = true;
        if (s->slow_start != 0)
            set->has_slow_start = true;
    }
}


/* So that sets can be told apart, even at the same address. */
static unsigned serial;


/* A part of n, such that so many steps of it modulo n come to each number once,
 * and to near ones late. */
static unsigned
find_stride(unsigned n)
{
    static const double golden = 0.6180339887498949;
    unsigned            stride = (unsigned) (n * golden), a, b, rest;

    for (; stride > 1; stride--) {
        for (a = n, b = stride; b != 0; a = b, b = rest)
            rest = a % b;
        if (a == 1)
            return stride;
    }
    return 1;
}


/* The sum stays within its type: of weights beyond all reason, what is too much
 * does not count. */
static void
sum_weights(struct arena *a, struct peer_set *set)
{
    unsigned most = set->n_primary != 0 ? UINT_MAX / set->n_primary : 0;

    set->upto = arena_array(a, unsigned, set->n_primary + 1);
    for (unsigned i = 0; i < set->n_primary; i++) {
        unsigned weight = set->peers[i].server->weight;

        set->upto[i] = set->total_weight += weight < most ? weight : most;
    }
    set->stride = find_stride(set->total_weight);
}


struct peer_set *
peer_set_new(struct arena *a, const struct upstream_server *servers,
             size_t n_servers)
{
    struct peer_set   *set = arena_make(a, struct peer_set);
    struct peer_state *states;
    size_t             n = 0;

    for (size_t i = 0; i < n_servers; i++)
        n += servers[i].at.n;
    set->refs = 1;
    set->servers = servers;
    set->peers = arena_array(a, struct peer, n);
    states = arena_array(a, struct peer_state, n);
    for (size_t i = 0; i < n; i++)
        set->peers[i].state = &states[i];
    for (size_t i = 0; i < n_servers; i++)
        if (!servers[i].is_backup)
            add_peers(set, &servers[i]);
    set->n_primary = set->n_peers;
    sum_weights(a, set);
    for (size_t i = 0; i < n_servers; i++)
        if (servers[i].is_backup)
            add_peers(set, &servers[i]);
    set->is_single = set->n_peers == 1;
    set->serial = ++serial;
    if (set->is_single)
        set->has_slow_start = false;
    return set;
}


struct peer_set *
peer_set_get(struct peer_set *set)
{
    set->refs++;
    return set;
}


bool
peer_set_has_more(const struct peer_set *set)
{
    return set->has_own_states || set->zone != NULL || set->own != NULL;
}


void
peer_set_put(struct peer_set *set)
{
    if (--set->refs != 0)
        return;
    if (set->has_own_states)
        own_state_leave(set);
    if (set->zone != NULL)
        shared_leave(set);
    if (set->own != NULL)
        arena_free(set->own);
}


str_t *
peer_set_keys(struct arena *a, str_t group, const struct peer_set *set)
{
    struct hash *seen = hash_new(a, set->n_peers, HASH_EXACT);
    str_t       *keys = arena_array(a, str_t, set->n_peers);

    for (unsigned i = 0; i < set->n_peers; i++) {
        str_t     name = set->peers[i].name;
        unsigned *n = hash_get(seen, name);

        if (n == NULL) {
            n = arena_make(a, unsigned);
            (void) hash_set(seen, name, n);
        }
        keys[i] = arena_printf(a, STR_F " " STR_F " %u", STR_A(group),
                               STR_A(name), (*n)++);
    }
    return keys;
}


/* Each choice adds as much to all of them as it takes from one. */
void
peer_set_settle(struct peer_set *set)
{
    int64_t sum = 0;

    for (unsigned i = 0; i < set->n_peers; i++)
        sum += set->peers[i].state->current;
    for (unsigned i = 0; sum != 0 && i < set->n_peers; i++)
        set->peers[i].state->current = 0;
}


const struct peer *
peer_set_at(const struct peer_set *set, unsigned hash)
{
    unsigned x = hash % set->total_weight;
    unsigned low = 0, high = set->n_primary - 1, mid;

    while (low < high) {
        mid = (low + high) / 2;
        if (x < set->upto[mid])
            high = mid;
        else
            low = mid + 1;
    }
    return &set->peers[low];
}


const struct peer *
peer_set_turn(const struct peer_set *set)
{
    uint64_t *turn = &set->peers[0].state->turn;

    *turn = (*turn + set->stride) % set->total_weight;
    return peer_set_at(set, (unsigned) *turn);
}


void
group_use(struct arena *a, struct upstream_group *g, struct peer_set *set)
{
    if (g->balancer->build != NULL && set->n_primary != 0)
        set->balance = g->balancer->build(a, set);
    if (g->binding != NULL)
        peer_set_bind(a, set);
    if (g->set != NULL)
        peer_set_put(g->set);
    g->set = set;
}


bool
group_share(struct upstream_group *g, struct peer_set *set, struct zone *zone)
{
    bool has_room = shared_join(set, g->name, zone);

    if (!has_room && !g->is_crowded)
        log_at(&worker->log, LEVEL_ALERT, 0,
               "zone \"" STR_F "\" is full: the servers of upstream \"" STR_F
               "\" have states of this process",
               STR_A(g->zone->name), STR_A(g->name));
    g->is_crowded = !has_room;
    return has_room;
}


bool
upstream_replace(struct upstream_group *g, struct arena *a,
                 const struct upstream_server *servers, size_t n)
{
    struct peer_set *set = peer_set_new(a, servers, n);
    struct zone     *zone = g->live != NULL ? g->zone->zone : g->set->zone;

    if (set->n_primary == 0 && g->names == NULL && g->live == NULL)
        return false;
    set->own = a;
    if (zone != NULL ? !group_share(g, set, zone) : g->set->has_own_states)
        own_state_join(set, g);
    health_attach(a, g, set);
    group_use(a, g, set);
    return true;
}
