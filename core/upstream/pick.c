/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Choosing peers for a task, and round robin, which other balancers fall back
 * on.
 *
 * Round robin is smooth: each choice adds to every peer its effective weight,
 * takes the one with the most, and subtracts the sum of the weights from it,
 * so that weights 5, 1, 1 give a a b a c a a.  A failure lowers the effective
 * weight, and each further choice raises it by one until it is whole again.
 * A choice would cost the more, the more peers there are: in a large set, each
 * peer has as many turns in a round as its weight says, in a fixed order.
 */
#include <stdlib.h>

#include "core/os/clock.h"
#include "core/upstream/build.h"
#include "core/upstream/changes.h"
#include "core/upstream/health.h"
#include "core/upstream/live.h"
#include "core/upstream/queue.h"
#include "core/upstream/shared.h"


/* So that a part of a weight of 1 can be given. */
enum { SHARE_SCALE = 1000 };

/* How many peers of a large set round robin looks at before it looks at all. */
enum { TURN_TRIES = 20 };


time_t
pick_now(void)
{
    return (time_t) (clock_ms() / 1000);
}


bool
peer_is_tried(const struct pick *p, const struct peer *peer)
{
    return p->tried[peer->index / 64] >> peer->index % 64 & 1;
}


bool
peer_has_room(const struct peer *peer)
{
    return !peer->server->is_down && health_is_good(peer)
           && (peer->server->max_conns == 0
               || peer->state->conns < peer->server->max_conns);
}


bool
peer_is_live(const struct peer *peer, time_t now)
{
    const struct upstream_server *s = peer->server;

    return s->max_fails == 0 || peer->state->fails < s->max_fails
           || now - peer->state->checked_at > (time_t) s->fail_timeout;
}


bool
peer_is_usable(const struct pick *p, const struct peer *peer, time_t now)
{
    const struct upstream_server *s = peer->server;

    if (peer_is_tried(p, peer) || !peer_has_room(peer) || s->is_drain)
        return false;
    return peer_is_live(peer, now);
}


const struct peer *
peer_choose(const struct peer *peer, time_t now)
{
    if (now - peer->state->checked_at > (time_t) peer->server->fail_timeout)
        peer->state->checked_at = now;
    return peer;
}


/* While a server starts slowly, its part grows from nothing to its weight. */
int64_t
peer_share(const struct peer_set *set, const struct peer *peer)
{
    const struct upstream_server *s = peer->server;
    msec_t                        now, since = peer->state->risen_at;
    int64_t                       share = peer->state->weight;

    if (share > s->weight) /* another set may have another weight */
        share = s->weight;
    if (!set->has_slow_start)
        return share;
    share *= SHARE_SCALE;
    if (s->slow_start == 0 || since == 0)
        return share;
    now = clock_ms();
    if (now < since || now - since >= s->slow_start) {
        peer->state->risen_at = 0;
        return share;
    }
    share = share * (int64_t) (now - since) / (int64_t) s->slow_start;
    return share != 0 ? share : 1;
}


void
peer_regain(const struct peer *peer)
{
    int most = (int) peer->server->weight;

    if (peer->state->weight < most)
        peer->state->weight++;
    else
        peer->state->weight = most;
}


void
smooth_add(struct smooth *s, const struct peer *peer)
{
    struct peer_state *state = peer->state;
    int64_t            share = peer_share(s->set, peer);

    state->current += share;
    s->total += share;
    peer_regain(peer);
    if (s->best == NULL || state->current > s->best->state->current)
        s->best = peer;
}


const struct peer *
smooth_end(struct smooth *s, time_t now)
{
    const struct peer *best = s->best;

    if (best == NULL)
        return NULL;
    best->state->current -= s->total;
    return peer_choose(best, now);
}


static const struct peer *
choose(struct pick *p, unsigned from, unsigned to)
{
    struct smooth s = { .set = p->set };
    time_t        now = pick_now();

    for (unsigned i = from; i < to; i++) {
        const struct peer *peer = &p->set->peers[i];

        if (peer_is_usable(p, peer, now))
            smooth_add(&s, peer);
    }
    return smooth_end(&s, now);
}


/* Whether a peer that has less than its weight now gets this turn all the same:
 * as often as its share is of its weight. */
