/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers from the copies that this process keeps of files that are asked for
 * often (core/cache/disk/hot.h).  With them is what the decoder has made of the
 * head, which is not decoded again.
 */
#include <unistd.h>

#include "core/os/clock.h"
#include "http/gateway/cache_inside.h"
#include "http/gateway/cache_purge.h"
#include "http/gateway/cache_vary.h"

/* A decoded head, at the start of a block that has all that it points to. */
struct made {
    unsigned      code;
    str_t         reason;
    int64_t       length;
    struct fields fields;
};


static str_t
pack(char **at, str_t s)
{
    char *p = *at;

    if (s.n != 0)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    *at += s.n + 1;
    return (str_t){ p, s.n };
}


void
cache_hot_note(struct disk_hot *h, const struct exchange *x)
{
    size_t        n = x->fields.list.n;
    size_t        size = sizeof(struct made) + n * sizeof(struct field);
    struct block *b;
    struct made  *made;
    char         *at;

    VEC_EACH(&x->fields.list, f)
        size += f->name.n + f->value.n + 2;
    b = block_new(size + x->reason.n + 1);
    made = (struct made *) (void *) b->data;
    made->code = x->code;
    made->length = x->length;
    made->fields = x->fields;
    made->fields.list.at = (struct field *) (void *) (made + 1);
    made->fields.list.room = n;
    if (n != 0)
        memcpy(made->fields.list.at, x->fields.list.at,
               n * sizeof(struct field));
    at = (char *) (made->fields.list.at + n);
    VEC_EACH(&made->fields.list, f) {
        f->name = pack(&at, f->name);
        f->value = pack(&at, f->value);
    }
    made->reason = pack(&at, x->reason);
    disk_hot_set_made(h, b);
}


static void
put_block(void *arg)
{
    block_put(arg);
}


bool
cache_hot_report(struct gateway *g, const struct disk_hot *h)
{
    struct arena      *a = g->r->task.arena;
    const struct made *made;
    struct exchange   *x;

    if (h == NULL || h->made == NULL || g->r->method != HTTP_GET)
        return false;
    made = (const struct made *) (const void *) h->made->data;
    x = gateway_answer(g);
    arena_defer(a, put_block, block_get(h->made));
    x->code = made->code;
    x->reason = made->reason;
    x->length = made->length;
    x->fields = made->fields;
    x->fields.list.at = arena_array(a, struct field, made->fields.list.n + 1);
    if (made->fields.list.n != 0)
        memcpy(x->fields.list.at, made->fields.list.at,
               made->fields.list.n * sizeof(struct field));
    return true;
}


bool
cache_hot_body(const struct cached_file *f, struct chain *body)
{
    size_t        n = (size_t) (f->size - f->head.body_at);
    struct block *b = block_new(n);
    ssize_t       got = pread(f->file->fd, b->data, n, (off_t) f->head.body_at);

    if (got == (ssize_t) n)
        chain_add_block(body, b, (str_t){ b->data, n });
    block_put(b);
    return got == (ssize_t) n;
}


/* A copy as a file that was opened. */
static void
take(struct cached_file *f, struct disk_hot *h)
{
    *f = (struct cached_file){ .block = block_get(h->block),
                               .start = h->start,
                               .size = h->size,
                               .head = h->head,
                               .hot = h };
    if (h->file != NULL)
        f->file = chain_file_get(h->file);
}


/* Whether it was not purged since it was stored. */
static bool
is_good(struct gateway *g, struct cached_file *f, struct disk_hot *h)
{
    const struct disk_asked asked
        = { .version = h->version,
            .purges = h->purges,
            .last_purge = disk_purge_number(g->cache->in) };

    if (h->purges == asked.last_purge)
        return true;
    if (cache_purged(g, f, &asked) != PURGED_NOT)
        return false;
    disk_hot_confirmed(h, asked.last_purge);
    return true;
}


bool
cache_hot_find(struct gateway *g, struct cached_file *f)
{
    struct cached   *c = g->cache;
    struct disk_hot *h = disk_hot_find(c->in, c->text, NULL);
    struct disk_key  variant;

    if (h != NULL && h->head.vary.n != 0) {
        cache_variant(&variant, &h->main, h->head.vary, &g->r->in);
        if (memcmp(variant.b, h->head.variant, sizeof(variant.b)) != 0)
            h = disk_hot_find(c->in, c->text, &variant);
        if (h != NULL
            && memcmp(variant.b, h->head.variant, sizeof(variant.b)) != 0)
            h = NULL;
    }
    if (h == NULL || h->head.valid_at < clock_seconds())
        return false;
    c->main = h->main;
    c->key = h->key;
    take(f, h);
    if (is_good(g, f, h))
        return true;
    cache_close(f);
    return false;
}


void
cache_hot_add(const struct cached *c, struct cached_file *f,
              const struct disk_asked *asked, int wd)
{
    const struct disk_source s = { .main = c->main,
                                   .key = c->key,
                                   .file = f->file,
                                   .start = f->start,
                                   .size = f->size,
                                   .head = &f->head };

    f->hot = disk_hot_add(c->in, &s, asked, wd);
}
