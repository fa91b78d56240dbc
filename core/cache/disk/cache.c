/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between index and folder: a file is deleted before its entry is, so that one
 * that is not in the index is never left behind.
 */
#include "core/cache/disk/purge.h"

#include <unistd.h>

#include "core/event/bell.h"
#include "core/os/clock.h"

enum { BLOCK = 4096, EVICT_TRIES = 4, FIRST_PURGE = 1 };


static struct zone *
zone_of(const struct disk_cache *c)
{
    return c->in->zone;
}


size_t
disk_cache_name(const struct disk_cache *c, const struct disk_key *key,
                char *out)
{
    char   digits[2 * DISK_KEY_N], *p = out;
    size_t left = sizeof(digits);

    for (size_t i = 0; i < DISK_KEY_N; i++)
        number_put_byte(digits + 2 * i, (char) key->b[i], false);
    memcpy(p, c->path.p, c->path.n);
    p += c->path.n;
    for (size_t i = 0; i < DISK_LEVELS && c->levels[i] != 0; i++) {
        left -= c->levels[i];
        *p++ = '/';
        memcpy(p, digits + left, c->levels[i]);
        p += c->levels[i];
    }
    *p++ = '/';
    memcpy(p, digits, sizeof(digits));
    p += sizeof(digits);
    *p = '\0';
    return (size_t) (p - out);
}


/* Lower-case digits only, as disk_cache_name writes them. */
static bool
parse_key(str_t name, struct disk_key *key)
{
    if (name.n != 2 * DISK_KEY_N)
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (number_hex_digit(name.p[i]) == -1
            || (name.p[i] >= 'A' && name.p[i] <= 'F'))
            return false;
    for (size_t i = 0; i < DISK_KEY_N; i++)
        key->b[i] = (unsigned char) number_hex_byte(name.p + 2 * i);
    return true;
}


bool
disk_cache_parse_name(const struct disk_cache *c, str_t below, str_t name,
                      struct disk_key *key)
{
    size_t left = 2 * DISK_KEY_N;

    if (!parse_key(name, key))
        return false;
    for (size_t i = 0; i < DISK_LEVELS && c->levels[i] != 0; i++) {
        str_t level = str_cut(&below, '/');

        left -= c->levels[i];
        if (!str_eq(level, (str_t){ name.p + left, c->levels[i] }))
            return false;
    }
    return below.n == 0;
}


/* --- the index ----------------------------------------------------------------- */

/* What a file of n bytes takes. */
static uint64_t
taken(uint64_t n)
{
    return (n + BLOCK - 1) / BLOCK * BLOCK;
}


bool
disk_cache_evict(const struct disk_cache *c)
{
    struct zone       *z = zone_of(c);
    struct disk_entry *e;
    struct disk_key    key;
    uint32_t           writes;
    bool               has_file;
    char               name[DISK_NAME_MAX] UNSET;

    disk_index_lock(z);
    e = disk_index_oldest(z);
    if (e != NULL) {
        key = e->key;
        writes = e->writes;
        has_file = e->bytes != 0;
    }
    disk_index_unlock(z);
    if (e == NULL)
        return false;
    if (has_file) {
        disk_cache_name(c, &key, name);
        (void) unlink(name);
    }
    disk_index_lock(z);
    e = disk_index_find(z, &key);
    if (e != NULL && e->writes == writes && !disk_index_is_claimed(e))
        disk_index_remove(z, e);
    disk_index_unlock(z);
    return true;
}


/* The entry of the key, with the lock held; *is_new: it was made.  NULL: there
 * is no room; the lock is held all the same. */
static struct disk_entry *
take_entry(const struct disk_cache *c, const struct disk_key *key, bool *is_new)
{
    struct zone       *z = zone_of(c);
    struct disk_entry *e;

    disk_index_lock(z);
    for (unsigned i = 0;; i++) {
        e = disk_index_find(z, key);
        *is_new = e == NULL;
        if (e == NULL)
            e = disk_index_add(z, key, clock_seconds());
        if (e != NULL || i == EVICT_TRIES)
            return e;
        disk_index_unlock(z);
        (void) disk_cache_evict(c);
        disk_index_lock(z);
    }
}


bool
disk_cache_ask(const struct disk_cache *c, const struct disk_key *key,
               struct disk_asked *out)
{
    struct zone       *z = zone_of(c);
    time_t             now = clock_seconds();
    struct disk_entry *e = take_entry(c, key, &out->is_new);

