/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which peers are asked, by whom, and when.
 */
#include "core/upstream/health.h"

#include <stdlib.h>

#include "core/base/hash.h"
#include "core/net/worker.h"
#include "core/os/clock.h"
#include "core/os/random.h"
#include "core/upstream/health_inside.h"
#include "core/upstream/queue.h"

enum {
    TICK_MS = 1000,
    SOON_MS = 20,    /* before the generation is the one in force            */
    FIRST_MS = 1000, /* the first questions are spread over so long          */
};

struct health {
    struct health_check   *check;
    struct upstream_group *group;
    struct generation     *gen;
    struct loop           *loop;
    struct health_slot    *turn; /* who asks                                 */
    uint64_t               owner;
    struct timer           tick;
    struct arena          *arena;  /* while it asks; NULL: another one does   */
    void                  *data;   /* of the kind                             */
    struct peer_set       *set;    /* that the probes are of; compared only   */
    unsigned               serial; /* of it                                  */
    struct health_probe   *probes;
    bool                   was_in_force;
};


const struct health_check *
health_check_of(const struct health *h)
{
    return h->check;
}


void *
health_data(const struct health *h)
{
    return h->data;
}


struct generation *
health_generation(const struct health *h)
{
    return h->gen;
}


struct upstream_group *
health_group(const struct health *h)
{
    return h->group;
}


void
health_add(struct upstream_group *g, struct health_check *c)
{
    struct health_check **last = &g->checks;

    for (; *last != NULL; last = &(*last)->next)
        c->nth += str_eq((*last)->id, c->id);
    *last = c;
}


/* --- probes ------------------------------------------------------------------- */

static uint32_t
random_below(msec_t n)
{
    uint32_t random;

    random_fill(&random, sizeof(random));
    return n != 0 ? (uint32_t) (random % n) : 0;
}


static void
fill(struct health_probe *p, struct health *h, const struct peer *peer)
{
    p->addr = *peer->addr;
    if (h->check->port != 0)
        addr_set_port(&p->addr.sa, h->check->port);
    p->health = h;
    p->is_wanted = true;
    p->task.loop = h->loop;
    p->task.gen = h->gen;
    probe_init(p);
}


/* Follows struct health_probe: its name. */
static struct health_probe *
add_probe(struct health *h, const struct peer *peer)
{
    struct health_probe *p = calloc(1, sizeof(*p) + peer->name.n);
    msec_t               first = h->check->interval;

    if (p == NULL)
        check_memory(sizeof(*p));
    memcpy(p + 1, peer->name.p, peer->name.n);
    p->name = (str_t){ (char *) (p + 1), peer->name.n };
    fill(p, h, peer);
    p->slot = health_slot(h->group, h->check, p->name);
    if (p->slot == NULL)
        log_warn(&worker->log,
                 "health check of peer " STR_F " in upstream \"" STR_F
                 "\" has no effect: there is no room for its state",
                 STR_A(p->name), STR_A(h->group->name));
    p->next = h->probes;
    h->probes = p;
    health_due_in(p, 1 + random_below(first < FIRST_MS ? first : FIRST_MS));
    return p;
}


void
probe_free(struct health_probe *p)
{
    probe_cut(p);
    health_due_never(p);
    arena_free(p->task.arena);
}


static void
free_probe(struct health_probe *p)
{
    probe_free(p);
    free(p);
}


static void
drop_unwanted(struct health *h)
{
    struct health_probe **at = &h->probes;

    while (*at != NULL) {
        struct health_probe *p = *at;

        if (p->is_wanted) {
            at = &p->next;
            continue;
        }
        *at = p->next;
        free_probe(p);
    }
}


static bool
is_asked(const struct peer *peer)
{
    return !peer->server->is_down && peer->server->group == NULL;
}


/* There is one for each peer of the set that is in force; those of peers that
 * stay go on. */
