/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An array of entries that is made with the zone, chains of entries whose keys
 * have the same hash, and one list of those in use, from the newest to the
 * oldest; those that are free are another list, by their chain.  Entries are
 * referred to by their number from 1.
 *
 * Entries are the truth: chains, lists and sums are made anew from them when a
 * process has died in the middle of a change.
 */
#include "core/cache/disk/index.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/cache/disk/purge.h"
#include "core/os/clock.h"

/* LAYOUT changes with the structs below, and struct disk_entry. */
enum {
    LAYOUT = 3,
    ENTRIES_LEAST = 16,
    CLAIM_MS_MAX = 3600 * 1000,
    CLAIMED_MAX = 256,
    LOOK = 4096, /* entries with one lock                                    */
};

struct table {
    uint64_t            folder; /* digest of the path and its levels; 0: none */
    bool                is_warm;
    pid_t               loader;
    uint32_t            last_claim, last_write;
    uint32_t            room, used; /* entries; used: with a key              */
    uint32_t            touched;    /* those behind it were never used        */
    uint32_t            newest, oldest, free;
    uint32_t            mask; /* of the buckets                               */
    uint64_t            bytes;
    uint32_t           *buckets;
    struct disk_entry  *entries;
    struct disk_purges *purges;
};


/* --- making ----------------------------------------------------------------- */

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


static bool
init(struct zone *z)
{
    struct table *t = zone_alloc(z, sizeof(*t));

    if (t == NULL)
        return false;
    *t = (struct table){ .folder = 0, .purges = disk_purges_make(z) };
    if (t->purges == NULL || !make_entries(z, t, zone_size(z)))
        return false;
    memset(t->buckets, 0, ((size_t) t->mask + 1) * sizeof(*t->buckets));
    zone_set_root(z, t);
    return true;
}


#define USE(prefix) \
    { \
        .name = prefix "_cache", .version = LAYOUT, .init = init \
    }
const struct zone_use disk_index_proxy = USE("proxy");
const struct zone_use disk_index_fastcgi = USE("fastcgi");
const struct zone_use disk_index_uwsgi = USE("uwsgi");
const struct zone_use disk_index_scgi = USE("scgi");


/* --- chains and lists -------------------------------------------------------- */

static struct disk_entry *
entry(const struct table *t, uint32_t number)
{
    return number != 0 ? &t->entries[number - 1] : NULL;
}


static uint32_t
number_of(const struct table *t, const struct disk_entry *e)
{
    return (uint32_t) (e - t->entries) + 1;
}


/* Digests need no further hashing. */
static uint32_t *
bucket(struct table *t, const struct disk_key *key)
{
    uint32_t hash;

    memcpy(&hash, key->b, sizeof(hash));
    return &t->buckets[hash & t->mask];
}


static void
chain(struct table *t, struct disk_entry *e)
{
    uint32_t *first = bucket(t, &e->key);

    e->chain = *first;
    *first = number_of(t, e);
}


static void
unchain(struct table *t, const struct disk_entry *e)
{
    uint32_t *at = bucket(t, &e->key), number = number_of(t, e);

    while (*at != number)
        at = &entry(t, *at)->chain;
    *at = e->chain;
}


static void
list_out(struct table *t, const struct disk_entry *e)
{
    struct disk_entry *newer = entry(t, e->newer), *older = entry(t, e->older);

    *(newer != NULL ? &newer->older : &t->newest) = e->older;
    *(older != NULL ? &older->newer : &t->oldest) = e->newer;
}


static void
list_newest(struct table *t, struct disk_entry *e)
{
    struct disk_entry *next = entry(t, t->newest);

    e->newer = 0;
    e->older = t->newest;
    t->newest = number_of(t, e);
    *(next != NULL ? &next->newer : &t->oldest) = t->newest;
}


static void
list_oldest(struct table *t, struct disk_entry *e)
{
    struct disk_entry *next = entry(t, t->oldest);

    e->older = 0;
    e->newer = t->oldest;
    t->oldest = number_of(t, e);
    *(next != NULL ? &next->older : &t->newest) = t->oldest;
}


static void
add_free(struct table *t, struct disk_entry *e)
{
    e->chain = t->free;
    t->free = number_of(t, e);
}


/* --- when a process has died -------------------------------------------------- */

static int
compare_ages(const void *a, const void *b)
{
    uint32_t x = (*(struct disk_entry *const *) a)->used_at;
    uint32_t y = (*(struct disk_entry *const *) b)->used_at;

    return x < y ? -1 : x > y;
}


