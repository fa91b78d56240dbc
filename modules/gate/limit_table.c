/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An array of entries that is made with the zone, chains of entries whose keys
 * have the same hash, and one list of all entries that were ever used, from the
 * newest to the oldest.  Entries are referred to by their number from 1; 0 is
 * none.
 *
 * Entries are the truth.  Chains and the list are made anew from them when a
 * process has died in the middle of a change, and so are counts of connections,
 * from what each process holds (core/shm/held.h).  An entry without a count is
 * the first to be used again there, so that numbers of entries stay small, as
 * held.h wants them.
 */
#include "modules/gate/limit_table.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/siphash.h"
#include "core/os/clock.h"
#include "core/os/random.h"
#include "core/shm/held.h"

/* Changes with the structs below, and struct limit_entry. */
enum { LAYOUT = 2, ENTRIES_LEAST = 16 };

/* Bytes of a digest, and of an IPv4 address, the most usual key. */
enum { DIGEST = 32, ADDRESS = 4 };

struct table {
    struct held         held;
    struct limit_notes  notes;
    uint64_t            swept_at; /* seconds                                 */
    uint64_t            seed[2];
    uint64_t            last_at; /* given to an entry                       */
    uint32_t            room, used; /* entries                               */
    uint32_t            newest, oldest;
    uint32_t            mask;    /* of the buckets                          */
    bool                is_held; /* counts are what processes hold          */
    bool                is_told;
    uint32_t           *buckets;
    struct limit_entry *entries;
};


/* --- making ----------------------------------------------------------------- */

/* In no more than so many bytes; as many entries as there is room for. */
static bool
make_entries(struct zone *z, struct table *t, size_t bytes)
{
    struct zone_table made;

    if (!zone_table_make(z, bytes, sizeof(*t->entries), ENTRIES_LEAST, &made))
        return false;
    t->buckets = made.buckets;
    t->entries = made.entries;
    t->room = made.room;
    t->mask = made.mask;
    return true;
}


/* Of all tables that the process makes, which are the master's. */
static uint64_t seed[2];


static bool
make_table(struct zone *z, size_t bytes, bool is_held)
{
    struct table *t = zone_alloc(z, sizeof(*t));

    if (t == NULL)
        return false;
    *t = (struct table){ .is_held = is_held };
    if (seed[0] == 0)
        random_fill(seed, sizeof(seed));
    memcpy(t->seed, seed, sizeof(t->seed));
    if (!make_entries(z, t, bytes))
        return false;
    zone_set_root(z, t);
    return true;
}


static bool
init_req(struct zone *z)
{
    return make_table(z, zone_size(z), false);
}


/* The other half is for what processes hold. */
static bool
init_conn(struct zone *z)
{
    return make_table(z, zone_size(z) / 2, true);
}


const struct zone_use limit_req_use
    = { .name = "limit_req", .version = LAYOUT, .init = init_req };
const struct zone_use limit_conn_use
    = { .name = "limit_conn", .version = LAYOUT, .init = init_conn };
const struct zone_use limit_ban_use
    = { .name = "ban", .version = LAYOUT, .init = init_req };
const struct zone_use limit_sticky_use
    = { .name = "sticky", .version = LAYOUT, .init = init_req };


/* --- chains and the list ---------------------------------------------------- */

static struct limit_entry *
entry(const struct table *t, uint32_t number)
{
    return number != 0 ? &t->entries[number - 1] : NULL;
}


static uint32_t
number_of(const struct table *t, const struct limit_entry *e)
{
    return (uint32_t) (e - t->entries) + 1;
}


static void
chain(struct table *t, struct limit_entry *e)
{
    uint32_t *first = &t->buckets[e->hash & t->mask];

    e->chain = *first;
    *first = number_of(t, e);
}


static void
unchain(struct table *t, const struct limit_entry *e)
{
    uint32_t *at = &t->buckets[e->hash & t->mask], number = number_of(t, e);

    while (*at != number)
        at = &entry(t, *at)->chain;
    *at = e->chain;
}


static void
list_out(struct table *t, const struct limit_entry *e)
{
    struct limit_entry *newer = entry(t, e->newer), *older = entry(t, e->older);

    *(newer != NULL ? &newer->older : &t->newest) = e->older;
    *(older != NULL ? &older->newer : &t->oldest) = e->newer;
}


static void
list_newest(struct table *t, struct limit_entry *e)
{
    struct limit_entry *next = entry(t, t->newest);

    e->newer = 0;
    e->older = t->newest;
    t->newest = number_of(t, e);
    *(next != NULL ? &next->newer : &t->oldest) = t->newest;
}


