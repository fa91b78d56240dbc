/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All copies of the process are in one table, by a hash of key and variant, and
 * in another one, by the watch of their file; each tier has them in the order of
 * their last use.  The folders that files are in are watched, too, for being moved
 * away; those above the cache's own, which may be links, are looked at once a
 * second.
 */
#include "core/cache/disk/hot.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/cache/watch.h"
#include "core/os/clock.h"

enum {
    BUCKETS = 8192,
    PLACES = 1024,
    COPIES_MAX = 16384, /* each has a watch                                  */
    FILES_MAX = 512,    /* ... and some an open file                         */
    OFTEN_S = 10,       /* what is asked for again within this time          */
    WHOLE_MAX = 32 * 1024,
    WHOLE_ONE_OF = 8, /* the part of memory that one copy may take         */
    REFUSED_MS = 60 * 1000,
};

/* A folder that is watched. */
struct place {
    struct place     *id_next, *wd_next;
    struct disk_tier *tier;
    uint32_t          id; /* level and digits                                */
    int               wd;
};

struct disk_tier {
    struct disk_tier *next;
    struct zone      *zone;
    uint64_t          serial; /* of the zone                                 */
    uint64_t          folder;
    const char       *path;
    char             *path_room;
    struct stat       root;
    time_t            checked_at;
    unsigned          refs;
    bool              is_told; /* of changes of the file system              */
    uint64_t          memory, used;
    struct list       copies;
    struct place     *places[PLACES];
};

static struct {
    struct loop      *loop;
    struct watch      watch;
    bool              is_watching, is_lost;
    msec_t            refused_at; /* 0: never                                */
    struct disk_tier *tiers;
    unsigned          n, n_files, max_files;
    struct disk_hot  *by_hash[BUCKETS], *by_wd[BUCKETS];
    struct place     *places[PLACES]; /* by wd                               */
} hot;


/* --- copies --------------------------------------------------------------------- */

static void
free_copy(struct disk_hot *h)
{
    hot.n--;
    hot.n_files -= h->file != NULL;
    h->tier->used -= h->cost;
    list_remove(&h->link);
    if (h->uses != 0)
        disk_cache_used(h->tier->zone, &h->key, h->uses);
    block_put(h->block);
    block_put(h->made);
    chain_file_put(h->file);
    free(h);
}


static void
unlink_hash(struct disk_hot *h)
{
    struct disk_hot **at = &hot.by_hash[h->hash % BUCKETS];

    while (*at != h)
        at = &(*at)->chain;
    *at = h->chain;
}


static void
unlink_wd(struct disk_hot *h)
{
    struct disk_hot **at = &hot.by_wd[(unsigned) h->wd % BUCKETS];

    while (*at != h)
        at = &(*at)->wd_chain;
    *at = h->wd_chain;
}


/* The same file has one watch, and so has at most one copy. */
static struct disk_hot *
find_wd(int wd)
{
    struct disk_hot *h = hot.by_wd[(unsigned) wd % BUCKETS];

    while (h != NULL && h->wd != wd)
        h = h->wd_chain;
    return h;
}


static void
drop(struct disk_hot *h, bool is_watched)
{
    unlink_hash(h);
    unlink_wd(h);
    if (is_watched)
        watch_remove(&hot.watch, h->wd);
    free_copy(h);
}


/* Each watch goes with the next one that is opened. */
static void
drop_all(void)
{
    for (struct disk_tier *t = hot.tiers; t != NULL; t = t->next)
        while (!list_empty(&t->copies))
            drop(list_entry(t->copies.next, struct disk_hot, link), false);
    hot.is_lost = true;
}


static bool
drop_oldest(struct disk_tier *t)
{
    if (list_empty(&t->copies))
        return false;
    drop(list_entry(t->copies.prev, struct disk_hot, link), true);
    return true;
}


/* --- changes ---------------------------------------------------------------------- */

static void
on_change(struct watch *w, int wd, uint32_t mask, str_t name)
{
    struct disk_hot *h = find_wd(wd);
    struct place    *p = hot.places[(unsigned) wd % PLACES];

    (void) w;
    (void) name;
    if (h != NULL) {
        drop(h, !(mask & IN_IGNORED));
        return;
    }
    while (p != NULL && p->wd != wd)
        p = p->wd_next;
    if (p != NULL)
        drop_all();
}


static void
on_lost(struct watch *w)
{
    (void) w;
    drop_all();
}


static void
forget_places(void)
{
    struct place *p;

    for (unsigned i = 0; i < PLACES; i++)
        while ((p = hot.places[i]) != NULL) {
            hot.places[i] = p->wd_next;
            free(p);
        }
    for (struct disk_tier *t = hot.tiers; t != NULL; t = t->next)
        memset(t->places, 0, sizeof(t->places));
}


static void
stop_watching(void)
{
    forget_places();
    if (hot.is_watching)
        watch_close(&hot.watch);
    hot.is_watching = hot.is_lost = false;
}


