/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The primary peers of a large set, ordered by their measure: a binary tree
 * whose leaves are the peers, and each node of which has the least value below
 * it.  What has changed since the last pick is brought up to date first
 * (core/upstream/changes.h); a peer that may not be asked sleeps (its value is
 * infinite) until it changes or a second is over.
 *
 * As long as nothing changes, time only makes a measure larger: requests under
 * way grow older.  So a value is the least that it can be by now, and the first
 * in the order is measured again before it is chosen.  Where very many have
 * grown, all are measured anew, once a millisecond at most.  Only slow_start, and
 * times that fade, make a measure smaller: all are measured anew each second.
 *
 * It is part of a set, and so of one process; the states can be shared.
 */
#include <math.h>
#include <stdlib.h>

#include "core/upstream/changes.h"
#include "modules/balance/least.h"

struct place {
    const struct peer_state *state;
    unsigned                 leaf;
};

/* So many are measured again one by one. */
enum { GROWN_MOST = 32 };

struct least_order {
    const struct least *by;
    double       *value;  /* of nodes: [1] is the root, leaf i is n + i       */
    unsigned      n;      /* leaves, a power of two                           */
    struct place *places; /* of all primary peers, sorted by state            */
    unsigned      n_places;
    uint64_t      seen; /* changes                                          */
    time_t        woken_at;
    const struct peer_changes *of;
};


void *
least_order_new(struct arena *a, const struct peer_set *set)
{
    struct least_order *o;

    if (set->n_primary < PEERS_MANY)
        return NULL;
    o = arena_make(a, struct least_order);
    for (o->n = PEERS_MANY; o->n < set->n_primary;)
        o->n *= 2;
    o->value = arena_array(a, double, (size_t) o->n * 2);
    o->places = arena_array(a, struct place, set->n_primary);
    return o;
}


static int
compare(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t) ((const struct place *) a)->state;
    uintptr_t y = (uintptr_t) ((const struct place *) b)->state;

    return x < y ? -1 : x > y;
}


static double
least(double a, double b)
{
    return a < b ? a : b;
}


static void
set_leaf(struct least_order *o, unsigned leaf, double value)
{
    unsigned i = o->n + leaf;

    o->value[i] = value;
    for (i /= 2; i != 0; i /= 2)
        o->value[i] = least(o->value[2 * i], o->value[2 * i + 1]);
}


static double
value_of(const struct least_order *o, const struct peer_set *set, unsigned leaf)
{
    const struct peer *peer = &set->peers[leaf];

    return peer->server->is_down || peer->server->is_drain
               ? INFINITY
               : least_measure(o->by, set, peer);
}


/* All that do not sleep. */
static void
measure_all(struct least_order *o, const struct peer_set *set)
{
    for (unsigned i = 0; i < set->n_primary; i++)
        if (o->value[o->n + i] < INFINITY)
            o->value[o->n + i] = value_of(o, set, i);
    for (unsigned i = o->n - 1; i != 0; i--)
        o->value[i] = least(o->value[2 * i], o->value[2 * i + 1]);
}


/* All anew; the states may be others than before. */
static void
build(struct least_order *o, const struct peer_set *set)
{
    o->n_places = set->n_primary;
    for (unsigned i = 0; i < o->n; i++)
        o->value[o->n + i] = i < set->n_primary ? 0 : INFINITY;
    measure_all(o, set);
    for (unsigned i = 0; i < set->n_primary; i++)
        o->places[i] = (struct place){ set->peers[i].state, i };
    qsort(o->places, o->n_places, sizeof(*o->places), compare);
}


static void
update(struct least_order *o, const struct peer_set *set,
       const struct peer_state *state)
{
    const struct place  key = { .state = state };
    const struct place *p
        = bsearch(&key, o->places, o->n_places, sizeof(key), compare);

    if (p != NULL)
        set_leaf(o, p->leaf, value_of(o, set, p->leaf));
}


static void
refresh(struct least_order *o, const struct peer_set *set,
        const struct peer_changes *c, time_t now)
{
    if (o->of != c || c->n - o->seen > CHANGES_ROOM || o->woken_at != now)
        build(o, set);
    else
        for (uint64_t i = o->seen; i < c->n; i++)
            update(o, set, c->at[i % CHANGES_ROOM]);
    o->of = c;
    o->seen = c->n;
    o->woken_at = now;
}


/* The first leaf from that one on, or else the first, with that value, which the
 * root has. */
static unsigned
find(const struct least_order *o, unsigned from, double value)
{
    unsigned i = o->n + from;

    if (o->value[i] <= value)
        return from;
    while (i > 1 && (i % 2 != 0 || o->value[i + 1] > value))
        i /= 2;
    i = i > 1 ? i + 1 : 1;
    while (i < o->n)
        i = o->value[2 * i] <= value ? 2 * i : 2 * i + 1;
    return i - o->n;
}


/* The leaf with the least value, which it has now; among equals the first from
 * that one on. */
static unsigned
find_least(struct least_order *o, const struct peer_set *set, unsigned from)
{
    for (unsigned i = 0;; i++) {
        unsigned leaf = find(o, from, o->value[1]);
        double   now = value_of(o, set, leaf);

        if (now <= o->value[o->n + leaf])
            return leaf;
        if (i < GROWN_MOST)
            set_leaf(o, leaf, now);
        else
            measure_all(o, set);
    }
}


const struct peer *
least_order_next(struct pick *p, const struct least *by, time_t now)
{
    const struct peer_set     *set = p->set;
    const struct peer_changes *c = peer_set_changes(set);
    struct least_order        *o = set->balance;
    const struct peer         *peer;
    unsigned                   leaf, turn;

    if (c == NULL)
        return NULL;
    o->by = by;
    refresh(o, set, c, now);
    turn = peer_set_turn(set)->index;
    while (o->value[1] < INFINITY) {
        leaf = find_least(o, set, turn);
        peer = &set->peers[leaf];
        if (peer_is_usable(p, peer, now)) {
            peer_regain(peer);
            return peer_choose(peer, now);
        }
        set_leaf(o, leaf, INFINITY);
    }
    o->of = NULL; /* it is built anew: what slept may have been tried only */
    return NULL;
}