static void
list_oldest(struct table *t, struct limit_entry *e)
{
    struct limit_entry *next = entry(t, t->oldest);

    e->older = 0;
    e->newer = t->oldest;
    t->oldest = number_of(t, e);
    *(next != NULL ? &next->older : &t->newest) = t->oldest;
}


/* --- when processes have died ----------------------------------------------- */

static uint64_t
age_rank(const struct limit_entry *e)
{
    return e->n == 0 || e->count == 0 ? 0 : e->at;
}


static int
compare_ages(const void *a, const void *b)
{
    uint64_t x = age_rank(*(struct limit_entry *const *) a);
    uint64_t y = age_rank(*(struct limit_entry *const *) b);

    return x < y ? -1 : x > y;
}


static void
count_again(struct table *t)
{
    for (uint32_t i = 0; i < t->used; i++) {
        if (t->entries[i].n == 0)
            held_forget(&t->held, i);
        t->entries[i].count = held_sum(&t->held, i);
    }
}


/* Makes chains and the list anew. */
static void
mend(struct table *t)
{
    struct arena        *a = arena_new(0);
    struct limit_entry **all = arena_array(a, struct limit_entry *, t->used);

    for (uint32_t i = 0; i < t->used; i++)
        all[i] = &t->entries[i];
    qsort(all, t->used, sizeof(*all), compare_ages);
    memset(t->buckets, 0, ((size_t) t->mask + 1) * sizeof(*t->buckets));
    t->newest = t->oldest = 0;
    for (uint32_t i = 0; i < t->used; i++) {
        list_newest(t, all[i]);
        if (all[i]->n != 0)
            chain(t, all[i]);
    }
    arena_free(a);
}


static void
subtract(struct table *t, struct limit_entry *e, uint64_t n)
{
    if (n == 0)
        return;
    e->count -= n < e->count ? n : e->count;
    if (e->count != 0)
        return;
    list_out(t, e);
    list_oldest(t, e);
}


static void
take_back(struct zone *z, struct table *t, struct holder *it)
{
    for (uint32_t i = 0; i < t->used; i++)
        subtract(t, &t->entries[i], holder_count(it, i));
    held_free(z, &t->held, it);
}


static void
sweep(struct zone *z, struct table *t)
{
    struct holder *it;

    while ((it = held_find_dead(&t->held)) != NULL)
        take_back(z, t, it);
    t->swept_at = clock_ms() / 1000;
}


void
limit_lock(struct zone *z)
{
    bool          is_whole = zone_lock(z);
    struct table *t = zone_root(z);

    if (!is_whole && t->is_held)
        count_again(t);
    if (!is_whole)
        mend(t);
    if (t->is_held && (!is_whole || t->swept_at != clock_ms() / 1000))
        sweep(z, t);
}


void
limit_unlock(struct zone *z)
{
    zone_unlock(z);
}


/* --- keys ------------------------------------------------------------------- */

static void
set_digest(struct limit_key *key, str_t value)
{
    unsigned char sum[DIGEST];

    CHECK(EVP_Digest(value.p, value.n, sum, NULL, EVP_sha256(), NULL) == 1);
    memcpy(key->bytes, sum, LIMIT_KEY_MAX);
    key->n = DIGEST;
}


struct limit_key
limit_key_of(str_t value, uint32_t kind)
{
    struct limit_key key = { .kind = kind, .n = (uint8_t) value.n };

    if (value.n == ADDRESS)
        memcpy(key.bytes, value.p, ADDRESS);
    else if (value.n <= LIMIT_KEY_MAX)
        memcpy(key.bytes, value.p, value.n);
    else
        set_digest(&key, value);
    return key;
}


static size_t
bytes_of(const struct limit_key *key)
{
    return key->n < LIMIT_KEY_MAX ? key->n : LIMIT_KEY_MAX;
}


static bool
has_bytes(const struct limit_entry *e, const struct limit_key *key)
{
    return key->n == ADDRESS ? memcmp(e->key, key->bytes, ADDRESS) == 0
                             : memcmp(e->key, key->bytes, bytes_of(key)) == 0;
}


/* The last address that was hashed: a request is often counted in several
 * tables by the same one. */
static struct {
    uint64_t seed[2];
    uint32_t hash;
    char     bytes[ADDRESS];
} last;


