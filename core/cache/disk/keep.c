/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two helpers of disk caches.  The manager deletes what was not asked for in
 * a long time, and what is too much.  The loader goes once through a folder whose
 * index is new, and lists its files; what was saved of the index is used before
 * that.  It deletes only what has a name of this
 * cache and cannot be a file of it: whatever else lies there is not ours.
 */
#include "core/cache/disk/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/cache/disk/saved.h"
#include "core/log/log.h"
#include "core/os/clock.h"

enum {
    IDLE_MS = 10000, /* the longest time between two looks              */
    LOADER_DELAY_MS = 1000,
    SUFFIX = 10,        /* digits of a temporary name, behind a dot        */
    ABANDONED_S = 3600, /* no one writes to such a file any more           */
    SAVE_S = 60,        /* between two times, and more for a large index    */
    SAVE_KEYS = 4000,   /* ... a second for so many keys                     */
    FORGET_AT_ONCE = 4096,
};


/* --- the manager ---------------------------------------------------------------- */

/* What comes while it sleeps is not inactive, or not by much, when it wakes. */
static msec_t
idle_ms(const struct disk_cache *c)
{
    if (c->inactive >= IDLE_MS / 1000)
        return IDLE_MS;
    return c->inactive != 0 ? c->inactive * 1000 : 1000;
}


/* Milliseconds until the oldest entry is inactive; 0: it is. */
static msec_t
until_inactive(const struct disk_cache *c)
{
    const struct disk_entry *e;
    uint64_t                 end, now = (uint64_t) clock_seconds();

    disk_index_lock(c->in->zone);
    e = disk_index_oldest(c->in->zone);
    end = e != NULL ? e->used_at + c->inactive : UINT64_MAX;
    disk_index_unlock(c->in->zone);
    if (end <= now)
        return 0;
    return end - now < idle_ms(c) / 1000 ? (end - now) * 1000 : idle_ms(c);
}


static bool
is_too_full(const struct disk_cache *c)
{
    struct disk_totals all;
    struct statvfs     fs;

    disk_index_lock(c->in->zone);
    all = disk_index_totals(c->in->zone);
    disk_index_unlock(c->in->zone);
    if (all.entries == 0)
        return false;
    if (c->max_size != 0 && all.bytes > c->max_size)
        return true;
    return c->min_free != 0 && statvfs(c->path.p, &fs) == 0
           && (uint64_t) fs.f_bavail * fs.f_frsize < c->min_free;
}


/* One go; the milliseconds until the next one. */
static msec_t
manage(const struct disk_cache *c)
{
    msec_t start = clock_fresh_ms(), wait = IDLE_MS;

    for (uint64_t files = 0;; files++) {
        clock_update();
        if (files != 0
            && (files >= c->manager.files
                || clock_ms() - start >= c->manager.threshold))
            return c->manager.sleep;
        wait = until_inactive(c);
        if (wait != 0 && !is_too_full(c))
            return wait;
        if (!disk_cache_evict(c))
            return idle_ms(c);
    }
}


/* --- saving --- */

static void
save(struct disk_cache *c, const struct log *log)
{
    struct disk_totals all;

    disk_index_lock(c->in->zone);
    all = disk_index_totals(c->in->zone);
    disk_index_unlock(c->in->zone);
    if (all.changes == c->saved_changes)
        return;
    c->saved_changes = all.changes;
    (void) disk_saved_write(c, log);
    c->save_at = clock_seconds() + SAVE_S + all.entries / SAVE_KEYS;
}


static void
save_due(struct disk_cache *c, const struct log *log)
{
    if (c->save_at == 0) /* what it began with was not new */
        c->save_at = clock_seconds() + SAVE_S;
    if (clock_seconds() >= c->save_at)
        save(c, log);
}


void
disk_manager_run(const struct helper_run *h)
{
    const struct disk_caches *all
        = generation_main(h->gen, disk_cache_module.slot);
    msec_t wait, next;

    do {
        next = IDLE_MS;
        for (struct disk_cache *c = all->first; c != NULL; c = c->next) {
            wait = manage(c);
            next = wait < next ? wait : next;
            save_due(c, h->log);
        }
    } while (h->wait(next));
    for (struct disk_cache *c = all->first; c != NULL; c = c->next)
        save(c, h->log);
}


/* --- the loader ----------------------------------------------------------------- */

struct load {
    const struct helper_run *h;
    const struct disk_cache *c;
    uint64_t                 files; /* in this go                            */
    msec_t                   began; /* ... since                             */
};


/* False: the loader has to end. */
static bool
take_turns(struct load *l)
{
    clock_update();
    if (++l->files < l->c->loader.files
        && clock_fresh_ms() - l->began < l->c->loader.threshold)
        return true;
    if (!l->h->wait(l->c->loader.sleep))
        return false;
    l->files = 0;
    l->began = clock_fresh_ms();
    return true;
}


