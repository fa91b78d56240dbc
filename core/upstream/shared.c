/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A zone has a table of entries, one for each peer, and what each process holds
 * of them.  An entry stays one for good: requests of an old generation may
 * still count in it when no generation of a master uses it any more.  It
 * becomes another peer's when no set has joined it and no connection is
 * counted.
 *
 * The number of connections to a peer is the sum of what processes hold, so it
 * can be made good when one died in the middle of a change.
 */
#include "core/upstream/shared.h"

#include <stdatomic.h>
#include <unistd.h>

#include "core/base/crc32.h"
#include "core/shm/held.h"
#include "core/upstream/build.h"

/* Changes with struct table and what is in it, struct peer_state, too. */
enum { LAYOUT = 1, ROOM_LEAST = 16 };

struct entry {
    struct peer_state state;
    unsigned          number; /* in the table                                */
    unsigned          joined; /* sets that have                              */
    unsigned          weight; /* as configured                               */
    uint32_t          hash;   /* of the key                                  */
    size_t            key_n;
    char             *key;
};

struct table {
    struct held    held;
    unsigned       n, room;
    struct entry **at;
};

/* Stores before it are made before those behind it, whenever the process is
 * killed. */
#define IN_ORDER() atomic_signal_fence(memory_order_seq_cst)


static bool
init(struct zone *z)
{
    struct table *t = zone_alloc(z, sizeof(*t));

    if (t == NULL)
        return false;
    *t = (struct table){ .n = 0 };
    zone_set_root(z, t);
    return true;
}


static void
lock(struct zone *z)
{
    const struct table *t = zone_root(z);

    if (zone_lock(z))
        return;
    for (unsigned i = 0; i < t->n; i++)
        t->at[i]->state.conns = held_sum(&t->held, i);
}


/* --- entries ---------------------------------------------------------------- */

static struct entry *
find(const struct table *t, str_t key)
{
    uint32_t hash = crc32_of(key);

    for (unsigned i = 0; i < t->n; i++) {
        struct entry *e = t->at[i];

        if (e->hash == hash && str_eq((str_t){ e->key, e->key_n }, key))
            return e;
    }
    return NULL;
}


static struct entry *
find_unused(const struct table *t)
{
    for (unsigned i = 0; i < t->n; i++)
        if (t->at[i]->joined == 0 && t->at[i]->state.conns == 0)
            return t->at[i];
    return NULL;
}


static bool
widen(struct zone *z, struct table *t)
{
    unsigned       room = t->room != 0 ? t->room * 2 : ROOM_LEAST;
    struct entry **at = zone_alloc(z, room * sizeof(*at));
    struct entry **before = t->at;

    if (at == NULL)
        return false;
    if (t->n != 0)
        memcpy(at, before, t->n * sizeof(*at));
    t->at = at;
    IN_ORDER();
    t->room = room;
    zone_free(z, before);
    return true;
}


static struct entry *
add_entry(struct zone *z, struct table *t)
{
    struct entry *e;

    if (t->n == t->room && !widen(z, t))
        return NULL;
    e = zone_alloc(z, sizeof(*e));
    if (e == NULL)
        return NULL;
    *e = (struct entry){ .number = t->n };
    t->at[t->n] = e;
    IN_ORDER();
    t->n++;
    return e;
}


/* An entry for a peer that has none. */
static struct entry *
make_entry(struct zone *z, str_t key)
{
    struct table *t = zone_root(z);
    struct entry *e = find_unused(t);
    char         *own = zone_alloc(z, key.n), *before;

    if (own != NULL && e == NULL)
        e = add_entry(z, t);
    if (own == NULL || e == NULL) {
        zone_free(z, own);
        return NULL;
    }
    memcpy(own, key.p, key.n);
    before = e->key;
    e->key_n = 0; /* nobody's, for a moment */
    IN_ORDER();
    e->key = own;
    e->hash = crc32_of(key);
    IN_ORDER();
    e->key_n = key.n;
    zone_free(z, before);
    return e;
}


/* --- joining ---------------------------------------------------------------- */

/* Connections of requests that began before are still counted. */
static void
begin_anew(struct entry *e)
{
    e->state = (struct peer_state){ .conns = e->state.conns };
    e->weight = 0;
}


static void
join(struct peer *peer, struct entry *e)
{
    unsigned weight = peer->server->weight;

    if (e->joined++ == 0)
        begin_anew(e);
    if (e->weight != weight) {
        e->weight = weight;
        e->state.weight = (int) weight;
    }
    peer->state = &e->state;
}


static struct entry *
entry_of(const struct peer *peer)
{
    return container_of(peer->state, struct entry, state);
}