/* Makes chains, lists and sums anew. */
static void
mend(struct table *t)
{
    struct arena       *a = arena_new(0);
    struct disk_entry **all = arena_array(a, struct disk_entry *, t->touched);
    uint32_t            n = 0;

    memset(t->buckets, 0, ((size_t) t->mask + 1) * sizeof(*t->buckets));
    t->newest = t->oldest = t->free = t->used = 0;
    t->bytes = 0;
    for (uint32_t i = 0; i < t->touched; i++) {
        if (t->entries[i].is_used)
            all[n++] = &t->entries[i];
        else
            add_free(t, &t->entries[i]);
    }
    if (n != 0)
        qsort(all, n, sizeof(*all), compare_ages);
    for (uint32_t i = 0; i < n; i++) {
        chain(t, all[i]);
        list_newest(t, all[i]);
        t->bytes += all[i]->bytes;
    }
    t->used = n;
    arena_free(a);
}


void
disk_index_lock(struct zone *z)
{
    if (!zone_lock(z))
        mend(zone_root(z));
}


void
disk_index_unlock(struct zone *z)
{
    zone_unlock(z);
}


/* --- keys --------------------------------------------------------------------- */

static bool
has_ended(pid_t pid)
{
    return pid != getpid() && kill(pid, 0) == -1 && errno == ESRCH;
}


/* That of a file that grows lasts until its writer leaves it, or has died; not for
 * ever, for another process may have got his number. */
bool
disk_index_is_claimed(const struct disk_entry *e)
{
    uint64_t more = e->growing != 0 ? CLAIM_MS_MAX : 0;

    return e->claim != 0 && clock_ms() < e->until_ms + more
           && !has_ended(e->claimer);
}


struct disk_entry *
disk_index_find(struct zone *z, const struct disk_key *key)
{
    struct table      *t = zone_root(z);
    struct disk_entry *e = entry(t, *bucket(t, key));

    while (e != NULL && memcmp(e->key.b, key->b, sizeof(key->b)) != 0)
        e = entry(t, e->chain);
    return e;
}


void
disk_index_use(struct zone *z, struct disk_entry *e, time_t now)
{
    struct table *t = zone_root(z);

    e->used_at = (uint32_t) now;
    if (e->uses < UINT32_MAX)
        e->uses++;
    if (t->newest == number_of(t, e))
        return;
    list_out(t, e);
    list_newest(t, e);
}


/* An entry without a key; NULL: there is none. */
static struct disk_entry *
take_free(struct table *t)
{
    struct disk_entry *e = entry(t, t->free);

    if (e != NULL) {
        t->free = e->chain;
        return e;
    }
    if (t->touched == t->room)
        return NULL;
    e = &t->entries[t->touched];
    *e = (struct disk_entry){ .is_used = false };
    IN_ORDER();
    t->touched++;
    return e;
}


struct disk_entry *
disk_index_add(struct zone *z, const struct disk_key *key, time_t now)
{
    struct table      *t = zone_root(z);
    struct disk_entry *e = take_free(t);

    if (e == NULL)
        return NULL;
    *e = (struct disk_entry){ .key = *key,
                              .used_at = (uint32_t) now,
                              .writes = ++t->last_write };
    IN_ORDER();
    e->is_used = true;
    chain(t, e);
    list_newest(t, e);
    t->used++;
    return e;
}


struct disk_entry *
disk_index_oldest(struct zone *z)
{
    struct table      *t = zone_root(z);
    struct disk_entry *e = entry(t, t->oldest);

    for (unsigned i = 0; i < CLAIMED_MAX && e != NULL; i++) {
        if (!disk_index_is_claimed(e))
            return e;
        e = entry(t, e->newer);
    }
    return NULL;
}


bool
disk_index_next(struct zone *z, uint32_t *at, struct disk_entry *out)
{
    struct table *t = zone_root(z);

    for (; *at < t->touched; ++*at)
        if (t->entries[*at].is_used) {
            *out = t->entries[(*at)++];
            return true;
        }
    return false;
}


void
disk_index_changed(struct zone *z, struct disk_entry *e)
{
    struct table *t = zone_root(z);

    __atomic_store_n(&e->writes, ++t->last_write, __ATOMIC_RELEASE);
}


void
disk_index_remove(struct zone *z, struct disk_entry *e)
{
    struct table *t = zone_root(z);

    e->is_used = false;
    disk_index_changed(z, e);
    IN_ORDER();
    unchain(t, e);
    list_out(t, e);
    t->bytes -= e->bytes;
    t->used--;
    add_free(t, e);
}


