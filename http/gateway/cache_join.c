/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PREFIX_cache_lock streaming: whoever waits for a response that another request
 * stores reads its file while it grows.  What he has sent may turn out to be the
 * beginning of a response that is never complete: then he breaks off as the other
 * one does.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/check.h"
#include "http/gateway/cache_inside.h"
#include "http/gateway/cache_vary.h"

enum {
    HEAD_READ = 16384,
    MORE_MAX = 1 << 20, /* bytes in one go                                   */
    LOOK_MS = 500,      /* whether the other process has died                */
};


static void
free_file(struct chain_file *f)
{
    (void) close(f->fd);
    free(f);
}


/* The name of what another request writes. */
static int
open_growing(const struct cached *c, uint32_t number)
{
    char   name[DISK_NAME_MAX + 16] UNSET;
    size_t n = disk_cache_name(c->in, &c->key, name);

    (void) snprintf(name + n, sizeof(name) - n, ".%010u", number);
    return open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}


/* False: it is not there yet, or is not for this request. */
static bool
read_head(struct gateway *g, struct cached_file *f)
{
    struct cached  *c = g->cache;
    struct disk_key variant;
    size_t          room = HEAD_READ;
    ssize_t         n;

    f->block = block_new(room);
    n = pread(f->file->fd, f->block->data, room, 0);
    if (n == (ssize_t) room) { /* perhaps more */
        block_put(f->block);
        f->block = block_new(DISK_HEAD_MAX);
        n = pread(f->file->fd, f->block->data, DISK_HEAD_MAX, 0);
    }
    f->start = (str_t){ f->block->data, n > 0 ? (size_t) n : 0 };
    if (disk_head_get(&f->head, f->start, c->text) != DISK_GOOD)
        return false;
    if (f->head.vary.n == 0)
        return true;
    cache_variant(&variant, &c->main, f->head.vary, &g->r->in);
    return memcmp(variant.b, f->head.variant, sizeof(variant.b)) == 0;
}


static bool
report_head(struct gateway *g, const struct cached_file *f)
{
    struct exchange *before = g->x;
    struct exchange *x = gateway_answer(g);
    char            *start = f->block->data;
    struct buf       in = { .start = start + f->head.head_at,
                            .read = start + f->head.head_at,
                            .write = start + f->head.body_at,
                            .end = start + f->head.body_at };

    if (g->protocol->decode(x, &in) == STEP_NEXT && !x->is_upgrade
        && !x->is_headless)
    {
        x->is_growing = true;
        return true;
    }
    g->x = g->r->exchanges->used = before;
    return false;
}


bool
cache_join(struct gateway *g)
{
    struct cached     *c = g->cache;
    struct cache_join *j = &c->join;
    struct cached_file f = { .file = NULL };
    uint32_t           number = 0;
    int                fd;
    bool               ok;

    if (!disk_cache_growing(c->in, &c->key, &j->claim, &number))
        return false;
    fd = open_growing(c, number);
    if (fd == -1)
        return false;
    f.file = malloc(sizeof(*f.file));
    if (f.file == NULL)
        check_memory(sizeof(*f.file));
    *f.file = (struct chain_file){ 1, fd, free_file };
    ok = read_head(g, &f) && report_head(g, &f);
    if (ok) {
        j->file = chain_file_get(f.file);
        j->start = j->at = (off_t) f.head.body_at;
        c->date = f.head.date;
        c->status = CACHE_HIT;
        c->why = CACHE_WHY_GROWING;
        c->is_storable = false;
    }
    cache_close(&f);
    return ok;
}


/* Adds what has come since the last time.  False: nothing. */
static bool
take_more(struct cache_join *j, struct exchange *x)
{
    struct stat  s;
    struct chain more;
    off_t        n;

    if (fstat(j->file->fd, &s) == -1 || s.st_size <= j->at)
        return false;
    n = s.st_size - j->at;
    if (n > MORE_MAX)
        n = MORE_MAX;
    chain_init(&more, x->gateway->r->task.arena);
    chain_add_file(&more, j->file, j->at, (size_t) n);
    exchange_chain(x, &more);
    j->at += n;
    return true;
}


enum step
gateway_cache_more(struct gateway *g)
{
    struct cached     *c = g->cache;
    struct cache_join *j = &c->join;
    enum disk_growth   how;

    if (take_more(j, g->x))
        return STEP_NEXT;
    how = disk_cache_growth(c->in, &c->key, j->claim);
    if (take_more(j, g->x)) /* just before that */
        return STEP_NEXT;
    if (how == DISK_GROWS) {
        cache_wait(c, LOOK_MS);
        return STEP_WAIT;
    }
    if (g->x->length >= 0 && j->at - j->start != g->x->length)
        return STEP_FAIL;
    return how == DISK_GROWN || g->x->length >= 0 ? STEP_DONE : STEP_FAIL;
}


void
cache_join_announce(struct gateway *g)
{
    struct cached *c = g->cache;
    str_t          name = c->fill.name;
    uint64_t       number;

    if (c->claim == 0 || g->conf->cache.locks != CACHE_LOCK_STREAMING
        || name.n < 10
        || !number_parse(str_from(name, name.n - 10), UINT32_MAX, &number))
        return;
    c->fill.is_announced = true;
    disk_cache_grows(c->in, &c->key, c->claim, (uint32_t) number, c->purges);
}
