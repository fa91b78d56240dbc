/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The states of peers that this process does not share.  They are the
 * process's, found by the group and the peer's name, and counted by the sets
 * that have the peer: a set that takes another's place, or that of another
 * generation, goes on with the failures, the connections and the positions of
 * the peers that stay, while picks still run on the one before.
 */
#include <stdlib.h>

#include "core/base/check.h"
#include "core/upstream/build.h"

enum { BUCKETS = 16384 };

struct own_state {
    struct own_state *next;
    unsigned          refs;   /* sets                                        */
    unsigned          weight; /* as configured                               */
    struct peer_state state;
    size_t            n;
    char              key[];
};

static struct own_state *table[BUCKETS];


static struct own_state **
bucket_of(str_t key)
{
    return &table[str_hash(key) % BUCKETS];
}


static struct own_state *
find(str_t key)
{
    struct own_state *s = *bucket_of(key);

    while (s != NULL && !str_eq((str_t){ s->key, s->n }, key))
        s = s->next;
    return s;
}


static struct own_state *
add(str_t key)
{
    struct own_state *s = calloc(1, sizeof(*s) + key.n);

    if (s == NULL)
        check_memory(sizeof(*s));
    memcpy(s->key, key.p, key.n);
    s->n = key.n;
    s->next = *bucket_of(key);
    *bucket_of(key) = s;
    return s;
}


static struct own_state *
get(str_t key)
{
    struct own_state *s = find(key);

    if (s == NULL)
        s = add(key);
    s->refs++;
    return s;
}


static void
put(struct own_state *s)
{
    struct own_state **at = bucket_of((str_t){ s->key, s->n });

    if (--s->refs != 0)
        return;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    free(s);
}


static void
join(struct peer *peer, struct own_state *s)
{
    unsigned weight = peer->server->weight;

    if (s->weight != weight) {
        s->weight = weight;
        s->state.weight = (int) weight;
    }
    peer->state = &s->state;
}


void
own_state_join(struct peer_set *set, const struct upstream_group *g)
{
    struct arena *a = arena_new(0);
    str_t        group = arena_printf(a, "%d %u " STR_F, (int) g->kind, g->port,
                                      STR_A(g->name));
    const str_t *keys = peer_set_keys(a, group, set);

    for (unsigned i = 0; i < set->n_peers; i++)
        join(&set->peers[i], get(keys[i]));
    set->has_own_states = true;
    peer_set_settle(set);
    arena_free(a);
}


void
own_state_leave(struct peer_set *set)
{
    for (unsigned i = 0; i < set->n_peers; i++)
        put(container_of(set->peers[i].state, struct own_state, state));
    set->has_own_states = false;
}
