/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stores a response while it is passed on: under a temporary name, which is
 * renamed when it is complete.  What goes wrong with that costs no more than the
 * copy.
 */
#include <string.h>
#include <unistd.h>

#include "core/base/crc32.h"
#include "core/base/date.h"
#include "core/os/clock.h"
#include "http/gateway/cache_purge.h"
#include "http/gateway/cache_rfc.h"
#include "http/gateway/cache_vary.h"
#include "http/temp_file.h"

enum { EXTEND_PARTS = 8 };


/* --- heads as they came --------------------------------------------------------- */

void
gateway_cache_note(struct gateway *g, str_t bytes)
{
    struct cached *c = g->cache;
    char          *p;

    if (c == NULL || !c->is_storable || bytes.n == 0)
        return;
    if (c->raw.n + bytes.n > DISK_HEAD_MAX) {
        c->is_storable = false;
        return;
    }
    if (c->raw.n + bytes.n > c->raw_room) {
        c->raw_room = 2 * (c->raw.n + bytes.n);
        p = arena_bytes(g->r->task.arena, c->raw_room);
        if (c->raw.n != 0)
            memcpy(p, c->raw.p, c->raw.n);
        c->raw.p = p;
    }
    memcpy((char *) (uintptr_t) c->raw.p + c->raw.n, bytes.p, bytes.n);
    c->raw.n += bytes.n;
}


void
gateway_cache_forget(struct gateway *g)
{
    if (g->cache != NULL)
        g->cache->raw.n = 0;
}


/* --- what may be stored ----------------------------------------------------------- */

void
cache_age_of(struct cache_age *a, const struct gateway *g,
             const struct exchange *x)
{
    unsigned ignored = g->conf->ignore;
    time_t   now = clock_seconds();

    if (cache_rfc_is_on(g)) {
        cache_rfc_judge(a, g, x);
        return;
    }
    VEC_EACH(&x->fields.list, f) {
        if (f->is_hidden)
            continue;
        if (f->id == FIELD_X_ACCEL_EXPIRES && !(ignored & IGNORE_ACCEL_EXPIRES))
            cache_age_take_accel(a, f->value, now);
        if (f->id == FIELD_CACHE_CONTROL && !(ignored & IGNORE_CACHE_CONTROL))
            cache_age_take_control(a, f->value, now);
        if (f->id == FIELD_EXPIRES && !(ignored & IGNORE_EXPIRES))
            cache_age_take_expires(a, f->value, now);
        if (f->id == FIELD_SET_COOKIE && !(ignored & IGNORE_SET_COOKIE))
            a->is_refused = true;
        if (cache_age_allows(a))
            a->why = NULL;
        else if (a->why == NULL)
            a->why = field_name(f->id).p;
    }
}


/* PREFIX_cache_valid. */
bool
cache_valid_for(const struct gateway *g, unsigned status, int64_t *seconds)
{
    VEC_EACH(&g->conf->cache.valid.list, v) {
        if (v->status != 0 && v->status != status)
            continue;
        *seconds = v->seconds < INT32_MAX ? (int64_t) v->seconds : INT32_MAX;
        return true;
    }
    return false;
}


int64_t
cache_valid_until(const struct gateway *g, const struct cache_age *a,
                  unsigned status)
{
    int64_t n;

    if (a->valid_at != 0)
        return a->valid_at;
    return cache_valid_for(g, status, &n) && n != 0 ? clock_seconds() + n : 0;
}


/* The values of Vary together.  False: they forbid it. */
static bool
read_vary(const struct gateway *g, const struct exchange *x, str_t *vary)
{
    *vary = STR("");
    if (g->conf->ignore & IGNORE_VARY)
        return true;
    VEC_EACH(&x->fields.list, f)
        if (!f->is_hidden && str_ieq(f->name, STR("Vary"))
            && field_has_word(f->value, STR("*")))
            return false;
    *vary = fields_joined(g->r->task.arena, &x->fields, STR("vary"), ", ");
    return vary->n <= DISK_VARY_MAX;
}