    out->last_purge = disk_purge_number(c);
    if (e != NULL) {
        out->used_at = out->is_new ? 0 : (time_t) e->used_at;
        out->version = (struct disk_version){ e, e->writes };
        disk_index_use(z, e, now);
        if (e->error != 0 && e->valid_at < now)
            e->error = 0;
        out->error = e->error;
        out->uses = e->uses;
        out->bytes = e->bytes;
        out->purges = e->purges;
        out->may_have_file = e->bytes != 0 || disk_index_is_cold(z, c->folder);
    }
    disk_index_unlock(z);
    return e != NULL;
}


void
disk_cache_opened(struct disk_asked *asked)
{
    if (!disk_version_is_current(&asked->version))
        asked->purges = FIRST_PURGE;
}


uint32_t
disk_cache_claim(const struct disk_cache *c, const struct disk_key *key,
                 uint64_t ms)
{
    struct zone       *z = zone_of(c);
    bool               is_new;
    struct disk_entry *e = take_entry(c, key, &is_new);
    uint32_t           claim = e != NULL ? disk_index_claim(z, e, ms) : 0;

    if (e != NULL && claim == 0)
        e->is_awaited = true;
    disk_index_unlock(z);
    return claim;
}


bool
disk_cache_await(const struct disk_cache *c, const struct disk_key *key)
{
    struct zone       *z = zone_of(c);
    struct disk_entry *e;
    bool               is_claimed;

    disk_index_lock(z);
    e = disk_index_find(z, key);
    is_claimed = e != NULL && disk_index_is_claimed(e);
    if (is_claimed)
        e->is_awaited = true;
    disk_index_unlock(z);
    return is_claimed;
}


void
disk_cache_extend(const struct disk_cache *c, const struct disk_key *key,
                  uint32_t claim, uint64_t ms)
{
    struct zone       *z = zone_of(c);
    struct disk_entry *e;

    disk_index_lock(z);
    e = disk_index_find(z, key);
    if (e != NULL)
        disk_index_extend(e, claim, ms);
    disk_index_unlock(z);
}


void
disk_cache_leave(const struct disk_cache *c, const struct disk_key *key,
                 uint32_t claim)
{
    struct zone       *z = zone_of(c);
    struct disk_entry *e;
    bool               is_awaited;

    disk_index_lock(z);
    e = disk_index_find(z, key);
    is_awaited = e != NULL && disk_index_leave(e, claim);
    disk_index_unlock(z);
    if (is_awaited)
        bell_ring();
}


/* --- files that grow ------------------------------------------------------------ */

/* The entry of the key, with the lock held, if that claim has it. */
static struct disk_entry *
claimed_entry(struct zone *z, const struct disk_key *key, uint32_t claim)
{
    struct disk_entry *e;

    disk_index_lock(z);
    e = disk_index_find(z, key);
    return e != NULL && e->claim == claim ? e : NULL;
}


static void
unlock_and_ring(struct zone *z, struct disk_entry *e)
{
    bool is_awaited = e != NULL && e->is_awaited;

    if (is_awaited)
        e->is_awaited = false;
    disk_index_unlock(z);
    if (is_awaited)
        bell_ring();
}


void
disk_cache_grows(const struct disk_cache *c, const struct disk_key *key,
                 uint32_t claim, uint32_t number, uint64_t purges)
{
    struct disk_entry *e = claimed_entry(zone_of(c), key, claim);

    if (e != NULL) {
        e->growing = number + 1;
        e->purges = purges;
    }
    unlock_and_ring(zone_of(c), e);
}


void
disk_cache_grew(const struct disk_cache *c, const struct disk_key *key,
                uint32_t claim)
{
    unlock_and_ring(zone_of(c), claimed_entry(zone_of(c), key, claim));
}


void
disk_cache_grown(const struct disk_cache *c, const struct disk_key *key,
                 uint32_t claim)
{
    struct disk_entry *e = claimed_entry(zone_of(c), key, claim);

    if (e != NULL)
        e->grown = claim;
    disk_index_unlock(zone_of(c));
}


bool
disk_cache_growing(const struct disk_cache *c, const struct disk_key *key,
                   uint32_t *claim, uint32_t *number)
{
    struct zone       *z = zone_of(c);
    struct disk_entry *e;
    bool               is_growing;

    disk_index_lock(z);
    e = disk_index_find(z, key);
    is_growing = e != NULL && e->claim != 0 && e->growing != 0
                 && e->purges == disk_purge_number(c);
    if (is_growing) {
        *claim = e->claim;
        *number = e->growing - 1;
    }
    disk_index_unlock(z);
    return is_growing;
}