/* False: the kernel does not tell of changes, or not now. */
static bool
start_watching(void)
{
    if (hot.is_lost)
        stop_watching();
    if (hot.is_watching)
        return true;
    if (hot.refused_at != 0 && clock_ms() - hot.refused_at < REFUSED_MS)
        return false;
    hot.watch = (struct watch){ .on_change = on_change, .on_lost = on_lost };
    hot.is_watching = watch_open(&hot.watch, hot.loop);
    hot.refused_at = hot.is_watching ? 0 : clock_ms();
    return hot.is_watching;
}


static int
watched(int wd)
{
    if (wd == -1 && errno == ENOSPC)
        hot.refused_at = clock_ms();
    return wd;
}


/* Watches the folder at path.  False: it cannot be. */
static bool
add_place(struct disk_tier *t, const char *path, uint32_t id)
{
    struct place *p = t->places[id % PLACES];
    int           wd;

    while (p != NULL && p->id != id)
        p = p->id_next;
    if (p != NULL)
        return true;
    wd = watched(watch_place(&hot.watch, path));
    p = wd != -1 ? malloc(sizeof(*p)) : NULL;
    if (p == NULL)
        return false;
    *p = (struct place){ t->places[id % PLACES],
                         hot.places[(unsigned) wd % PLACES], t, id, wd };
    t->places[id % PLACES] = hot.places[(unsigned) wd % PLACES] = p;
    return true;
}


/* The folders that lead to a file whose name, in room for it, is n bytes long. */
static bool
add_places(struct disk_tier *t, const struct disk_cache *c, char *name)
{
    size_t   at = c->path.n;
    uint32_t id = 0;
    bool     ok = add_place(t, c->path.p, 0);

    for (size_t i = 0; ok && i < DISK_LEVELS && c->levels[i] != 0; i++) {
        at++;
        for (size_t k = 0; k < c->levels[i]; k++)
            id = id * 16 + (uint32_t) number_hex_digit(name[at++]);
        name[at] = '\0';
        ok = add_place(t, name, id + ((uint32_t) (i + 1) << 28));
        name[at] = '/';
    }
    return ok;
}


/* Whether the folder is still the one that its path leads to. */
static bool
is_in_place(struct disk_tier *t)
{
    struct stat s;
    time_t      now = clock_seconds();

    if (t->checked_at == now)
        return true;
    t->checked_at = now;
    if (stat(t->path, &s) == 0 && s.st_dev == t->root.st_dev
        && s.st_ino == t->root.st_ino)
        return true;
    drop_all();
    return false;
}


/* --- tiers -------------------------------------------------------------------------- */

static unsigned
files_allowed(void)
{
    struct rlimit l;

    if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur / 8 < FILES_MAX)
        return (unsigned) (l.rlim_cur / 8);
    return FILES_MAX;
}


struct disk_tier *
disk_hot_open(const struct disk_cache *c, struct loop *l)
{
    struct disk_tier *t = hot.tiers;

    hot.loop = l;
    hot.max_files = files_allowed();
    while (t != NULL
           && (t->zone != c->in->zone || t->serial != c->in->serial
               || t->folder != c->folder))
        t = t->next;
    if (t == NULL) {
        t = calloc(1, sizeof(*t));
        if (t == NULL)
            return NULL;
        t->path_room = strdup(c->path.p);
        if (t->path_room == NULL)
            check_memory(c->path.n);
        t->path = t->path_room;
        t->zone = c->in->zone;
        t->serial = c->in->serial;
        t->folder = c->folder;
        list_init(&t->copies);
        t->next = hot.tiers;
        hot.tiers = t;
    }
    t->memory = c->memory;
    t->refs++;
    return t;
}


void
disk_hot_close(struct disk_tier *t)
{
    struct disk_tier **at = &hot.tiers;

    if (--t->refs != 0)
        return;
    drop_all();
    stop_watching();
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    free(t->path_room);
    free(t);
}


void
disk_hot_stop(void)
{
    drop_all();
    stop_watching();
    hot.loop = NULL;
}


/* --- looking up ---------------------------------------------------------------------- */

static uint32_t
hash_of(str_t text, const struct disk_key *variant)
{
    uint32_t more = 0;

    if (variant != NULL)
        memcpy(&more, variant->b, sizeof(more));
    return str_hash(text) ^ more;
}


static bool
is_variant(const struct disk_hot *h, const struct disk_key *variant)
{
    const struct disk_key *of = variant != NULL ? variant : &h->main;

    return memcmp(&h->key, of, sizeof(*of)) == 0;
}


static void
note_use(struct disk_hot *h)
{
    time_t now = clock_seconds();

    h->uses++;
    list_remove(&h->link);
    list_insert(&h->tier->copies, &h->link);
    if (h->used_at == now)
        return;
    h->used_at = now;
    disk_cache_used(h->tier->zone, &h->key, h->uses);
    h->uses = 0;
}


