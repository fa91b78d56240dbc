/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Comparing how busy peers are.
 */
#include "modules/balance/least.h"


/* A peer that was not measured has 0: it comes first. */
static double
time_of(const struct least *l, const struct peer_state *s)
{
    const struct peer_tally *t = &s->tally;
    uint64_t                 measured = l->by == LEAST_HEADER ? t->header_time
                                                              : t->response_time;
    double                   mean = (double) peer_time(s, measured), ages;

    if (!l->is_inflight || s->conns == 0)
        return mean;
    ages = (double) clock_ms() - (double) s->begun_ms / s->conns;
    ages *= PEER_TIME_SCALE;
    return ages > mean ? ages : mean;
}


double
least_measure(const struct least *l, const struct peer_set *set,
              const struct peer *peer)
{
    const struct peer_state *s = peer->state;
    double                   share = peer->server->weight;

    if (set->has_slow_start)
        share = (double) peer_share(set, peer);
    if (share < 1)
        share = 1;
    if (l->by == LEAST_CONNS)
        return s->conns / share;
    return time_of(l, s) * (s->conns + 1) / share;
}


static const struct peer *
choose(struct pick *p, const struct least *l, unsigned from, unsigned to)
{
    const struct peer_set *set = p->set;
    const struct peer     *least = NULL;
    struct smooth          s = { .set = set };
    time_t                 now = pick_now();
    double                 best = 0, m;

    for (unsigned i = from; i < to; i++) {
        const struct peer *peer = &set->peers[i];

        if (!peer_is_usable(p, peer, now))
            continue;
        m = least_measure(l, set, peer);
        if (least == NULL || m < best) {
            least = peer;
            best = m;
        }
    }
    for (unsigned i = from; least != NULL && i < to; i++) {
        const struct peer *peer = &set->peers[i];

        if (peer_is_usable(p, peer, now) && least_measure(l, set, peer) <= best)
            smooth_add(&s, peer);
    }
    return smooth_end(&s, now);
}


const struct peer *
least_next(struct pick *p, const struct least *l)
{
    const struct peer_set *set = p->set;
    const struct peer     *peer;

    if (set->is_single)
        return round_robin.next(p);
    if (!p->on_backup && set->balance != NULL && p->tries == set->n_tries) {
        peer = least_order_next(p, l, pick_now());
        if (peer != NULL)
            return peer;
    }
    if (!p->on_backup) {
        peer = choose(p, l, 0, set->n_primary);
        if (peer != NULL)
            return peer;
        p->on_backup = true;
    }
    return choose(p, l, set->n_primary, set->n_peers);
}


bool
least_parse(str_t word, struct least *out)
{
    if (str_is(word, "header"))
        out->by = LEAST_HEADER;
    else if (str_is(word, "last_byte"))
        out->by = LEAST_LAST_BYTE;
    else
        return false;
    return true;
}