enum disk_growth
disk_cache_growth(const struct disk_cache *c, const struct disk_key *key,
                  uint32_t claim)
{
    struct zone       *z = zone_of(c);
    struct disk_entry *e;
    enum disk_growth   how = DISK_GIVEN_UP;

    disk_index_lock(z);
    e = disk_index_find(z, key);
    if (e != NULL && e->grown == claim) {
        how = DISK_GROWN;
    } else if (e != NULL && e->claim == claim && disk_index_is_claimed(e)) {
        how = DISK_GROWS;
        e->is_awaited = true;
    }
    disk_index_unlock(z);
    return how;
}


/* --- files ----------------------------------------------------------------------- */

void
disk_cache_replaces(const struct disk_cache *c, const struct disk_key *key,
                    uint64_t purges)
{
    struct zone       *z = zone_of(c);
    bool               is_new;
    struct disk_entry *e = take_entry(c, key, &is_new);

    if (e != NULL) {
        if (e->purges > purges)
            e->purges = purges;
        if (e->purges == 0) /* unknown, of what was found in the folder */
            e->purges = FIRST_PURGE;
        disk_index_changed(z, e);
    }
    disk_index_unlock(z);
}


void
disk_cache_stored(const struct disk_cache *c, const struct disk_key *key,
                  uint64_t n, uint64_t purges)
{
    struct zone       *z = zone_of(c);
    bool               is_new = false;
    struct disk_entry *e;

    if (n != 0) {
        e = take_entry(c, key, &is_new);
    } else {
        disk_index_lock(z);
        e = disk_index_find(z, key);
    }
    if (e != NULL) {
        disk_index_set_bytes(z, e, taken(n));
        e->purges = purges;
    }
    disk_index_unlock(z);
}


void
disk_cache_changed(const struct disk_cache *c, const struct disk_key *key)
{
    struct zone       *z = zone_of(c);
    struct disk_entry *e;

    disk_index_lock(z);
    e = disk_index_find(z, key);
    if (e != NULL)
        disk_index_changed(z, e);
    disk_index_unlock(z);
}


void
disk_cache_used(struct zone *z, const struct disk_key *key, uint32_t n)
{
    struct disk_entry *e;

    disk_index_lock(z);
    e = disk_index_find(z, key);
    if (e != NULL) {
        disk_index_use(z, e, clock_seconds());
        n--;
        e->uses = e->uses < UINT32_MAX - n ? e->uses + n : UINT32_MAX;
    }
    disk_index_unlock(z);
}


void
disk_cache_confirmed(const struct disk_cache *c, const struct disk_key *key,
                     const struct disk_version *v, uint64_t purges)
{
    struct zone       *z = zone_of(c);
    struct disk_entry *e;

    disk_index_lock(z);
    e = disk_index_find(z, key);
    if (e != NULL && e == v->e && e->writes == v->writes)
        e->purges = purges;
    disk_index_unlock(z);
}


bool
disk_cache_remove(const struct disk_cache *c, const struct disk_key *key)
{
    struct zone       *z = zone_of(c);
    struct disk_entry *e;
    char               name[DISK_NAME_MAX] UNSET;
    bool               had;

    disk_cache_name(c, key, name);
    had = unlink(name) == 0;
    disk_index_lock(z);
    e = disk_index_find(z, key);
    if (e != NULL && e->error != 0)
        had = true;
    if (e != NULL && disk_index_is_claimed(e))
        disk_index_set_bytes(z, e, 0);
    else if (e != NULL)
        disk_index_remove(z, e);
    disk_index_unlock(z);
    return had;
}


void
disk_cache_set_error(const struct disk_cache *c, const struct disk_key *key,
                     unsigned status, int64_t valid_at, uint64_t purges)
{
    struct zone       *z = zone_of(c);
    bool               is_new;
    struct disk_entry *e = take_entry(c, key, &is_new);

    if (e != NULL) {
        e->valid_at = valid_at;
        e->error = (uint16_t) status;
        disk_index_changed(z, e);
        e->purges = purges;
    }
    disk_index_unlock(z);
}


void
disk_cache_found(const struct disk_cache *c, const struct disk_key *key,
                 uint64_t n)
{
    struct zone       *z = zone_of(c);
    bool               is_new;
    struct disk_entry *e = take_entry(c, key, &is_new);

    if (e != NULL && (e->bytes == 0 || e->is_unproved))
        disk_index_set_bytes(z, e, taken(n));
    disk_index_unlock(z);
}