bool
gateway_cache_asks_whole(const struct gateway *g)
{
    return g->cache != NULL && g->cache->is_storable;
}


bool
gateway_cache_converts(const struct gateway *g)
{
    return g->cache != NULL && g->r->method == HTTP_HEAD
           && g->conf->cache.converts_head;
}


/* --- writing ----------------------------------------------------------------------- */

/* What becomes of key where the variant of the response is not that of which
 * the file was looked for. */
static void
choose_key(struct cached *c, const struct disk_head *h)
{
    bool is_variant = memcmp(&c->key, &c->main, sizeof(c->key)) != 0;

    if (!is_variant
        || (h->vary.n != 0 && memcmp(h->variant, &c->key, sizeof(c->key)) == 0))
        return;
    cache_leave(c);
    c->key = c->main;
}


/* Whether others may read it while it grows: then it has a name that they can
 * know. */
static bool
is_shared(const struct gateway *g)
{
    return g->conf->cache.locks == CACHE_LOCK_STREAMING && g->cache->claim != 0;
}


bool
cache_open_temp(struct gateway *g, struct cache_fill *fill)
{
    const struct cached *c = g->cache;
    struct task         *t = &g->r->task;
    char                 name[DISK_NAME_MAX] UNSET;

    if (c->in->uses_temp_path && !is_shared(g)) {
        fill->file
            = temp_file_new(t, &g->conf->temp_path, TEMP_KEEP, &fill->name);
    } else {
        disk_cache_name(c->in, &c->key, name);
        fill->file = temp_file_beside(t, name, &fill->name);
    }
    return fill->file != NULL;
}


/* The head waits for the body, to be written with it. */
static void
put_head(struct gateway *g, struct disk_head *h)
{
    struct cached *c = g->cache;
    struct arena  *a = g->r->task.arena;
    char          *p = arena_bytes(a, h->head_at);

    disk_head_put(p, h, c->text);
    chain_init(&c->fill.head, a);
    chain_add(&c->fill.head, (str_t){ p, h->head_at });
    chain_add(&c->fill.head, c->raw);
}


/* Nothing becomes larger than all of the cache may be. */
static bool
fits(const struct cached *c, uint64_t n)
{
    uint64_t max = c->in->max_size;

    return max == 0 || (uint64_t) c->fill.end + n <= max;
}


/* Others wait for as long as bytes come. */
static void
extend(struct gateway *g)
{
    struct cached *c = g->cache;
    msec_t         now = clock_ms(), age = g->conf->cache.lock_age;

    if (c->claim == 0 || now - c->extended_at < age / EXTEND_PARTS)
        return;
    c->extended_at = now;
    disk_cache_extend(c->in, &c->key, c->claim, age);
}


/* All of bytes (NULL: none), behind the head. */
static void
write_bytes(struct gateway *g, struct chain *bytes)
{
    struct cache_fill *fill = &g->cache->fill;
    struct chain       all;

    chain_init(&all, g->r->task.arena);
    chain_move(&all, &fill->head);
    if (bytes != NULL)
        chain_move(&all, bytes);
    if (fits(g->cache, all.n)
        && temp_file_append(&g->r->task, fill->file, &fill->end, &all, 0))
        return;
    chain_clear(&all);
    fill->is_broken = true;
    g->cache->is_storable = g->r->outlives_client = false;
}


/* The dates and tags that conditions are about. */
void
cache_set_validators(struct disk_head *h, const struct exchange *x)
{
    h->last_modified = -1;
    if (x->code != 200 && x->code != 206)
        return;
    h->last_modified
        = date_parse(fields_value(&x->fields, FIELD_LAST_MODIFIED));
    h->etag = fields_value(&x->fields, FIELD_ETAG);
}