struct disk_hot *
disk_hot_find(const struct disk_cache *c, str_t text,
              const struct disk_key *variant)
{
    uint32_t         hash;
    struct disk_hot *h;

    if (c->hot == NULL || list_empty(&c->hot->copies) || !is_in_place(c->hot))
        return NULL;
    if (hot.watch.is_resting)
        watch_drain(&hot.watch);
    hash = hash_of(text, variant);
    h = hot.by_hash[hash % BUCKETS];
    while (h != NULL
           && (h->hash != hash || h->tier != c->hot || !str_eq(h->text, text)
               || !is_variant(h, variant)))
        h = h->chain;
    if (h == NULL)
        return NULL;
    if (!disk_version_is_current(&h->version)) {
        drop(h, true);
        return NULL;
    }
    note_use(h);
    return h;
}


/* --- adding --------------------------------------------------------------------------- */

uint64_t
disk_hot_most(const struct disk_cache *c)
{
    uint64_t part = c->memory / WHOLE_ONE_OF;

    return part < WHOLE_MAX ? part : WHOLE_MAX;
}


/* A tier of which nothing is known yet finds out where it is. */
static bool
settle(struct disk_tier *t)
{
    if (!list_empty(&t->copies))
        return t->is_told;
    t->checked_at = clock_seconds();
    t->is_told = stat(t->path, &t->root) == 0 && watch_is_told(t->path);
    return t->is_told;
}


bool
disk_hot_watch(const struct disk_cache *c, const struct disk_key *key,
               const struct disk_asked *asked, int *wd)
{
    struct disk_tier *t = c->hot;
    struct disk_hot  *same;
    char              name[DISK_NAME_MAX] UNSET;

    if (t == NULL || hot.loop == NULL || asked->used_at == 0
        || asked->used_at + OFTEN_S < clock_seconds()
        || (hot.refused_at != 0 && clock_ms() - hot.refused_at < REFUSED_MS)
        || !start_watching() || !settle(t))
        return false;
    disk_cache_name(c, key, name);
    if (!add_places(t, c, name))
        return false;
    *wd = watched(watch_file(&hot.watch, name));
    if (*wd == -1)
        return false;
    same = find_wd(*wd);
    if (same != NULL)
        drop(same, false);
    return true;
}


void
disk_hot_unwatch(const struct disk_cache *c, int wd)
{
    (void) c;
    watch_remove(&hot.watch, wd);
}


/* Of other caches. */
static bool
drop_any(void)
{
    for (struct disk_tier *t = hot.tiers; t != NULL; t = t->next)
        if (drop_oldest(t))
            return true;
    return false;
}


/* Makes room for a copy of n bytes of memory. */
static bool
make_room(struct disk_tier *t, size_t n, bool has_file)
{
    while (hot.n >= COPIES_MAX || (has_file && hot.n_files >= hot.max_files)
           || (t->used + n > t->memory && t->used != 0 && !has_file))
        if (!drop_oldest(t) && !drop_any())
            return false;
    return true;
}


static void
enter(struct disk_hot *h)
{
    struct disk_hot **hash = &hot.by_hash[h->hash % BUCKETS];
    struct disk_hot **wd = &hot.by_wd[(unsigned) h->wd % BUCKETS];

    h->chain = *hash;
    *hash = h;
    h->wd_chain = *wd;
    *wd = h;
    list_insert(&h->tier->copies, &h->link);
    h->tier->used += h->cost;
    hot.n++;
    hot.n_files += h->file != NULL;
}


/* start is copied; texts that point into it come with it. */
static void
copy_start(struct disk_hot *h, const struct disk_source *s, size_t n)
{
    const char *from = s->start.p;

    h->block = block_new(n);
    memcpy(h->block->data, from, n);
    h->block->is_lasting = true;
    h->start = (str_t){ h->block->data, n };
    h->text = (str_t){ h->start.p + DISK_KEY_AT,
                       s->head->head_at - disk_head_size(0) };
    h->head = *s->head;
    h->head.etag.p = h->start.p + (s->head->etag.p - from);
    h->head.vary.p = h->start.p + (s->head->vary.p - from);
}


struct disk_hot *
disk_hot_add(const struct disk_cache *c, const struct disk_source *s,
             const struct disk_asked *asked, int wd)
{
    bool   is_whole = s->size <= disk_hot_most(c) && s->start.n >= s->size;
    size_t n = is_whole ? (size_t) s->size : s->head->body_at;
    struct disk_hot *h;

    h = make_room(c->hot, n, !is_whole) ? calloc(1, sizeof(*h)) : NULL;
    if (h == NULL) {
        watch_remove(&hot.watch, wd);
        return NULL;
    }
    h->tier = c->hot;
    h->wd = wd;
    h->main = s->main;
    h->key = s->key;
    h->version = asked->version;
    h->purges = asked->purges;
    h->used_at = clock_seconds();
    h->size = s->size;
    h->cost = n + sizeof(*h);
    copy_start(h, s, n);
    h->file = is_whole ? NULL : chain_file_get(s->file);
    h->hash = hash_of(h->text, is_variant(h, NULL) ? NULL : &h->key);
    enter(h);
    return h;
}


void
disk_hot_confirmed(struct disk_hot *h, uint64_t purges)
{
    h->purges = purges;
}


void
disk_hot_set_made(struct disk_hot *h, struct block *made)
{
    h->made = made;
    h->cost += made->size;
    h->tier->used += made->size;
}
