/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An array of entries that is made with the zone, chains of entries whose keys
 * have the same hash, and one list of all entries that were ever used, from the
 * newest to the oldest.  Entries are referred to by their number from 1; 0 is
 * none.  They are never freed, but get other keys.
 *
 * Entries are the truth.  Chains and the list are made anew from them when a
 * process has died in the middle of a change.  An entry without a count is the
 * first to be used again there.
 *
 * Keys, chains and the list are changed with the lock.  Without it, chains are
 * read, and words are changed:
 *
 * - Who looks for a key reads the word of an entry before he compares its key,
 *   and changes the word only if it is still the same (limit_swap).  Who gives
 *   an entry another key first changes the word to an odd generation, then
 *   writes the key, then the word with an even one.  So a swap that succeeds
 *   came before all that, and what was compared was the key as it was.
 * - Chains can lead astray who follows them while they change: he ends in
 *   another chain, and finds nothing.  Then he tries again with the lock, or
 *   looks at the number of changes, as it was before and is after.
 * - The list tells in which order keys are forgotten.  An entry that is used
 *   without the lock keeps its place as long as it is in the newest quarter,
 *   which the number in it shows.
 */
#include "modules/gate/limit_inside.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/siphash.h"
#include "core/os/clock.h"
#include "core/os/random.h"
#include "modules/gate/limit_bucket.h"

/* Changes with the structs below, and struct limit_entry. */
enum { LAYOUT = 4, ENTRIES_LEAST = 16 };

/* Bytes of an IPv4 address, the most usual key. */
enum { ADDRESS = 4 };

/* Entries that are looked at for one that is not in use, while there is room, and
 * before a search without the lock is given up. */
enum { IDLE_TRIES = 8, STEPS_MAX = 64 };


/* --- making ----------------------------------------------------------------- */

/* In no more than so many bytes; as many entries as there is room for. */
static bool
make_entries(struct zone *z, struct table *t, size_t bytes)
{
    struct zone_table made;

    if (!zone_table_make(z, bytes, sizeof(*t->entries), ENTRIES_LEAST, &made))
        return false;
    t->buckets = (_Atomic uint32_t *) made.buckets;
    t->entries = made.entries;
    t->room = made.room;
    t->mask = made.mask;
    return true;
}


/* Of all tables that the process makes, which are the master's. */
static uint64_t seed[2];


/* In how many parts of the room keys are kept that nobody holds: what processes
 * hold takes eight bytes of each for each entry that was ever used. */
enum { PLENTY = 8 };


/* tag: the bits of a generation. */
static bool
make_table(struct zone *z, size_t bytes, unsigned tag, bool is_held)
{
    struct table *t = zone_alloc(z, sizeof(*t));

    if (t == NULL)
        return false;
    *t = (struct table){ .is_held = is_held, .tag = (UINT64_C(1) << tag) - 1 };
    if (seed[0] == 0)
        random_fill(seed, sizeof(seed));
    memcpy(t->seed, seed, sizeof(t->seed));
    if (!make_entries(z, t, bytes))
        return false;
    t->plenty = is_held ? t->room / PLENTY : t->room;
    zone_set_root(z, t);
    return true;
}


static bool
init_req(struct zone *z)
{
    return make_table(z, zone_size(z), LIMIT_REQ_TAG, false);
}


static bool
init_plain(struct zone *z)
{
    return make_table(z, zone_size(z), 0, false);
}


/* The other half is for what processes hold. */
static bool
init_conn(struct zone *z)
{
    return make_table(z, zone_size(z) / 2, LIMIT_CONN_TAG, true);
}


const struct zone_use limit_req_use
    = { .name = "limit_req", .version = LAYOUT, .init = init_req };
const struct zone_use limit_conn_use
    = { .name = "limit_conn", .version = LAYOUT, .init = init_conn };
const struct zone_use limit_ban_use
    = { .name = "ban", .version = LAYOUT, .init = init_plain };
const struct zone_use limit_sticky_use
    = { .name = "sticky", .version = LAYOUT, .init = init_plain };