/* The reason is kept for those who ask: false. */
static bool
refuse(struct cached *c, const char *why)
{
    c->unstored = why;
    return false;
}


static bool
is_storable(struct gateway *g, struct disk_head *h)
{
    struct cached *c = g->cache;

    if (!c->is_storable)
        return false;
    if (!g->buffers)
        return refuse(c, "not buffered");
    if (g->x->is_upgrade || g->x->is_headless)
        return refuse(c, "no HTTP response");
    if (cache_is_any(&g->conf->cache.no_store, &g->r->task))
        return refuse(c, "no_cache");
    if (cache_rfc_is_unstored(g))
        return refuse(c, "Cache-Control of the request");
    cache_age_of(&c->age, g, g->x);
    if (!cache_age_allows(&c->age))
        return refuse(c, c->age.why);
    if (!read_vary(g, g->x, &h->vary))
        return refuse(c, "Vary");
    h->valid_at = cache_valid_until(g, &c->age, g->x->code);
    h->head_at = disk_head_size(c->text.n);
    h->body_at = h->head_at + c->raw.n;
    if (h->valid_at == 0)
        return refuse(c, "no lifetime");
    return h->body_at <= DISK_HEAD_MAX || refuse(c, "too large a head");
}


void
gateway_cache_open(struct gateway *g)
{
    struct cached   *c = g->cache;
    struct disk_head h = { .valid_at = 0 };
    struct disk_key  variant;

    if (c == NULL)
        return;
    cache_close(&c->old);
    c->is_storable = is_storable(g, &h);
    if (!c->is_storable) {
        cache_leave(c);
        return;
    }
    h.updating = c->age.updating;
    h.error = c->age.error;
    h.date = clock_seconds();
    h.crc = crc32_of(c->text);
    cache_set_validators(&h, g->x);
    if (h.vary.n != 0) {
        cache_variant(&variant, &c->main, h.vary, &g->r->in);
        memcpy(h.variant, variant.b, sizeof(h.variant));
    }
    choose_key(c, &h);
    if (!cache_open_temp(g, &c->fill)) {
        c->is_storable = false;
        cache_leave(c);
        return;
    }
    g->r->outlives_client = true;
    c->fill.x = g->x;
    c->fill.body_at = h.body_at;
    put_head(g, &h);
    if (is_shared(g)) {
        write_bytes(g, NULL);
        cache_join_announce(g);
    }
}


bool
gateway_cache_is_filling(const struct gateway *g)
{
    return g->cache != NULL && g->cache->fill.file != NULL
           && !g->cache->fill.is_broken;
}


void
gateway_cache_add(struct gateway *g, const struct chain *data)
{
    struct chain copy;

    if (!gateway_cache_is_filling(g))
        return;
    chain_init(&copy, g->r->task.arena);
    chain_share(&copy, data);
    write_bytes(g, &copy);
    extend(g);
    if (g->cache->fill.is_announced)
        disk_cache_grew(g->cache->in, &g->cache->key, g->cache->claim);
}


bool
gateway_cache_spill(struct gateway *g, struct chain *to, struct chain *data)
{
    struct cache_fill *fill;
    size_t             n = (size_t) data->n;

    if (!gateway_cache_is_filling(g))
        return false;
    fill = &g->cache->fill;
    chain_clear(data);
    chain_add_file(to, fill->file, fill->end - (off_t) n, n);
    return true;
}


/* --- the end ------------------------------------------------------------------------ */

static bool
is_whole(struct gateway *g)
{
    struct cache_fill     *fill = &g->cache->fill;
    const struct exchange *x = fill->x;
    int64_t                n;

    if (!x->is_complete || fill->is_broken)
        return false;
    if (!chain_empty(&fill->head))
        write_bytes(g, NULL);
    if (fill->is_broken)
        return false;
    n = fill->end - (off_t) fill->body_at;
    return x->length < 0 || x->length == n
           || (n == 0 && (g->r->method == HTTP_HEAD || x->code == 304));
}


