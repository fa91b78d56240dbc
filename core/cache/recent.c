/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * open_file_cache, for files that the kernel cannot watch.  An entry is
 * trusted for open_file_cache_valid and then checked again; it is dropped when
 * it has not been used for the inactive time, or when there are more than max.
 *
 * Each open_file_cache line has entries of its own in each process, created on
 * first use.  They outlive a generation if the next one has the same line: the
 * same parameters, and the same number among the lines with these parameters.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/list.h"
#include "core/cache/inside.h"
#include "core/os/clock.h"

enum { BUCKETS = 1024 };

struct entry {
    struct entry      *next; /* in its bucket                                */
    struct list        lru;
    struct file_result result;
    bool               is_test; /* stat only, not opened                     */
    uint64_t           uses;
    msec_t             used_at, checked_at;
    uint32_t           hash;
    size_t             n;
    char               path[];
};

struct recent {
    struct recent         *next;
    struct file_cache_conf conf;
    struct entry          *buckets[BUCKETS];
    struct list            lru; /* most recently used first           */
    size_t                 n;
};

static struct recent *caches;


static bool
is_same(const struct file_cache_conf *a, const struct file_cache_conf *b)
{
    return a->max == b->max && a->inactive == b->inactive && a->nth == b->nth;
}


static struct recent *
cache_of(const struct file_cache_conf *conf)
{
    struct recent *c;

    for (c = caches; c != NULL; c = c->next)
        if (is_same(&c->conf, conf))
            return c;
    c = calloc(1, sizeof(*c));
    if (c == NULL)
        check_memory(sizeof(*c));
    c->conf = *conf;
    list_init(&c->lru);
    c->next = caches;
    caches = c;
    return c;
}


static struct entry *
find(const struct recent *c, str_t path, uint32_t hash)
{
    struct entry *e = c->buckets[hash % BUCKETS];

    while (e != NULL
           && (e->hash != hash || e->n != path.n
               || memcmp(e->path, path.p, path.n) != 0))
        e = e->next;
    return e;
}


static void
drop(struct recent *c, struct entry *e)
{
    struct entry **at = &c->buckets[e->hash % BUCKETS];

    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    list_remove(&e->lru);
    c->n--;
    file_put(e->result.file);
    free(e);
}


/* Drops a few entries that are unused or too many. */
static void
expire(struct recent *c)
{
    struct entry *e;
    int           i;

    for (i = 0; i < 3 && !list_empty(&c->lru); i++) {
        e = list_entry(c->lru.prev, struct entry, lru);
        if (c->n <= c->conf.max && clock_ms() - e->used_at <= c->conf.inactive)
            return;
        drop(c, e);
    }
}


static struct entry *
add(struct recent *c, str_t path, uint32_t hash)
{
    struct entry *e = calloc(1, sizeof(*e) + path.n + 1);

    if (e == NULL)
        check_memory(sizeof(*e) + path.n);
    e->hash = hash;
    e->n = path.n;
    memcpy(e->path, path.p, path.n);
    list_init(&e->lru);
    e->next = c->buckets[hash % BUCKETS];
    c->buckets[hash % BUCKETS] = e;
    c->n++;
    return e;
}


static bool
holds(const struct entry *e)
{
    return e->result.file != NULL || e->result.error != 0;
}


static bool
is_usable(const struct entry *e, const struct file_options *o)
{
    if (!holds(e) || (e->is_test && !o->test_only))
        return false;
    return clock_ms() - e->checked_at < o->valid;
}


/* Whether an entry that is due for a check is still valid: the path leads to
 * the same, unchanged file. */
static bool
is_unchanged(const struct entry *e, str_t path, const struct file_options *o)
{
    const struct file *f = e->result.file;
    struct stat        st;

    if (f == NULL || (e->is_test && !o->test_only)
        || o->symlinks != SYMLINKS_FOLLOW || stat(path.p, &st) == -1)
        return false;
    return st.st_ino == f->ino && st.st_dev == f->dev && st.st_mtime == f->mtime
           && (uint64_t) st.st_size == f->size && st.st_mode == f->mode;
}


static void
keep(struct entry *e, const struct file_result *r, const struct file_options *o)
{
    file_put(e->result.file);
    e->result = (struct file_result){ .error = 0 };
    e->checked_at = clock_ms();
    e->is_test = o->test_only;
    if (r->file != NULL && !r->file->is_direct && e->uses >= o->min_uses) {
        e->result = *r;
        file_get(r->file);
    } else if (r->file == NULL && o->errors) {
        e->result = *r;
    }
}


struct file_result
recent_open(str_t path, const struct file_options *o)
{
    struct recent     *c = cache_of(o->cache);
    uint32_t           hash = str_hash(path);
    struct entry      *e = find(c, path, hash);
    struct file_result r;

    if (e == NULL)
        e = add(c, path, hash);
    list_remove(&e->lru);
    list_insert(&c->lru, &e->lru);
    e->used_at = clock_ms();
    e->uses++;
    if (is_usable(e, o)) {
        r = e->result;
    } else if (is_unchanged(e, path, o)) {
        e->checked_at = clock_ms();
        r = e->result;
    } else {
        r = file_open_plain(path, o);
        keep(e, &r, o);
        expire(c);
        return r;
    }
    if (r.file != NULL)
        file_get(r.file);
    expire(c);
    return r;
}


void
file_keep_caches(struct file_cache_conf *const *wanted, size_t n)
{
    struct recent **at = &caches, *c;
    size_t          i;

    while ((c = *at) != NULL) {
        for (i = 0; i < n && !is_same(&c->conf, wanted[i]); i++)
            continue;
        if (i < n) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        while (!list_empty(&c->lru))
            drop(c, list_entry(c->lru.prev, struct entry, lru));
        free(c);
    }
}


void
recent_stop(void)
{
    file_keep_caches(NULL, 0);
}
