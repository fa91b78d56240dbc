/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shared states of peers, and which process asks.  A table of slots of one
 * size.  A slot belongs to a key for good, until it has not been used for an hour
 * and another key needs its place; its numbers are written by the process that
 * asks, and read by all without a lock.
 */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "core/os/clock.h"
#include "core/shm/registry.h"
#include "core/upstream/health_inside.h"

/* Changes with struct table and what is in it. */
enum { LAYOUT = 1 };

enum {
    SLOTS = 32768,
    KEPT_MS = 3600 * 1000,
    PROBES = 64, /* places that a key may have                               */
};

struct table {
    struct health_slot at[SLOTS];
};

static struct zone *zone;
static void        *root; /* struct table */


static bool
init(struct zone *z)
{
    return zone_make_object(z, sizeof(struct table));
}


bool
health_share(const struct log *log)
{
    static const struct zone_use use
        = { .name = "health", .version = LAYOUT, .init = init };

    zone = zone_own_object("(health)", sizeof(struct table), &use, log, &root);
    return zone != NULL;
}


static uint64_t
key_of(const struct upstream_group *g, const struct health_check *c, str_t name)
{
    uint64_t key = str_mix(0, g->name);

    key = str_mix(key, (str_t){ (const char *) &g->kind, sizeof(g->kind) });
    key = str_mix(key, (str_t){ (const char *) &g->port, sizeof(g->port) });
    key = str_mix(key, STR("\0"));
    key = str_mix(key, c->id);
    key = str_mix(key, STR("\0"));
    if (c->nth != 0)
        key = str_mix(key, (str_t){ (const char *) &c->nth, sizeof(c->nth) });
    key = str_mix(key, name);
    return key != 0 ? key : 1;
}


static void
take_place(struct health_slot *s, uint64_t key, unsigned state)
{
    s->key = 0;
    IN_ORDER();
    atomic_store(&s->state, state);
    s->fails = s->passes = 0;
    s->checks = s->all_fails = s->unhealthy = 0;
    s->last_passed = false;
    s->asking = 0;
    s->owner = 0;
    IN_ORDER();
    s->key = key;
}


struct health_slot *
health_slot(const struct upstream_group *g, const struct health_check *c,
            str_t name)
{
    uint64_t            key = key_of(g, c, name);
    msec_t              now = clock_ms();
    struct table       *t;
    struct health_slot *best = NULL, *s = NULL;

    if (zone == NULL)
        return NULL;
    (void) zone_lock(zone);
    t = root;
    for (unsigned i = 0; i < PROBES; i++) {
        s = &t->at[(key + i) % SLOTS];
        if (s->key == key)
            break;
        if (best == NULL && (s->key == 0 || (s->used_at + KEPT_MS < now)))
            best = s;
        s = NULL;
    }
    if (s == NULL && best != NULL) {
        s = best;
        take_place(s, key, c->is_mandatory ? HEALTH_CHECKING : HEALTH_UP);
    }
    if (s != NULL)
        s->used_at = now;
    zone_unlock(zone);
    return s;
}


static bool
is_alive(pid_t pid)
{
    return kill(pid, 0) == 0 || errno == EPERM;
}


bool
health_is_shared(void)
{
    return zone != NULL;
}


bool
health_claim(struct health_slot *s, uint64_t owner)
{
    msec_t now = clock_ms();
    pid_t  self = getpid();
    bool   is_mine;

    if (s == NULL)
        return true; /* without the memory, each process asks for itself */
    (void) zone_lock(zone);
    is_mine = s->asking == 0 || s->asking == self
              || s->beat_at + HEALTH_STUCK_MS < now || !is_alive(s->asking);
    if (is_mine) {
        s->asking = self;
        s->owner = owner;
        s->beat_at = s->used_at = now;
    }
    zone_unlock(zone);
    return is_mine;
}


bool
health_is_mine(const struct health_slot *s, uint64_t owner)
{
    return s == NULL || (s->asking == getpid() && s->owner == owner);
}


void
health_release(struct health_slot *s, uint64_t owner)
{
    if (s == NULL)
        return;
    (void) zone_lock(zone);
    if (health_is_mine(s, owner))
        s->asking = 0;
    zone_unlock(zone);
}


/* --- what is read of it -------------------------------------------------------- */

void
health_attach(struct arena *a, const struct upstream_group *g,
              struct peer_set *set)
{
    unsigned n = 0;

    for (const struct health_check *c = g->checks; c != NULL; c = c->next)
        n++;
    for (unsigned i = 0; n != 0 && i < set->n_peers; i++) {
        struct peer *peer = &set->peers[i];

        peer->n_health = 0;
        if (peer->server->group != NULL) /* which has checks of its own */
            continue;
        peer->health = arena_array(a, struct health_slot *, n);
        for (const struct health_check *c = g->checks; c != NULL; c = c->next) {
            struct health_slot *s = health_slot(g, c, peer->name);

            if (s != NULL)
                peer->health[peer->n_health++] = s;
        }
    }
}


bool
health_is_good(const struct peer *peer)
{
    for (unsigned i = 0; i < peer->n_health; i++)
        if (atomic_load_explicit(&peer->health[i]->state, memory_order_relaxed)
            != HEALTH_UP)
            return false;
    return true;
}


void
health_tell(const struct peer *peer, struct health_facts *out)
{
    *out = (struct health_facts){ .is_checked = peer->n_health != 0,
                                  .last_passed = peer->n_health != 0 };
    for (unsigned i = 0; i < peer->n_health; i++) {
        const struct health_slot *s = peer->health[i];
        unsigned                  state = atomic_load(&s->state);

        out->is_unhealthy |= state == HEALTH_DOWN;
        out->is_checking |= state == HEALTH_CHECKING;
        out->last_passed &= s->last_passed;
        out->checks += s->checks;
        out->fails += s->all_fails;
        out->unhealthy += s->unhealthy;
    }
}
