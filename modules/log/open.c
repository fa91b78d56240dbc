/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Logs whose names have variables: opened for each line, or kept open in a
 * cache.  Each open_log_file_cache has a cache of its own, in each process
 * after the fork.  A log with fewer uses than "min_uses" is closed after each
 * line.  An entry is dropped when it has not been used for "inactive", or to
 * make room.  After "valid" the name is checked again, so that a renamed file
 * is noticed.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/list.h"
#include "http/files.h"
#include "modules/log/access_log.h"

enum { BUCKETS = 64 };

struct entry {
    struct list   recent; /* in the cache, last used first                   */
    struct entry *next;   /* in its bucket                                   */
    uint32_t      hash;
    int           fd; /* -1: not used often enough to stay open          */
    dev_t         device;
    ino_t         node;
    msec_t        used_at, checked_at;
    uint64_t      uses; /* since the entry was added                       */
    str_t         path; /* in the same allocation                          */
};

struct log_cache {
    uint64_t      max, min_uses;
    msec_t        inactive_ms, valid_ms;
    size_t        n;
    struct list   recent;
    struct entry *buckets[BUCKETS];
};


static void
drop(struct log_cache *c, struct entry *e)
{
    struct entry **at = &c->buckets[e->hash % BUCKETS];

    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    list_remove(&e->recent);
    if (e->fd != -1)
        close(e->fd);
    free(e);
    c->n--;
}


static struct entry *
oldest(const struct log_cache *c)
{
    return container_of(c->recent.prev, struct entry, recent);
}


static void
free_cache(void *arg)
{
    struct log_cache *c = arg;

    while (c->n != 0)
        drop(c, oldest(c));
}


struct log_cache *
log_cache_new(struct arena *a, uint64_t max, msec_t inactive_ms,
              uint64_t min_uses, msec_t valid_ms)
{
    struct log_cache *c = arena_make(a, struct log_cache);

    c->max = max;
    c->inactive_ms = inactive_ms;
    c->min_uses = min_uses;
    c->valid_ms = valid_ms;
    list_init(&c->recent);
    arena_defer(a, free_cache, c);
    return c;
}


static int
open_log(struct http_request *r, str_t path)
{
    const char *call;
    int         fd = http_file_append(r, path, &call);

    if (fd == -1)
        log_at(r->task.log, LEVEL_CRIT, errno, "%s \"%s\" failed", call,
               path.p);
    return fd;
}


/* Drops the entries that have been inactive for too long. */
static void
expire(struct log_cache *c)
{
    while (c->n != 0 && clock_ms() - oldest(c)->used_at > c->inactive_ms)
        drop(c, oldest(c));
}


static struct entry *
find(struct log_cache *c, str_t path, uint32_t hash)
{
    struct entry *e = c->buckets[hash % BUCKETS];

    while (e != NULL && !(e->hash == hash && str_eq(e->path, path)))
        e = e->next;
    return e;
}


/* Adds an entry for an open log. */
static struct entry *
add(struct log_cache *c, str_t path, uint32_t hash, int fd)
{
    struct entry *e = calloc(1, sizeof(*e) + path.n + 1);

    if (e == NULL)
        check_memory(sizeof(*e) + path.n + 1);
    if (c->n >= c->max)
        drop(c, oldest(c));
    e->path = (str_t){ memcpy(e + 1, path.p, path.n + 1), path.n };
    e->hash = hash;
    e->fd = fd;
    list_init(&e->recent);
    e->next = c->buckets[hash % BUCKETS];
    c->buckets[hash % BUCKETS] = e;
    c->n++;
    return e;
}


static void
shut(struct entry *e)
{
    if (e->fd != -1)
        close(e->fd);
    e->fd = -1;
}


/* Remembers which file is open, to recognize a renamed one. */
static void
note(struct entry *e)
{
    struct stat st = { .st_dev = 0 };

    (void) fstat(e->fd, &st);
    e->device = st.st_dev;
    e->node = st.st_ino;
    e->checked_at = clock_ms();
}


/* Makes sure that the entry's file is open, and still the one at its path. */
static bool
freshen(const struct log_cache *c, struct entry *e, struct http_request *r)
{
    struct stat st;

    if (e->fd != -1 && clock_ms() - e->checked_at > c->valid_ms) {
        if (stat(e->path.p, &st) == -1 || st.st_dev != e->device
            || st.st_ino != e->node)
            shut(e);
        e->checked_at = clock_ms();
    }
    if (e->fd != -1)
        return true;

    e->fd = open_log(r, e->path);
    if (e->fd == -1)
        return false;
    note(e);
    return true;
}


/* The entry of a log that can be written to.  A log that cannot be opened gets
 * no entry, because adding it could drop the entry of one that can. */
static struct entry *
find_open(struct log_cache *c, struct http_request *r, str_t path)
{
    uint32_t      hash = str_hash(path);
    struct entry *e = find(c, path, hash);
    int           fd;

    if (e != NULL) {
        if (freshen(c, e, r))
            return e;
        drop(c, e);
        return NULL;
    }
    fd = open_log(r, path);
    if (fd == -1)
        return NULL;
    e = add(c, path, hash, fd);
    note(e);
    return e;
}


static void
write_cached(struct log_cache *c, struct http_request *r, str_t path,
             str_t line)
{
    struct entry *e;

    expire(c);
    e = find_open(c, r, path);
    if (e == NULL)
        return;
    e->uses++;
    e->used_at = clock_ms();
    list_remove(&e->recent);
    list_insert(&c->recent, &e->recent);
    log_write_file(e->fd, e->path.p, line, r->task.log);
    if (e->uses < c->min_uses)
        shut(e);
}


void
log_cache_write(struct log_cache *c, struct http_request *r, str_t path,
                str_t line)
{
    int fd;

    if (c != NULL && c->max != 0) {
        write_cached(c, r, path, line);
        return;
    }
    fd = open_log(r, path);
    if (fd == -1)
        return;
    log_write_file(fd, path.p, line, r->task.log);
    close(fd);
}