/* Those that are known first, so that they do not become others'. */
static bool
join_all(struct zone *z, const struct peer_set *set, struct entry **found,
         const str_t *keys)
{
    struct table *t = zone_root(z);
    unsigned      i;

    for (i = 0; i < set->n_peers; i++) {
        found[i] = find(t, keys[i]);
        if (found[i] != NULL)
            join(&set->peers[i], found[i]);
    }
    for (i = 0; i < set->n_peers; i++) {
        if (found[i] != NULL)
            continue;
        found[i] = make_entry(z, keys[i]);
        if (found[i] == NULL)
            return false;
        join(&set->peers[i], found[i]);
    }
    return true;
}


/* For a set that could not join: all is as before. */
static void
leave_found(const struct peer_set *set, struct entry **found,
            struct peer_state *const *before)
{
    for (unsigned i = 0; i < set->n_peers; i++) {
        if (found[i] != NULL)
            found[i]->joined--;
        set->peers[i].state = before[i];
    }
}


bool
shared_join(struct peer_set *set, str_t group, struct zone *z)
{
    struct arena       *a = arena_new(0);
    struct entry      **found = arena_array(a, struct entry *, set->n_peers);
    struct peer_state **before
        = arena_array(a, struct peer_state *, set->n_peers);
    str_t *keys = arena_array(a, str_t, set->n_peers);
    bool   is_good;

    for (unsigned i = 0; i < set->n_peers; i++) {
        keys[i] = peer_key(a, group, set, &set->peers[i]);
        before[i] = set->peers[i].state;
    }
    lock(z);
    is_good = join_all(z, set, found, keys);
    if (is_good) {
        set->zone = z;
        peer_set_settle(set);
    } else {
        leave_found(set, found, before);
    }
    zone_unlock(z);
    arena_free(a);
    return is_good;
}


void
shared_leave(struct peer_set *set)
{
    lock(set->zone);
    for (unsigned i = 0; i < set->n_peers; i++)
        entry_of(&set->peers[i])->joined--;
    zone_unlock(set->zone);
    set->zone = NULL;
}


/* --- use -------------------------------------------------------------------- */

void
shared_lock(const struct peer_set *set)
{
    if (set->zone != NULL)
        lock(set->zone);
}


void
shared_unlock(const struct peer_set *set)
{
    if (set->zone != NULL)
        zone_unlock(set->zone);
}


void
shared_count(struct peer_set *set, const struct peer *peer)
{
    struct table *t;

    if (set->zone != NULL) {
        t = zone_root(set->zone);
        if (set->mine == NULL)
            set->mine = held_take(set->zone, &t->held, getpid());
        if (set->mine != NULL)
            holder_add(set->zone, set->mine, entry_of(peer)->number);
    }
    peer->state->conns++;
}


void
shared_uncount(struct peer_set *set, const struct peer *peer)
{
    if (set->mine != NULL)
        holder_subtract(set->mine, entry_of(peer)->number);
    if (peer->state->conns != 0)
        peer->state->conns--;
}


void
shared_take_back(const struct peer_set *set, pid_t pid)
{
    struct table  *t = zone_root(set->zone);
    struct holder *it;

    lock(set->zone);
    it = held_find(&t->held, pid);
    for (unsigned i = 0; it != NULL && i < t->n; i++) {
        struct peer_state *state = &t->at[i]->state;
        unsigned           n = holder_count(it, i);

        state->conns -= n < state->conns ? n : state->conns;
    }
    if (it != NULL)
        held_free(set->zone, &t->held, it);
    zone_unlock(set->zone);
}


/* --- generations ------------------------------------------------------------ */

/* What one process has joined. */
struct membership {
    struct peer_set *set;
    pid_t            pid;
};


/* A worker has what its master has joined, and does not leave for it. */
static void
leave(void *arg)
{
    struct membership *m = arg;

    if (m->pid == getpid())
        shared_leave(m->set);
}


static bool
attach(struct generation *g, struct zone_conf *z, const struct log *log)
{
    const struct upstreams *u = generation_main(g, upstream_module.slot);
    struct membership      *m;

    VEC_EACH(&u->all, it) {
        if ((*it)->zone != z || (*it)->set == NULL)
            continue;
        if (!shared_join((*it)->set, (*it)->name, z->zone)) {
            log_at(log, LEVEL_EMERG, 0,
                   "zone \"" STR_F "\" is too small for the servers of "
                   "upstream \"" STR_F "\"",
                   STR_A(z->name), STR_A((*it)->name));
            return false;
        }
        m = arena_make(g->arena, struct membership);
        *m = (struct membership){ .set = (*it)->set, .pid = getpid() };
        arena_defer(g->arena, leave, m);
    }
    return true;
}


const struct zone_use upstream_zone
    = { .name = "upstream", .version = LAYOUT, .init = init, .attach = attach };
const struct zone_use upstream_stream_zone = { .name = "stream upstream",
                                               .version = LAYOUT,
                                               .init = init,
                                               .attach = attach };