static bool
gets_turn(const struct peer_set *set, const struct peer *peer)
{
    int64_t share = peer_share(set, peer);
    int64_t whole = (int64_t) peer->server->weight
                    * (set->has_slow_start ? SHARE_SCALE : 1);

    peer_regain(peer);
    return share == whole || random() % whole < share;
}


/* In a large set: the turns go round in an order of their own, and the turn of a
 * peer that may not be asked goes to any other.  NULL: so many may not be asked
 * that they have to be looked for. */
static const struct peer *
take_turn(struct pick *p, time_t now)
{
    const struct peer_set *set = p->set;
    const struct peer     *peer = peer_set_turn(set);

    for (unsigned i = 0; i < TURN_TRIES; i++) {
        if (peer_is_usable(p, peer, now) && gets_turn(set, peer))
            return peer_choose(peer, now);
        peer = peer_set_at(set, (unsigned) random());
    }
    return NULL;
}


/* It is asked again when it has failed, but there is nothing left of a group that
 * has no other peer. */
static bool
may_ask_single(const struct pick *p)
{
    const struct peer *peer = &p->set->peers[0];

    return peer_has_room(peer) && !(peer->server->is_drain && !p->is_bound)
           && !(peer->server->group != NULL && peer_is_tried(p, peer));
}


static const struct peer *
next_round_robin(struct pick *p)
{
    const struct peer_set *set = p->set;
    const struct peer     *peer;

    if (set->is_single)
        return may_ask_single(p) ? &set->peers[0] : NULL;
    if (!p->on_backup && set->n_primary >= PEERS_MANY) {
        peer = take_turn(p, pick_now());
        if (peer != NULL)
            return peer;
    }
    if (!p->on_backup) {
        peer = choose(p, 0, set->n_primary);
        if (peer != NULL)
            return peer;
        p->on_backup = true;
    }
    return choose(p, set->n_primary, set->n_peers);
}


const struct balancer round_robin = {
    .name = "round_robin",
    .words = "rr",
    .takes_weight = true,
    .takes_slow_start = true,
    .next = next_round_robin,
};


static void
begin(struct pick *p)
{
    const struct upstream_group *g = p->group;

    p->tries = peer_set_tries(p->set);
    if (g->balancer->start != NULL)
        g->balancer->start(p);
    if (g->binding != NULL)
        g->binding->start(p);
}


static size_t
tried_words(const struct peer_set *set)
{
    return set->n_peers / 64 + 1;
}


void
pick_start(struct pick *p, struct task *t, struct upstream_group *g)
{
    if (live_is_behind(g))
        live_follow(g);
    *p = (struct pick){ .task = t, .group = g, .set = peer_set_get(g->set) };
    p->tried = arena_array(t->arena, uint64_t, tried_words(p->set));
    if (g->balancer->state_size != 0)
        p->state = arena_zalloc(t->arena, g->balancer->state_size);
    begin(p);
}


void
pick_again(struct pick *p)
{
    struct upstream_group *g = p->group;

    if (p->set != g->set || live_is_behind(g) || p->set->has_groups) {
        peer_set_put(p->set);
        pick_start(p, p->task, g);
        return;
    }
    memset(p->tried, 0, tried_words(p->set) * sizeof(*p->tried));
    if (g->balancer->state_size != 0)
        memset(p->state, 0, g->balancer->state_size);
    p->on_backup = p->is_bound = false;
    begin(p);
}


void
pick_resume(struct pick *p)
{
    p->on_backup = false;
}


bool
pick_awaits_room(const struct pick *p)
{
    for (unsigned i = 0; i < p->set->n_peers; i++) {
        const struct peer *peer = &p->set->peers[i];

        if (!peer_is_tried(p, peer) && !peer->server->is_down
            && !peer->server->is_drain && health_is_good(peer)
            && peer_is_live(peer, pick_now()))
            return true;
    }
    return false;
}


/* True when this failure was the last one allowed. */
static bool
count_failure(const struct peer *peer)
{
    const struct upstream_server *s = peer->server;

    peer->state->fails++;
    peer->state->failed_at = peer->state->checked_at = pick_now();
    peer->state->tally.fails++;
    if (s->max_fails == 0)
        return false;
    peer->state->weight -= (int) (s->weight / s->max_fails);
    if (peer->state->weight < 0)
        peer->state->weight = 0;
    if (peer->state->fails < s->max_fails)
        return false;
    tally_down(peer->state);
    return true;
}


