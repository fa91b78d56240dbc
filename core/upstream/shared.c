/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A zone has a table of entries, one for each peer, and what each process holds
 * of them: connections, and sets that have joined.  An entry stays one for good.
 * It becomes another peer's when no set has it and no connection is counted;
 * until then a peer that comes back finds its state.
 *
 * The totals of an entry are the sums of what processes hold, so they can be
 * made good when one dies in the middle of a change.  What dead processes held
 * is subtracted by whoever uses the zone next, or a second later.
 */
#include "core/upstream/shared.h"

#include "core/base/hash.h"
#include "core/shm/held.h"
#include "core/upstream/build.h"
#include "core/upstream/changes.h"
#include "core/upstream/line.h"

/* Changes with struct table and what is in it, struct peer_state, too. */
enum { LAYOUT = 8, ROOM_LEAST = 16 };

/* What is held of an entry: two objects in struct held. */
enum held_kind { CONNS, SETS, KINDS };

struct entry {
    struct peer_state state;
    unsigned          number; /* in the table                                */
    unsigned          sets;   /* that have joined                            */
    unsigned          weight; /* as configured                               */
    size_t            key_n;
    char             *key;
};

struct table {
    struct held          held;
    time_t               swept_at;
    unsigned             n, room;
    struct entry       **at;
    void                *lives;   /* live.c's                                */
    void                *lines;   /* line.c's                                */
    struct peer_changes *changes; /* NULL: no set is large                   */
};

/* Of states that are not in a zone. */
static struct peer_changes own_changes;


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


static unsigned
object(const struct entry *e, enum held_kind kind)
{
    return e->number * KINDS + kind;
}


static void
subtract(unsigned *from, unsigned n)
{
    *from -= n < *from ? n : *from;
}


/* The moments at which they began go with the connections. */
static void
subtract_conns(struct peer_state *state, unsigned n)
{
    unsigned before = state->conns;

    if (n == 0 || before == 0)
        return;
    subtract(&state->conns, n);
    state->begun_ms = state->begun_ms / before * state->conns;
}


static void
take_back(struct zone *z, struct table *t, struct holder *it)
{
    for (unsigned i = 0; i < t->n; i++) {
        struct entry *e = t->at[i];

        subtract_conns(&e->state, holder_count(it, object(e, CONNS), 0));
        subtract(&e->sets, holder_count(it, object(e, SETS), 0));
    }
    lines_forget(z, t->lines, it);
    held_unlink(&t->held, it);
    held_free(z, it);
    changes_note_all(t->changes);
}


static void
sweep(struct zone *z, struct table *t)
{
    struct holder *it;

    while ((it = held_find_dead(&t->held)) != NULL)
        take_back(z, t, it);
    t->swept_at = pick_now();
}


static void
count_again(struct table *t)
{
    for (unsigned i = 0; i < t->n; i++) {
        struct entry *e = t->at[i];

        e->state.conns = held_sum(&t->held, object(e, CONNS), 0);
        e->sets = held_sum(&t->held, object(e, SETS), 0);
    }
    changes_note_all(t->changes);
}


static void
lock(struct zone *z)
{
    bool          is_whole = zone_lock(z);
    struct table *t = zone_root(z);

    if (!is_whole)
        count_again(t);
    if (!is_whole || t->swept_at != pick_now())
        sweep(z, t);
}


/* --- entries ---------------------------------------------------------------- */