bool
cache_put(struct gateway *g, const struct cache_fill *fill, uint64_t n)
{
    const struct cached *c = g->cache;
    char                 name[DISK_NAME_MAX] UNSET;

    disk_cache_name(c->in, &c->key, name);
    disk_cache_replaces(c->in, &c->key, c->purges);
    if (!temp_file_move(&g->r->task, fill->name.p, name))
        return false;
    disk_cache_stored(c->in, &c->key, n, c->purges);
    return true;
}


void
cache_finish(struct gateway *g)
{
    struct cached     *c = g->cache;
    struct cache_fill *fill = &c->fill;

    if (fill->file == NULL)
        return;
    if (!is_whole(g) || disk_purge_is_unsure(c->in, c->purges))
        (void) unlink(fill->name.p);
    else if (cache_put(g, fill, (uint64_t) fill->end)) {
        c->is_stored = true;
        if (fill->is_announced)
            disk_cache_grown(c->in, &c->key, c->claim);
    }
    chain_clear(&fill->head);
    chain_file_put(fill->file);
    fill->file = NULL;
    g->r->outlives_client = false;
}


/* A status that is answered with, in place of a response, for that time. */
static void
store_status(struct gateway *g, unsigned status)
{
    struct cached *c = g->cache;
    int64_t        valid_at = cache_valid_until(g, &c->age, status);

    if (valid_at != 0)
        disk_cache_set_error(c->in, &c->key, status, valid_at, c->purges);
    c->is_storable = false;
}


void
gateway_cache_intercepted(struct gateway *g)
{
    struct cached *c = g->cache;

    if (c == NULL || !c->is_storable)
        return;
    cache_age_of(&c->age, g, g->x);
    if (cache_age_allows(&c->age))
        store_status(g, g->x->code);
    c->is_storable = false;
}


void
gateway_cache_fail(struct gateway *g, unsigned status)
{
    struct cached *c = g->cache;

    if (c == NULL || !c->is_storable || (status != 502 && status != 504))
        return;
    c->age = (struct cache_age){ 0 };
    store_status(g, status);
}


/* --- for variables ------------------------------------------------------------------- */

static const struct disk_head *
revalidated(const struct gateway *g)
{
    const struct cached *c = g->cache;

    return c != NULL && (g->conf->cache.revalidates || cache_rfc_is_on(g))
                   && c->status == CACHE_EXPIRED && c->old.file != NULL
               ? &c->old.head
               : NULL;
}


str_t
gateway_cache_etag(const struct gateway *g)
{
    const struct disk_head *h = revalidated(g);

    return h != NULL && h->etag.n != 0 ? str_copy(g->r->task.arena, h->etag)
                                       : STR_NONE;
}


str_t
gateway_cache_modified(const struct gateway *g)
{
    const struct disk_head *h = revalidated(g);
    char                   *p;

    if (h == NULL || h->last_modified == -1)
        return STR_NONE;
    p = arena_bytes(g->r->task.arena, DATE_LEN);
    date_http(p, h->last_modified);
    return (str_t){ p, DATE_LEN };
}


enum cache_status
gateway_cache_status(const struct gateway *g)
{
    return g->cache != NULL ? g->cache->status : CACHE_NONE;
}


str_t
gateway_cache_key(const struct gateway *g)
{
    return g->cache != NULL ? g->cache->text : STR_NONE;
}


str_t
gateway_cache_age(const struct gateway *g)
{
    int64_t now = clock_seconds();
    char   *p;

    if (g->cache == NULL || g->cache->date == 0)
        return STR_NONE;
    p = arena_bytes(g->r->task.arena, 20);
    return (str_t){ p, number_put(p, (uint64_t) (now > g->cache->date
                                                     ? now - g->cache->date
                                                     : 0)) };
}