static void
match_probes(struct health *h)
{
    const struct peer_set *set = h->group->set;
    struct arena          *a;
    struct hash           *known;

    if (h->serial == set->serial && h->serial != 0)
        return;
    h->serial = set->serial;
    a = arena_new(0);
    known = hash_new(a, set->n_peers, HASH_EXACT);
    for (struct health_probe *p = h->probes; p != NULL; p = p->next) {
        p->is_wanted = false;
        (void) hash_set(known, p->name, p);
    }
    for (unsigned i = 0; i < set->n_peers; i++) {
        const struct peer   *peer = &set->peers[i];
        struct health_probe *p = hash_get(known, peer->name);

        if (p != NULL)
            p->is_wanted = true;
        else if (is_asked(peer))
            (void) hash_set(known, peer->name, add_probe(h, peer));
    }
    arena_free(a);
    drop_unwanted(h);
}


void
probe_once(struct health_probe *p, struct health *h, const struct peer *peer)
{
    p->name = peer->name;
    fill(p, h, peer);
    probe_begin(p);
}


struct health *
health_alone(struct arena *a, struct health_check *c, struct upstream_group *g,
             struct generation *gen, struct loop *loop)
{
    struct health *h = arena_make(a, struct health);

    h->check = c;
    h->group = g;
    h->gen = gen;
    h->loop = loop;
    h->data = c->kind->begin != NULL ? c->kind->begin(h, a) : a;
    return h->data != NULL ? h : NULL;
}


/* --- whose turn it is ----------------------------------------------------------- */

static void
begin(struct health *h)
{
    const struct health_kind *kind = h->check->kind;

    h->arena = arena_new(0);
    h->data = kind->begin != NULL ? kind->begin(h, h->arena) : h->arena;
    h->serial = 0;
}


static void
end(struct health *h)
{
    if (h->arena == NULL)
        return;
    for (struct health_probe *p = h->probes; p != NULL; p = p->next)
        p->is_wanted = false;
    drop_unwanted(h);
    arena_free(h->arena);
    h->arena = NULL;
    health_release(h->turn, h->owner);
}


static bool
is_in_force(struct health *h)
{
    if (worker->gen == h->gen)
        h->was_in_force = true;
    return worker->gen == h->gen && !worker->is_exiting;
}


static void
on_tick(struct timer *t)
{
    struct health *h = container_of(t, struct health, tick);

    if (!is_in_force(h)) {
        end(h);
        if (!h->was_in_force)
            timer_set(h->loop, t, SOON_MS);
        return;
    }
    if (h->arena != NULL && !health_is_mine(h->turn, h->owner))
        end(h);
    if (health_claim(h->turn, h->owner)) {
        if (h->arena == NULL)
            begin(h);
        if (h->data != NULL)
            match_probes(h);
    }
    queue_wake(h->group); /* for peers that another process has found well */
    timer_set(h->loop, t, TICK_MS);
}


static void
start(struct health_check *c, struct upstream_group *g, struct generation *gen,
      struct loop *loop)
{
    struct health *h = calloc(1, sizeof(*h));

    if (h == NULL)
        check_memory(sizeof(*h));
    h->check = c;
    h->group = g;
    h->gen = gen;
    h->loop = loop;
    h->turn = health_slot(g, c, STR(""));
    random_fill(&h->owner, sizeof(h->owner));
    h->tick.on_timeout = on_tick;
    h->tick.is_idle = true;
    timer_set(loop, &h->tick, 1 + random_below(SOON_MS));
    c->health = h;
}


void
health_start(struct upstream_group *g, struct generation *gen,
             struct loop *loop)
{
    for (struct health_check *c = g->checks; c != NULL; c = c->next)
        if (health_is_shared()) /* tools ask nobody */
            start(c, g, gen, loop);
}


void
health_stop(struct upstream_group *g)
{
    for (struct health_check *c = g->checks; c != NULL; c = c->next) {
        struct health *h = c->health;

        if (h == NULL)
            continue;
        end(h);
        timer_stop(&h->tick);
        free(h);
        c->health = NULL;
    }
}