/* At *from or behind it; all before are in use. */
static struct entry *
find_unused(const struct table *t, unsigned *from)
{
    for (; *from < t->n; ++*from) {
        struct entry *e = t->at[*from];

        if (e->sets == 0 && e->state.conns == 0)
            return e;
    }
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


/* An entry for a peer that has none; from is 0 at first, while the zone is
 * locked. */
static struct entry *
make_entry(struct zone *z, str_t key, unsigned *from)
{
    struct table *t = zone_root(z);
    struct entry *e = find_unused(t, from);
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
    e->state = (struct peer_state){ .conns = 0 };
    e->weight = 0;
    e->key = own;
    IN_ORDER();
    e->key_n = key.n;
    zone_free(z, before);
    return e;
}


/* --- joining ---------------------------------------------------------------- */

static struct entry *
entry_of(const struct peer *peer)
{
    return container_of(peer->state, struct entry, state);
}


static void
join(struct peer_set *set, struct zone *z, struct peer *peer, struct entry *e)
{
    unsigned weight = peer->server->weight;

    if (set->mine != NULL)
        holder_add(z, set->mine, object(e, SETS));
    e->sets++;
    if (e->weight != weight) {
        e->weight = weight;
        e->state.weight = (int) weight;
    }
    peer->state = &e->state;
}


static void
leave(struct peer_set *set, struct entry *e)
{
    if (set->mine != NULL)
        holder_subtract(set->mine, object(e, SETS));
    subtract(&e->sets, 1);
}


/* In one look at the table, however many peers there are. */
static void
find_all(struct arena *a, const struct table *t, struct entry **found,
         const str_t *keys, unsigned n)
{
    struct hash *places = hash_new(a, n, HASH_EXACT);

    for (unsigned i = 0; i < n; i++)
        (void) hash_set(places, keys[i], &found[i]);
    for (unsigned i = 0; i < t->n; i++) {
        struct entry  *e = t->at[i];
        struct entry **place = hash_get(places, (str_t){ e->key, e->key_n });

        if (place != NULL)
            *place = e;
    }
}


/* Those that are known first, so that they do not become others'. */
static bool
join_all(struct zone *z, struct peer_set *set, struct entry **found,
         const str_t *keys)
{
    unsigned i, from = 0;

    for (i = 0; i < set->n_peers; i++)
        if (found[i] != NULL)
            join(set, z, &set->peers[i], found[i]);
    for (i = 0; i < set->n_peers; i++) {
        if (found[i] != NULL)
            continue;
        found[i] = make_entry(z, keys[i], &from);
        if (found[i] == NULL)
            return false;
        join(set, z, &set->peers[i], found[i]);
    }
    return true;
}


/* For a set that could not join: all is as before. */
static void
leave_found(struct peer_set *set, struct entry **found,
            struct peer_state *const *before)
{
    for (unsigned i = 0; i < set->n_peers; i++) {
        if (found[i] != NULL)
            leave(set, found[i]);
        set->peers[i].state = before[i];
    }
    set->mine = NULL;
}


/* Where there is no room, balancers look at all peers. */
static void
make_changes(struct zone *z, struct table *t)
{
    struct peer_changes *c;

    if (t->changes != NULL)
        return;
    c = zone_alloc(z, sizeof(*c));
    if (c != NULL)
        *c = (struct peer_changes){ .n = 0 };
    t->changes = c;
}


bool
shared_join(struct peer_set *set, str_t group, struct zone *z)
{
    struct arena       *a = arena_new(0);
    struct table       *t = zone_root(z);
    struct entry      **found = arena_array(a, struct entry *, set->n_peers);
    struct peer_state **before
        = arena_array(a, struct peer_state *, set->n_peers);
    const str_t *keys = peer_set_keys(a, group, set);
    bool         is_good;

    for (unsigned i = 0; i < set->n_peers; i++)
        before[i] = set->peers[i].state;
    lock(z);
    sweep(z, t);
    find_all(a, t, found, keys, set->n_peers);
    set->mine = held_take(z, &t->held);
    if (set->n_peers >= PEERS_MANY)
        make_changes(z, t);
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
        leave(set, entry_of(&set->peers[i]));
    zone_unlock(set->zone);
    set->zone = NULL;
    set->mine = NULL;
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


static struct peer_changes *
changes_of(const struct peer_set *set)
{
    if (set->zone == NULL)
        return &own_changes;
    return ((struct table *) zone_root(set->zone))->changes;
}


const struct peer_changes *
peer_set_changes(const struct peer_set *set)
{
    return changes_of(set);
}


void
shared_count(struct peer_set *set, const struct peer *peer)
{
    if (set->mine != NULL)
        holder_add(set->zone, set->mine, object(entry_of(peer), CONNS));
    peer->state->conns++;
    changes_note(changes_of(set), peer->state);
}


void
shared_uncount(struct peer_set *set, const struct peer *peer)
{
    if (set->mine != NULL)
        holder_subtract(set->mine, object(entry_of(peer), CONNS));
    subtract(&peer->state->conns, 1);
    changes_note(changes_of(set), peer->state);
}


static bool
has_state(const struct peer_set *set, const struct peer_state *state)
{
    for (unsigned i = 0; i < set->n_peers; i++)
        if (set->peers[i].state == state)
            return true;
    return false;
}


unsigned
shared_zombies(const struct peer_set *set, str_t group)
{
    const struct table *t = set->zone != NULL ? zone_root(set->zone) : NULL;
    unsigned            n = 0;

    for (unsigned i = 0; t != NULL && i < t->n; i++) {
        const struct entry *e = t->at[i];

        if (e->state.conns != 0 && e->key_n > group.n
            && memcmp(e->key, group.p, group.n) == 0 && e->key[group.n] == ' '
            && !has_state(set, &e->state))
            n++;
    }
    return n;
}


void
shared_zone_lock(struct zone *z)
{
    lock(z);
}


void **
shared_lives(struct zone *z)
{
    return &((struct table *) zone_root(z))->lives;
}


void **
shared_lines(struct zone *z)
{
    return &((struct table *) zone_root(z))->lines;
}


/* --- generations ------------------------------------------------------------ */

static bool
has_room(struct zone *z, const struct upstream_group *g)
{
    struct arena *a = arena_new(0);
    const str_t  *keys = peer_set_keys(a, g->name, g->set);
    unsigned      from = 0;
    bool          has = true;

    if (g->set->n_peers >= PEERS_MANY)
        make_changes(z, zone_root(z));

    for (unsigned i = 0; has && i < g->set->n_peers; i++) {
        struct entry *e = make_entry(z, keys[i], &from);

        has = e != NULL;
        if (has)
            e->sets++;
    }
    arena_free(a);
    return has;
}


static bool
check(const struct generation *g, const struct zone_conf *z, struct zone *in,
      const struct log *log)
{
    const struct upstreams *u = generation_main(g, upstream_module.slot);

    VEC_EACH(&u->all, it) {
        if ((*it)->zone != z || (*it)->set == NULL || has_room(in, *it))
            continue;
        log_at(log, LEVEL_EMERG, 0,
               "zone \"" STR_F "\" is too small for the servers of "
               "upstream \"" STR_F "\"",
               STR_A(z->name), STR_A((*it)->name));
        return false;
    }
    return true;
}


const struct zone_use upstream_zone
    = { .name = "upstream", .version = LAYOUT, .init = init, .check = check };
const struct zone_use upstream_stream_zone = { .name = "stream upstream",
                                               .version = LAYOUT,
                                               .init = init,
                                               .check = check };
