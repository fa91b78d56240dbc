/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `weir cache` in a worker: lists what caches have, and purges.
 *
 *     {"do":"cache","action":"stats"}
 *     {"do":"cache","action":"ls","zone":"one","limit":100}
 *     {"do":"cache","action":"top","limit":10}
 *     {"do":"cache","action":"purge","key":"httpexample.com/a*","soft":true}
 *     {"do":"cache","action":"purge","tag":"red blue"}
 *
 * zone is optional where there is only one, or for all of them.
 */
#include "core/cache/disk/answer.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/json_read.h"
#include "core/cache/disk/purge.h"
#include "core/net/counters.h"
#include "core/os/clock.h"

enum {
    LIST_MAX = 1000,  /* entries of an answer                               */
    AT_ONCE = 1024,   /* that are looked at with the lock                   */
    KEY_ROOM = 16384, /* of a file that is read for its key                 */
};

struct query {
    struct arena *arena;
    str_t         action, zone, key, tag; /* empty: not given                */
    uint64_t      limit;
    bool          is_soft, is_all;
};

struct found {
    const struct disk_cache *c;
    struct disk_entry        e;
};


static void
say_error(struct json_text *t, const char *error)
{
    json_open(t, NULL, '{');
    json_put(t, "error", str_of(error));
    json_close(t, '}');
}


static bool
is_meant(const struct query *q, const struct disk_cache *c)
{
    return c->in->zone != NULL
           && (q->zone.n == 0 || str_eq(q->zone, c->in->name));
}


/* --- stats -------------------------------------------------------------------- */

static void
put_stats(struct json_text *t, const struct disk_cache *c)
{
    struct disk_totals all;
    bool               is_cold;

    disk_index_lock(c->in->zone);
    all = disk_index_totals(c->in->zone);
    is_cold = disk_index_is_cold(c->in->zone, c->folder);
    disk_index_unlock(c->in->zone);
    json_open(t, NULL, '{');
    json_put(t, "zone", c->in->name);
    json_put(t, "path", c->path);
    json_put_number(t, "keys", all.entries);
    json_put_number(t, "room", all.room);
    json_put_number(t, "bytes", all.bytes);
    json_put_number(t, "max_size", c->max_size);
    json_put_number(t, "purges", disk_purge_number(c) - 1);
    json_put_bool(t, "loading", is_cold);
    json_close(t, '}');
}


/* How often caches were asked, by what came of it, since the start: the counters
 * of whoever asks them. */
static void
put_reasons(struct json_text *t)
{
    json_open(t, "requests", '{');
    for (unsigned i = 0; i < counters_count(); i++) {
        const struct counter_row *row = counters_row(i);
        str_t                     name;

        if (strcmp(row->name, "cache_requests_total") != 0)
            continue;
        name = str_of(row->labels);
        (void) str_cut(&name, '"');
        name = str_cut(&name, '"');
        if (name.n != 0 && counters_sum(i) != 0)
            json_put_number(t, str_z(t->arena, name), counters_sum(i));
    }
    json_close(t, '}');
}


static void
stats(const struct query *q, struct json_text *t, const struct disk_caches *all)
{
    json_open(t, NULL, '{');
    json_open(t, "caches", '[');
    for (const struct disk_cache *c = all->first; c != NULL; c = c->next)
        if (is_meant(q, c))
            put_stats(t, c);
    json_close(t, ']');
    put_reasons(t);
    json_close(t, '}');
}


/* --- lists -------------------------------------------------------------------- */

/* Whether a comes before b: used more often, or later. */
static bool
is_before(const struct query *q, const struct disk_entry *a,
          const struct disk_entry *b)
{
    return str_is(q->action, "top") ? a->uses > b->uses
                                    : a->used_at > b->used_at;
}


/* Into those that are found, in order; what is behind the last place is lost. */
static void
take(const struct query *q, struct found *all, size_t *n,
     const struct found *one)
{
    size_t i = *n;

    if (i == q->limit && !is_before(q, &one->e, &all[i - 1].e))
        return;
    if (i < q->limit)
        ++*n;
    else
        i--;
    for (; i > 0 && is_before(q, &one->e, &all[i - 1].e); i--)
        all[i] = all[i - 1];
    all[i] = *one;
}


static void
look_through(const struct query *q, const struct disk_cache *c,
             struct found *found, size_t *n)
{
    struct found one = { .c = c };
    uint32_t     at = 0;
    bool         more = true;

    while (more) {
        disk_index_lock(c->in->zone);
        for (unsigned i = 0; i < AT_ONCE && more; i++) {
            more = disk_index_next(c->in->zone, &at, &one.e);
            if (more && one.e.bytes != 0)
                take(q, found, n, &one);
        }
        disk_index_unlock(c->in->zone);
    }
}