static uint32_t
hash_of_address(const struct table *t, const char *bytes)
{
    if (memcmp(last.seed, t->seed, sizeof(last.seed)) != 0
        || memcmp(last.bytes, bytes, ADDRESS) != 0)
    {
        memcpy(last.seed, t->seed, sizeof(last.seed));
        memcpy(last.bytes, bytes, ADDRESS);
        last.hash = (uint32_t) siphash(t->seed, (str_t){ bytes, ADDRESS });
    }
    return last.hash;
}


static uint32_t
hash_of(const struct table *t, struct limit_key *key)
{
    str_t bytes = { key->bytes, bytes_of(key) };

    if (!key->is_hashed)
        key->hash = (key->n == ADDRESS ? hash_of_address(t, key->bytes)
                                       : (uint32_t) siphash(t->seed, bytes))
                    ^ key->kind;
    key->is_hashed = true;
    return key->hash;
}


struct limit_entry *
limit_find(struct zone *z, struct limit_key *key)
{
    struct table       *t = zone_root(z);
    uint32_t            hash = hash_of(t, key);
    struct limit_entry *e = entry(t, t->buckets[hash & t->mask]);

    while (e != NULL
           && (e->hash != hash || e->n != key->n || !has_bytes(e, key)))
        e = entry(t, e->chain);
    if (e != NULL && t->newest != number_of(t, e)) {
        list_out(t, e);
        list_newest(t, e);
    }
    return e;
}


/* Takes the key from an entry. */
static void
forget(struct table *t, struct limit_entry *e, struct limit_entry *lost)
{
    if (e->n == 0)
        return;
    *lost = *e;
    unchain(t, e);
    e->n = 0;
    IN_ORDER();
    if (t->is_held && e->count != 0)
        held_forget(&t->held, number_of(t, e) - 1);
    e->count = 0;
}


static struct limit_entry *
find_place(struct table *t, struct limit_entry *lost)
{
    struct limit_entry *e = entry(t, t->oldest);

    if (t->used < t->room && (!t->is_held || e == NULL || e->count != 0)) {
        e = &t->entries[t->used];
        *e = (struct limit_entry){ .n = 0 };
        IN_ORDER();
        t->used++;
    } else {
        forget(t, e, lost);
        list_out(t, e);
    }
    list_newest(t, e);
    return e;
}


struct limit_entry *
limit_add(struct zone *z, struct limit_key *key, struct limit_entry *lost)
{
    struct table       *t = zone_root(z);
    struct limit_entry *e;

    lost->n = 0;
    e = find_place(t, lost);
    e->at = ++t->last_at;
    e->hash = hash_of(t, key);
    memcpy(e->key, key->bytes, LIMIT_KEY_MAX);
    IN_ORDER();
    e->n = key->n;
    chain(t, e);
    return e;
}


void
limit_remove(struct zone *z, struct limit_entry *e)
{
    struct table      *t = zone_root(z);
    struct limit_entry lost;

    forget(t, e, &lost);
    list_out(t, e);
    list_oldest(t, e);
}


struct limit_entry *
limit_next(struct zone *z, const struct limit_entry *e)
{
    struct table       *t = zone_root(z);
    struct limit_entry *next = entry(t, e == NULL ? t->newest : e->older);

    while (next != NULL && next->n == 0)
        next = entry(t, next->older);
    return next;
}


uint32_t
limit_kind(struct zone *z, const struct limit_entry *e)
{
    struct table    *t = zone_root(z);
    struct limit_key key = { .n = e->n };

    memcpy(key.bytes, e->key, LIMIT_KEY_MAX);
    return e->hash ^ hash_of(t, &key);
}


struct limit_notes *
limit_notes(struct zone *z)
{
    return &((struct table *) zone_root(z))->notes;
}


bool
limit_is_news(struct zone *z)
{
    struct table *t = zone_root(z);
    bool          is_news = !t->is_told;

    t->is_told = true;
    return is_news;
}


/* --- what processes hold ---------------------------------------------------- */

void
limit_hold(struct zone *z, struct limit_entry *e)
{
    struct table  *t = zone_root(z);
    struct holder *mine = held_take(z, &t->held);

    if (mine != NULL)
        holder_add(z, mine, number_of(t, e) - 1);
    e->count++;
}


void
limit_give_back(struct zone *z, struct limit_entry *e, uint64_t at)
{
    struct table  *t = zone_root(z);
    struct holder *mine;

    limit_lock(z);
    if (e->n != 0 && e->at == at) {
        mine = held_take(z, &t->held);
        if (mine != NULL)
            holder_subtract(mine, number_of(t, e) - 1);
        subtract(t, e, 1);
    }
    limit_unlock(z);
}