void
disk_index_set_bytes(struct zone *z, struct disk_entry *e, uint64_t bytes)
{
    struct table *t = zone_root(z);

    t->bytes += bytes - e->bytes;
    e->bytes = bytes;
    e->error = 0;
    e->is_unproved = false;
    disk_index_changed(z, e);
}


/* --- what was saved ------------------------------------------------------------ */

bool
disk_index_copy(struct zone *z, uint32_t *at, struct disk_record *out,
                uint32_t max, uint32_t *n)
{
    const struct table *t = zone_root(z);
    uint32_t            end = t->touched - *at < LOOK ? t->touched : *at + LOOK;

    *n = 0;
    for (; *at < end && *n < max; ++*at) {
        const struct disk_entry *e = &t->entries[*at];

        if (e->is_used && e->bytes != 0)
            out[(*n)++]
                = (struct disk_record){ e->key, e->used_at, e->uses, e->bytes };
    }
    return *at < t->touched;
}


bool
disk_index_restore(struct zone *z, const struct disk_record *r)
{
    struct table      *t = zone_root(z);
    struct disk_entry *e;

    if (disk_index_find(z, &r->key) != NULL)
        return false;
    e = take_free(t);
    if (e == NULL)
        return false;
    *e = (struct disk_entry){ .key = r->key,
                              .used_at = r->used_at,
                              .uses = r->uses,
                              .bytes = r->bytes,
                              .is_unproved = true,
                              .writes = ++t->last_write };
    IN_ORDER();
    e->is_used = true;
    chain(t, e);
    list_oldest(t, e);
    t->bytes += r->bytes;
    t->used++;
    return true;
}


bool
disk_index_forget_unproved(struct zone *z, uint32_t *at, uint32_t max)
{
    struct table *t = zone_root(z);

    for (; *at < t->touched && max > 0; ++*at, max--) {
        struct disk_entry *e = &t->entries[*at];

        if (e->is_used && e->is_unproved && !disk_index_is_claimed(e))
            disk_index_remove(z, e);
    }
    return *at < t->touched;
}


/* --- claims ------------------------------------------------------------------- */

static uint64_t
until(uint64_t ms)
{
    return clock_ms() + (ms < CLAIM_MS_MAX ? ms : CLAIM_MS_MAX);
}


uint32_t
disk_index_claim(struct zone *z, struct disk_entry *e, uint64_t ms)
{
    struct table *t = zone_root(z);

    if (disk_index_is_claimed(e))
        return 0;
    if (++t->last_claim == 0)
        t->last_claim = 1;
    e->growing = 0;
    e->claimer = getpid();
    e->until_ms = until(ms);
    IN_ORDER();
    e->claim = t->last_claim;
    return e->claim;
}


void
disk_index_extend(struct disk_entry *e, uint32_t claim, uint64_t ms)
{
    if (e->claim == claim && e->until_ms < until(ms))
        e->until_ms = until(ms);
}


bool
disk_index_leave(struct disk_entry *e, uint32_t claim)
{
    bool is_awaited = e->is_awaited;

    if (e->claim != claim)
        return false;
    e->claim = 0;
    e->growing = 0;
    e->is_awaited = false;
    return is_awaited;
}


/* --- the whole ---------------------------------------------------------------- */

struct disk_totals
disk_index_totals(struct zone *z)
{
    const struct table *t = zone_root(z);

    return (struct disk_totals){ t->bytes, t->used, t->room, t->last_write };
}


bool
disk_index_begin(struct zone *z, uint64_t folder)
{
    struct table *t = zone_root(z);

    if (t->folder == folder)
        return false;
    t->folder = 0;
    IN_ORDER();
    t->is_warm = false;
    t->loader = 0;
    t->touched = 0;
    IN_ORDER();
    mend(t);
    t->folder = folder;
    return true;
}


struct disk_purges *
disk_index_purges(struct zone *z)
{
    return ((struct table *) zone_root(z))->purges;
}


bool
disk_index_is_cold(struct zone *z, uint64_t folder)
{
    struct table *t = zone_root(z);

    return t->folder == folder && !t->is_warm;
}


void
disk_index_set_warm(struct zone *z, uint64_t folder)
{
    struct table *t = zone_root(z);

    if (t->folder == folder)
        t->is_warm = true;
    t->loader = 0;
}


bool
disk_index_begin_load(struct zone *z, uint64_t folder)
{
    struct table *t = zone_root(z);

    if (!disk_index_is_cold(z, folder)
        || (t->loader != 0 && !has_ended(t->loader)))
        return false;
    t->loader = getpid();
    return true;
}
