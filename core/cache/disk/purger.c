/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The purger: deletes files that purges of keys and of prefixes are about, which
 * otherwise go when they are asked for, or have been unused for a time.
 */
#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/cache/disk/purge.h"
#include "core/os/clock.h"

enum {
    LOOK_MS = 1000,
    KEY_ROOM = 16384, /* of what precedes a body; longer keys stay           */
};


/* Whether the file is older than a purge that concerns it. */
static bool
is_purged(const struct disk_cache *c, const struct disk_entry *e)
{
    char             name[DISK_NAME_MAX] UNSET, bytes[KEY_ROOM] UNSET;
    struct disk_head h;
    struct disk_key  key;
    str_t            text;
    ssize_t          n;
    int              fd;

    disk_cache_name(c, &e->key, name);
    fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd == -1)
        return false;
    n = pread(fd, bytes, sizeof(bytes), 0);
    (void) close(fd);
    if (n <= 0 || !disk_head_key(&h, (str_t){ bytes, (size_t) n }, &text))
        return false;
    CHECK(EVP_Digest(text.p, text.n, key.b, NULL, EVP_md5(), NULL) == 1);
    return disk_purge_of_key(c, &key, text,
                             &(struct disk_age){ e->purges, h.date },
                             memcmp(&key, &e->key, sizeof(key)) == 0)
           == PURGED_HARD;
}


bool
disk_purger_go(const struct helper_run *h, const struct disk_cache *c)
{
    struct disk_entry e;
    uint32_t          at = 0;
    uint64_t          files = 0;
    msec_t            began = clock_fresh_ms();
    bool              more;

    for (;;) {
        clock_update();
        disk_index_lock(c->in->zone);
        more = disk_index_next(c->in->zone, &at, &e);
        disk_index_unlock(c->in->zone);
        if (!more)
            return true;
        if (e.bytes == 0)
            continue;
        if (is_purged(c, &e))
            (void) disk_cache_remove(c, &e.key);
        if (++files < c->purger.files
            && clock_fresh_ms() - began < c->purger.threshold)
            continue;
        if (!h->wait(c->purger.sleep))
            return false;
        files = 0;
        began = clock_fresh_ms();
    }
}


/* A cache whose folder is known, and where something was purged since that. */
static bool
is_wanted(const struct disk_cache *c, uint64_t since)
{
    bool is_cold;

    disk_index_lock(c->in->zone);
    is_cold = disk_index_is_cold(c->in->zone, c->folder);
    disk_index_unlock(c->in->zone);
    return c->has_purger && !is_cold && disk_purge_number(c) != since;
}


void
disk_purger_run(const struct helper_run *h)
{
    const struct disk_caches *all
        = generation_main(h->gen, disk_cache_module.slot);
    struct arena *a = arena_new(0);
    size_t        n = 0, i;
    uint64_t     *done, number;
    bool          goes_on = true;

    for (const struct disk_cache *c = all->first; c != NULL; c = c->next)
        n++;
    done = arena_array(a, uint64_t, n);
    memset(done, 0, n * sizeof(*done));
    while (goes_on && h->wait(LOOK_MS)) {
        i = 0;
        for (const struct disk_cache *c = all->first; c != NULL && goes_on;
             c = c->next, i++)
        {
            if (!is_wanted(c, done[i]))
                continue;
            number = disk_purge_number(c);
            goes_on = disk_purger_go(h, c);
            done[i] = number;
        }
    }
    arena_free(a);
}