/* The key in the file; STR_NONE: the file has gone, or the key is long. */
static str_t
read_key(struct arena *a, const char *name, struct disk_head *h)
{
    char    bytes[KEY_ROOM] UNSET;
    str_t   key;
    ssize_t n = -1;
    int     fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    if (fd != -1) {
        n = pread(fd, bytes, sizeof(bytes), 0);
        (void) close(fd);
    }
    if (n <= 0 || !disk_head_key(h, (str_t){ bytes, (size_t) n }, &key))
        return STR_NONE;
    return str_copy(a, key);
}


static void
put_entry(const struct query *q, struct json_text *t, const struct found *f)
{
    char             name[DISK_NAME_MAX] UNSET;
    str_t            path = { name, disk_cache_name(f->c, &f->e.key, name) };
    struct disk_head h;
    str_t            key = read_key(q->arena, name, &h);
    int64_t          now = clock_seconds();

    json_open(t, NULL, '{');
    json_put(t, "zone", f->c->in->name);
    if (key.p != NULL) {
        json_put(t, "key", key);
        json_put_bool(t, "fresh", h.valid_at >= now);
        json_put_number(t, "left",
                        (uint64_t) (h.valid_at > now ? h.valid_at - now : 0));
    }
    json_put(t, "file", path);
    json_put_number(t, "bytes", f->e.bytes);
    json_put_number(t, "uses", f->e.uses);
    json_put_number(t, "used", f->e.used_at);
    json_close(t, '}');
}


static void
list(const struct query *q, struct json_text *t, const struct disk_caches *all)
{
    struct found *found = arena_array(q->arena, struct found, q->limit);
    size_t        n = 0;

    for (const struct disk_cache *c = all->first; c != NULL; c = c->next)
        if (is_meant(q, c))
            look_through(q, c, found, &n);
    json_open(t, NULL, '{');
    json_open(t, "entries", '[');
    for (size_t i = 0; i < n; i++)
        put_entry(q, t, &found[i]);
    json_close(t, ']');
    json_close(t, '}');
}


/* --- purging ------------------------------------------------------------------ */

static bool
purge_key(const struct query *q, const struct disk_cache *c)
{
    struct disk_key key;
    str_t           text = q->key;

    if (text.p[text.n - 1] == '*') {
        text.n--;
        disk_purge_prefix(c, text, q->is_soft);
        return true;
    }
    CHECK(EVP_Digest(text.p, text.n, key.b, NULL, EVP_md5(), NULL) == 1);
    return disk_purge_key(c, &key, q->is_soft);
}


static bool
purge_one(const struct query *q, const struct disk_cache *c)
{
    str_t rest = q->tag, tag;

    while ((tag = disk_purge_next_tag(&rest)).n != 0)
        disk_purge_tag(c, tag, q->is_soft);
    if (q->is_all)
        disk_purge_prefix(c, STR(""), q->is_soft);
    return q->tag.n != 0 || q->is_all || purge_key(q, c);
}


static void
purge(const struct query *q, struct json_text *t, const struct disk_caches *all)
{
    unsigned n = 0;
    bool     had = false;

    if (q->key.n == 0 && q->tag.n == 0 && !q->is_all) {
        say_error(t, "a key, a tag or all is needed");
        return;
    }
    for (const struct disk_cache *c = all->first; c != NULL; c = c->next)
        if (is_meant(q, c)) {
            n++;
            had |= purge_one(q, c);
        }
    if (n == 0) {
        say_error(t, "there is no such cache");
        return;
    }
    json_open(t, NULL, '{');
    json_put_bool(t, "ok", had);
    json_close(t, '}');
}


/* --- the question --------------------------------------------------------------- */

static str_t
text_in(struct query *q, str_t line, const char *name)
{
    str_t value, text;

    if (json_member(line, name, &value) && json_string(q->arena, value, &text))
        return text;
    return STR("");
}


static bool
is_set(str_t line, const char *name)
{
    str_t value;

    return json_member(line, name, &value) && str_is(value, "true");
}


bool
disk_answer(struct worker *w, str_t what, str_t line, struct json_text *t)
{
    const struct disk_caches *all
        = generation_main(w->gen, disk_cache_module.slot);
    struct query q = { .arena = t->arena, .limit = 100 };
    str_t        value;

    if (!str_is(what, "\"cache\""))
        return false;
    q.action = text_in(&q, line, "action");
    q.zone = text_in(&q, line, "zone");
    q.key = text_in(&q, line, "key");
    q.tag = text_in(&q, line, "tag");
    q.is_soft = is_set(line, "soft");
    q.is_all = is_set(line, "all");
    if (json_member(line, "limit", &value)
        && (!json_number(value, &q.limit) || q.limit == 0
            || q.limit > LIST_MAX))
        say_error(t, "invalid limit");
    else if (str_is(q.action, "stats"))
        stats(&q, t, all);
    else if (str_is(q.action, "ls") || str_is(q.action, "top"))
        list(&q, t, all);
    else if (str_is(q.action, "purge"))
        purge(&q, t, all);
    else
        say_error(t, "unknown action");
    return true;
}
