/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clients that belong to peers: what a peer is known by to them, and which of
 * the peers with one id is asked.  How a client says what it belongs to is the
 * business of a struct binding.
 */
#include <openssl/evp.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/escape.h"
#include "core/base/siphash.h"
#include "core/upstream/build.h"

enum { MD5_SIZE = 16 };


uint64_t
binding_key(str_t id)
{
    static const uint64_t seed[2]
        = { 0x776569722062696eULL, 0x64696e67206b6579 };

    return siphash(seed, id);
}


/* Its MD5 in hexadecimal digits. */
static str_t
digest_of(struct arena *a, str_t name)
{
    unsigned char sum[MD5_SIZE];

    CHECK(EVP_Digest(name.p, name.n, sum, NULL, EVP_md5(), NULL) == 1);
    return hex_encode(a, (str_t){ (const char *) sum, MD5_SIZE });
}


/* Peers with one id in their order. */
static int
compare(const void *a, const void *b)
{
    const struct bound *x = a, *y = b;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}


void
peer_set_bind(struct arena *a, struct peer_set *set)
{
    set->bound = arena_array(a, struct bound, set->n_peers);
    for (unsigned i = 0; i < set->n_peers; i++) {
        struct peer *peer = &set->peers[i];

        peer->id = peer->server->route.n != 0 ? peer->server->route
                                              : digest_of(a, peer->name);
        set->bound[i] = (struct bound){ binding_key(peer->id), i };
    }
    qsort(set->bound, set->n_peers, sizeof(*set->bound), compare);
}


static const struct bound *
find(const struct peer_set *set, uint64_t key)
{
    unsigned low = 0, high = set->n_peers, mid;

    while (low < high) {
        mid = (low + high) / 2;
        if (set->bound[mid].key < key)
            low = mid + 1;
        else
            high = mid;
    }
    return set->bound + low;
}


static bool
has_usable_primary(const struct pick *p, time_t now)
{
    for (unsigned i = 0; i < p->set->n_primary; i++)
        if (peer_is_usable(p, &p->set->peers[i], now))
            return true;
    return false;
}


/* A request that round robin does not give away counts all the same, as in
 * nginx: the primary peers in front of the one that gets it, or all of them
 * when the wanted one may not be asked, are as much closer to their turn. */
static void
advance_others(struct pick *p, unsigned end, time_t now)
{
    if (p->group->balancer != &round_robin)
        return;
    for (unsigned i = 0; i < end && i < p->set->n_primary; i++) {
        const struct peer *peer = &p->set->peers[i];

        if (peer_is_usable(p, peer, now))
            peer->state->current += peer_share(p->set, peer);
    }
}


const struct peer *
peer_set_choose_bound(struct pick *p)
{
    const struct peer_set *set = p->set;
    const struct bound    *first, *b, *end;
    struct smooth          s = { .set = set };
    time_t                 now = pick_now();

    if (!p->is_bound || set->bound == NULL)
        return NULL;
    end = set->bound + set->n_peers;
    first = find(set, p->wanted);
    for (b = first; b < end && b->key == p->wanted; b++) {
        const struct peer *peer = &set->peers[b->index];

        if (peer_is_tried(p, peer) || !peer_has_room(peer)
            || !peer_is_live(peer, now))
            continue;
        if (peer->server->is_backup && has_usable_primary(p, now))
            continue;
        smooth_add(&s, peer);
    }
    advance_others(p, s.best != NULL ? first->index : set->n_primary, now);
    return smooth_end(&s, now);
}