static void
recover(const struct peer *peer)
{
    struct peer_state *state = peer->state;

    if (peer->server->max_fails != 0 && state->fails >= peer->server->max_fails)
    {
        tally_up(state);
        state->risen_at = clock_ms();
    }
    state->fails = 0;
}


/* The peer of this group is no longer used. */
static void
finish(struct pick *p, enum outcome how)
{
    const struct peer *peer = p->own;
    bool               is_disabled = false;

    p->own = p->peer = NULL;
    log_debug(p->task->log, "free %s peer " STR_F " %u %u",
              p->group->balancer->words, STR_A(peer->name), p->tries,
              how == PEER_FAILED ? 4 : 0);
    shared_lock(p->set);
    shared_uncount(p->set, peer);
    tally_end(p, peer, how);
    if (p->group->balancer->done != NULL)
        p->group->balancer->done(p, peer, how);
    if (p->set->is_single)
        peer->state->fails = 0;
    else if (how == PEER_FAILED)
        is_disabled = count_failure(peer);
    else if (how == PEER_UNTRIED)
        peer->state->checked_at
            = peer->state->failed_at; /* its chance is still to come */
    else if (peer->state->failed_at < peer->state->checked_at)
        recover(peer); /* it was given a chance, and used it */
    shared_unlock(p->set);
    queue_wake(p->group);
    if (is_disabled)
        log_warn(p->task->log, "upstream server temporarily disabled");
}


/* A peer of this group. */
static const struct peer *
choose_own(struct pick *p)
{
    const struct peer *peer;

    log_debug(p->task->log, "get %s peer, try: %u", p->group->balancer->words,
              p->tries);
    shared_lock(p->set);
    peer = peer_set_choose_bound(p);
    /* Balancers choose among primary peers: without any, backups are left. */
    if (peer == NULL)
        peer = p->set->n_primary == 0 ? round_robin.next(p)
                                      : p->group->balancer->next(p);
    if (peer != NULL) {
        p->tried[peer->index / 64] |= (uint64_t) 1 << peer->index % 64;
        shared_count(p->set, peer);
        tally_begin(p, peer);
    }
    shared_unlock(p->set);
    if (peer != NULL)
        log_debug(p->task->log, "get %s peer, current: " STR_F " %lld",
                  p->group->balancer->words, STR_A(peer->name),
                  (long long) peer->state->current);
    p->own = p->peer = peer;
    if (peer != NULL && p->group->binding != NULL
        && p->group->binding->chosen != NULL)
        p->group->binding->chosen(p);
    return peer;
}


const struct peer *
pick_next(struct pick *p)
{
    if (p->inner != NULL) {
        if (pick_stay(p))
            return p->peer;
        finish(p, p->inner_how == PEER_FAILED ? PEER_FAILED : PEER_NEXT);
    }
    while (choose_own(p) != NULL) {
        if (p->own->server->group == NULL || pick_enter(p))
            return p->peer;
        finish(p, PEER_NEXT);
    }
    return NULL;
}


void
pick_answered(struct pick *p, bool is_complete)
{
    if (p->peer != NULL && p->group->binding != NULL
        && p->group->binding->answered != NULL)
        p->group->binding->answered(p, is_complete);
    if (p->inner != NULL)
        pick_answered(p->inner, is_complete);
}


void
pick_done(struct pick *p, enum outcome how)
{
    if (p->own == NULL)
        return;
    if (p->inner != NULL) {
        p->inner->result = p->result;
        p->inner_how = how;
        pick_done(p->inner, how);
        p->peer = NULL;
    } else {
        finish(p, how);
    }
    if (p->tries != 0 && how != PEER_UNTRIED)
        p->tries--;
}


bool
pick_has_more(const struct pick *p)
{
    return p->tries != 0;
}


void
pick_end(struct pick *p, enum outcome how)
{
    pick_done(p, how);
    if (p->inner != NULL) {
        if (p->inner->tries != 0 && p->inner_how == PEER_FAILED)
            p->inner_how = PEER_NEXT; /* others of it are left */
        pick_end(p->inner, how);
        p->inner = NULL;
        finish(p, p->inner_how);
    }
    peer_set_put(p->set);
    p->set = NULL;
}