/* What was being written when its worker ended. */
static bool
is_abandoned(const struct load *l, str_t below, str_t name,
             const struct stat *s)
{
    struct disk_key key;

    if (name.n != 2 * DISK_KEY_N + 1 + SUFFIX || name.p[2 * DISK_KEY_N] != '.')
        return false;
    for (size_t i = 2 * DISK_KEY_N + 1; i < name.n; i++)
        if (name.p[i] < '0' || name.p[i] > '9')
            return false;
    name.n = 2 * DISK_KEY_N;
    return disk_cache_parse_name(l->c, below, name, &key)
           && s->st_mtime + ABANDONED_S < clock_seconds();
}


static void
load_file(struct load *l, const char *path, str_t below, str_t name)
{
    struct disk_key key;
    struct stat     s;

    if (lstat(path, &s) == -1 || !S_ISREG(s.st_mode))
        return;
    if (disk_cache_parse_name(l->c, below, name, &key)) {
        if (s.st_size > DISK_STRUCT) {
            disk_cache_found(l->c, &key, (uint64_t) s.st_size);
            return;
        }
        log_at(l->h->log, LEVEL_CRIT, 0, "cache file \"%s\" is too small",
               path);
        (void) unlink(path);
    } else if (is_abandoned(l, below, name, &s)) {
        (void) unlink(path);
    }
}


static unsigned
levels_of(const struct disk_cache *c)
{
    unsigned n = 0;

    while (n < DISK_LEVELS && c->levels[n] != 0)
        n++;
    return n;
}


/* The files of the folder at path, which is ended by a NUL, and those below
 * it; depth: of how many levels it is.  False: it has to end. */
static bool
load_folder(struct load *l, str_t path, unsigned depth)
{
    size_t         top = l->c->path.n;
    str_t          below = path.n > top ? str_from(path, top + 1) : STR("");
    DIR           *d = opendir(path.p);
    struct dirent *e;
    bool           goes_on = true;

    if (d == NULL) {
        if (errno != ENOENT)
            log_at(l->h->log, LEVEL_CRIT, errno, "opendir() \"%s\" failed",
                   path.p);
        return true;
    }
    while (goes_on && (e = readdir(d)) != NULL) {
        str_t name = str_of(e->d_name), text;
        char  child[DISK_NAME_MAX + sizeof(e->d_name)];

        if (name.p[0] == '.')
            continue;
        text.p = child;
        text.n = (size_t) snprintf(child, sizeof(child), "%s/%s", path.p,
                                   e->d_name);
        if (depth == levels_of(l->c)) {
            load_file(l, child, below, name);
            goes_on = take_turns(l);
        } else if (name.n == l->c->levels[depth]) {
            goes_on = load_folder(l, text, depth + 1);
        }
    }
    closedir(d);
    return goes_on;
}


/* What was saved has files that are not there any more. */
static void
forget_unproved(const struct disk_cache *c)
{
    uint32_t at = 0;
    bool     goes_on = true;

    while (goes_on) {
        disk_index_lock(c->in->zone);
        goes_on = disk_index_forget_unproved(c->in->zone, &at, FORGET_AT_ONCE);
        disk_index_unlock(c->in->zone);
    }
}


static bool
load(const struct helper_run *h, const struct disk_cache *c)
{
    struct load l = { .h = h, .c = c, .began = clock_fresh_ms() };
    bool        begins, is_whole;

    disk_index_lock(c->in->zone);
    begins = disk_index_begin_load(c->in->zone, c->folder);
    disk_index_unlock(c->in->zone);
    if (!begins)
        return true;
    is_whole = load_folder(&l, c->path, 0);
    if (is_whole) {
        struct disk_totals all;

        forget_unproved(c);
        disk_index_lock(c->in->zone);
        disk_index_set_warm(c->in->zone, c->folder);
        all = disk_index_totals(c->in->zone);
        disk_index_unlock(c->in->zone);
        log_at(h->log, LEVEL_NOTICE, 0,
               "http file cache: %s %.3fM, bsize: 4096", c->path.p,
               (double) all.bytes / (1024 * 1024));
    }
    return is_whole;
}


/* What was saved is there at once.  Where nothing was, something is from now on, by
 * which the folder is known as that of a cache, whatever comes into it. */
static void
restore(const struct disk_cache *c, const struct log *log)
{
    bool     is_cold;
    uint32_t n;

    disk_index_lock(c->in->zone);
    disk_index_begin(c->in->zone, c->folder);
    is_cold = disk_index_is_cold(c->in->zone, c->folder);
    disk_index_unlock(c->in->zone);
    n = is_cold ? disk_saved_load(c, log) : 0;
    if (is_cold && n == 0)
        (void) disk_saved_write(c, log);
    if (n != 0)
        log_at(log, LEVEL_NOTICE, 0,
               "http file cache: %s: %u keys from the saved index", c->path.p,
               n);
}


void
disk_loader_run(const struct helper_run *h)
{
    const struct disk_caches *all
        = generation_main(h->gen, disk_cache_module.slot);

    for (const struct disk_cache *c = all->first; c != NULL; c = c->next)
        restore(c, h->log);
    if (!h->wait(LOADER_DELAY_MS))
        return;
    for (const struct disk_cache *c = all->first; c != NULL; c = c->next)
        if (!load(h, c))
            return;
}