/* --- chains and the list ---------------------------------------------------- */

static struct limit_entry *
entry(const struct table *t, uint32_t number)
{
    return number != 0 ? &t->entries[number - 1] : NULL;
}


/* Around each change of chains.  Their entries are written before the number is
 * even again, and read before it is looked at. */
static void
begin_change(struct table *t)
{
    uint32_t n = atomic_load_explicit(&t->changes, memory_order_relaxed);

    atomic_store_explicit(&t->changes, n | 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
}


static void
end_change(struct table *t)
{
    uint32_t n = atomic_load_explicit(&t->changes, memory_order_relaxed);

    atomic_store_explicit(&t->changes, n + 1, memory_order_release);
}


/* Who finds it there finds the whole entry: a release. */
static void
chain(struct table *t, struct limit_entry *e)
{
    _Atomic uint32_t *first = &t->buckets[e->hash & t->mask];

    atomic_store_explicit(&e->chain,
                          atomic_load_explicit(first, memory_order_relaxed),
                          memory_order_relaxed);
    atomic_store_explicit(first, limit_number(t, e), memory_order_release);
}


static void
unchain(struct table *t, const struct limit_entry *e)
{
    _Atomic uint32_t *at = &t->buckets[e->hash & t->mask];
    uint32_t          number = limit_number(t, e), next;

    while ((next = atomic_load_explicit(at, memory_order_relaxed)) != number)
        at = &entry(t, next)->chain;
    atomic_store_explicit(at,
                          atomic_load_explicit(&e->chain, memory_order_relaxed),
                          memory_order_release);
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
    t->newest = limit_number(t, e);
    *(next != NULL ? &next->newer : &t->oldest) = t->newest;
    if (t->tag == 0)
        return;
    t->listed++;
    atomic_store_explicit(&e->listed, t->listed, memory_order_relaxed);
}


static uint64_t
age_of(const struct table *t, const struct limit_entry *e)
{
    return atomic_load_explicit(&t->listed, memory_order_relaxed)
           - atomic_load_explicit(&e->listed, memory_order_relaxed);
}


static void
list_again(struct table *t, struct limit_entry *e)
{
    list_out(t, e);
    list_newest(t, e);
}


static void
list_oldest(struct table *t, struct limit_entry *e)
{
    struct limit_entry *next = entry(t, t->oldest);

    e->older = 0;
    e->newer = t->oldest;
    t->oldest = limit_number(t, e);
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


/* Makes chains and the list anew, without entries that were getting a key. */
static void
mend(struct table *t)
{
    struct arena        *a = arena_new(0);
    struct limit_entry **all = arena_array(a, struct limit_entry *, t->used);

    for (uint32_t i = 0; i < t->used; i++) {
        all[i] = &t->entries[i];
        if ((all[i]->word & t->tag & 1) != 0)
            all[i]->n = 0;
    }
    qsort(all, t->used, sizeof(*all), compare_ages);
    begin_change(t);
    memset((void *) t->buckets, 0,
           ((size_t) t->mask + 1) * sizeof(*t->buckets));
    t->newest = t->oldest = 0;
    for (uint32_t i = 0; i < t->used; i++) {
        list_newest(t, all[i]);
        if (all[i]->n != 0)
            chain(t, all[i]);
    }
    end_change(t);
    arena_free(a);
}


void
limit_lock(struct zone *z)
{
    bool          is_whole = zone_lock(z);
    struct table *t = limit_table(z);

    if (!is_whole)
        mend(t);
    if (t->is_held && (!is_whole || t->swept_at < clock_ms() / 1000))
        limit_sweep(z, t, is_whole);
}


void
limit_unlock(struct zone *z)
{
    zone_unlock(z);
}


/* --- keys ------------------------------------------------------------------- */

void
limit_key_digest(struct limit_key *key, str_t value)
{
    unsigned char sum[LIMIT_DIGEST];

    CHECK(EVP_Digest(value.p, value.n, sum, NULL, EVP_sha256(), NULL) == 1);
    memcpy(key->bytes, sum, LIMIT_KEY_MAX);
    key->n = LIMIT_DIGEST;
}


static size_t
bytes_of(const struct limit_key *key)
{
    return key->n < LIMIT_KEY_MAX ? key->n : LIMIT_KEY_MAX;
}


static inline bool
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


static inline uint32_t
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


static inline uint32_t
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


/* --- without the lock ------------------------------------------------------- */

/* The word is read first: an acquire, so that the key is what it was then or
 * later, which the swap finds out. */
static bool
has_key(const struct limit_entry *e, const struct limit_key *key,
        uint64_t *word)
{
    *word = atomic_load_explicit(&e->word, memory_order_acquire);
    return e->n == key->n && has_bytes(e, key);
}


/* Of an entry that has gone to another chain, or is changed, anything can be
 * read, but the numbers are always those of entries. */
static inline struct limit_entry *
look(const struct table *t, struct limit_key *key, uint64_t *word)
{
    uint32_t hash = hash_of(t, key);
    uint32_t number = atomic_load_explicit(&t->buckets[hash & t->mask],
                                           memory_order_acquire);

    for (unsigned i = 0; number != 0 && i < STEPS_MAX; i++) {
        struct limit_entry *e = entry(t, number);

        if (atomic_load_explicit(&e->hash, memory_order_relaxed) == hash
            && has_key(e, key, word))
            return e;
        number = atomic_load_explicit(&e->chain, memory_order_acquire);
    }
    return NULL;
}


struct limit_entry *
limit_peek(struct zone *z, struct limit_key *key, uint64_t *word)
{
    struct table       *t = limit_table(z);
    struct limit_entry *e = look(t, key, word);

    return e != NULL && (*word & 1) == 0 && age_of(t, e) <= t->plenty / 4
               ? e
               : NULL;
}


bool
limit_lacks(struct zone *z, struct limit_key *key)
{
    struct table *t = limit_table(z);
    uint32_t      n = atomic_load_explicit(&t->changes, memory_order_acquire);
    uint64_t      word;
    bool          is_found = look(t, key, &word) != NULL;

    atomic_thread_fence(memory_order_acquire);
    return !is_found && (n & 1) == 0
           && atomic_load_explicit(&t->changes, memory_order_relaxed) == n;
}


/* --- with the lock ---------------------------------------------------------- */

struct limit_entry *
limit_find(struct zone *z, struct limit_key *key)
{
    struct table       *t = limit_table(z);
    uint32_t            hash = hash_of(t, key);
    struct limit_entry *e = entry(t, t->buckets[hash & t->mask]);

    while (e != NULL
           && (e->hash != hash || e->n != key->n || !has_bytes(e, key)))
        e = entry(t, e->chain);
    if (e != NULL && t->newest != limit_number(t, e))
        list_again(t, e);
    return e;
}


/* The generation is odd from here on, before anything of the key changes: that
 * the others see it so takes the release of a swap that came before. */
static uint64_t
close_word(const struct table *t, struct limit_entry *e)
{
    uint64_t was = e->word;

    while (!limit_swap(e, &was, (was + 1) & t->tag))
        ;
    return was;
}


/* ... and even, when all of the key is written. */
static void
open_word(const struct table *t, struct limit_entry *e)
{
    uint64_t was = atomic_load_explicit(&e->word, memory_order_relaxed);

    atomic_store_explicit(&e->word, (was + 2) & ~UINT64_C(1) & t->tag,
                          memory_order_release);
}


/* Takes the key from an entry. */
static void
forget(struct table *t, struct limit_entry *e, struct limit_entry *lost)
{
    if (e->n == 0)
        return;
    *lost = *e;
    begin_change(t);
    if (t->tag != 0)
        lost->word = close_word(t, e);
    unchain(t, e);
    end_change(t);
    e->n = 0;
    IN_ORDER();
    if (t->tag == 0)
        e->count = 0;
}


/* The next entry without a count, of so many, that is not one of the newest. */
static struct limit_entry *
find_idle(struct table *t, uint32_t tries, uint64_t age)
{
    struct limit_entry *e;

    while (tries-- != 0) {
        e = &t->entries[t->hand++ % t->used];
        if (e->n == 0 || ((e->word & ~t->tag) == 0 && age_of(t, e) > age))
            return e;
    }
    return NULL;
}


/* Of what processes hold, nothing is forgotten as long as there are others.
 * When all were looked at, in vain, that is not done again in the same
 * millisecond, not even by a process whose clock is a bit behind. */
static struct limit_entry *
find_old(struct table *t)
{
    struct limit_entry *e = NULL;

    if (t->is_held && t->full_at < clock_ms()) {
        e = find_idle(t, t->used, 0);
        if (e == NULL)
            t->full_at = clock_ms();
    }
    return e != NULL ? e : entry(t, t->oldest);
}


static struct limit_entry *
find_place(struct table *t, struct limit_entry *lost)
{
    struct limit_entry *e = NULL;

    if (t->used >= t->plenty && t->is_held)
        e = find_idle(t, IDLE_TRIES, t->plenty / 4);
    if (e == NULL && t->used < t->room) {
        e = &t->entries[t->used];
        *e = (struct limit_entry){ .n = 0 };
        IN_ORDER();
        t->used++;
        list_newest(t, e);
        return e;
    }
    if (e == NULL)
        e = find_old(t);
    forget(t, e, lost);
    list_again(t, e);
    return e;
}


struct limit_entry *
limit_add(struct zone *z, struct limit_key *key, struct limit_entry *lost)
{
    struct table       *t = limit_table(z);
    struct limit_entry *e;

    lost->n = 0;
    e = find_place(t, lost);
    begin_change(t);
    atomic_store_explicit(&e->hash, hash_of(t, key), memory_order_relaxed);
    memcpy(e->key, key->bytes, bytes_of(key));
    IN_ORDER();
    e->n = key->n;
    if (t->tag != 0)
        open_word(t, e);
    chain(t, e);
    end_change(t);
    return e;
}


void
limit_remove(struct zone *z, struct limit_entry *e)
{
    struct table      *t = limit_table(z);
    struct limit_entry lost;

    forget(t, e, &lost);
    list_out(t, e);
    list_oldest(t, e);
}


struct limit_entry *
limit_next(struct zone *z, const struct limit_entry *e)
{
    struct table       *t = limit_table(z);
    struct limit_entry *next = entry(t, e == NULL ? t->newest : e->older);

    while (next != NULL && next->n == 0)
        next = entry(t, next->older);
    return next;
}


uint32_t
limit_kind(struct zone *z, const struct limit_entry *e)
{
    struct table    *t = limit_table(z);
    struct limit_key key = { .n = e->n };

    memcpy(key.bytes, e->key, LIMIT_KEY_MAX);
    return e->hash ^ hash_of(t, &key);
}


static void
change_cost(struct limit_entry *e, uint64_t from, uint64_t to, uint64_t now)
{
    uint64_t word = e->word, tag = (1 << LIMIT_REQ_TAG) - 1, next;

    do {
        next = limit_of_cost(word >> LIMIT_REQ_TAG, from, to, now);
    } while (!limit_swap(e, &word, next << LIMIT_REQ_TAG | (word & tag)));
}


void
limit_set_cost(struct zone *z, uint64_t cost)
{
    struct table *t = limit_table(z);
    uint64_t      now = limit_moment(clock_ms()), before;

    limit_lock(z);
    before = t->cost;
    t->cost = cost;
    for (uint32_t i = 0; before != 0 && before != cost && i < t->used; i++)
        change_cost(&t->entries[i], before, cost, now);
    limit_unlock(z);
}


struct limit_notes *
limit_notes(struct zone *z)
{
    return &limit_table(z)->notes;
}


bool
limit_is_news(struct zone *z)
{
    return !atomic_exchange(&limit_table(z)->is_told, true);
}
