/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dry runs: the key, its file and what is in it, as a worker would find them (but
 * for rules of purges, which are in the server's memory), and whether the
 * assumed response would be stored.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "core/os/clock.h"
#include "http/gateway/cache_purge.h"
#include "http/gateway/cache_rfc.h"
#include "http/gateway/cache_tell.h"
#include "http/gateway/cache_vary.h"
#include "http/server.h"


/* By the directive of that name that is in effect; NULL: by none. */
static void
tell_by(struct task *t, const char *verdict, const char *name, const char *why,
        str_t what)
{
    const struct setting *s = name != NULL ? setting_in_force(
                                  http_of(t)->location->block, name, NULL)
                                           : NULL;

    trace_tell(t, TRACE_CACHE, verdict, s != NULL ? s->file : NULL,
               s != NULL ? s->line : 0, why, STR_F, STR_A(what));
}


/* ... whose name is that of the protocol with this tail. */
static void
tell(struct gateway *g, const char *verdict, const char *tail, const char *why,
     str_t what)
{
    struct task *t = &g->r->task;
    str_t        name = { NULL, 0 };

    if (tail != NULL)
        name = arena_printf(t->arena, "%s%s", g->protocol->prefix, tail);
    tell_by(t, verdict, name.p, why, what);
}


static str_t
told_name(const struct gateway *g, const struct cached *c)
{
    char  name[DISK_NAME_MAX] UNSET;
    str_t s = { name, disk_cache_name(c->in, &c->key, name) };

    return str_copy(g->r->task.arena, s);
}


/* What precedes the body of the key's file.  False: there is none. */
static bool
read_head(const struct gateway *g, const struct cached *c, struct disk_head *h)
{
    char   *bytes = arena_bytes(g->r->task.arena, DISK_HEAD_MAX);
    str_t   name = told_name(g, c);
    ssize_t n;
    int     fd = open(str_z(g->r->task.arena, name), O_RDONLY | O_CLOEXEC);

    if (fd == -1)
        return false;
    n = pread(fd, bytes, DISK_HEAD_MAX, 0);
    (void) close(fd);
    return n > 0
           && disk_head_get(h, (str_t){ bytes, (size_t) n }, c->text)
                  == DISK_GOOD;
}


static void
tell_times(struct gateway *g, const struct disk_head *h)
{
    struct arena *a = g->r->task.arena;
    int64_t       now = clock_seconds(), left = h->valid_at - now;

    if (left >= 0)
        tell(g, "HIT", NULL, NULL,
             arena_printf(a,
                          "fresh for %" PRId64 " seconds, stored %" PRId64
                          " seconds ago",
                          left, now - h->date));
    else if ((g->conf->cache.use_stale & NEXT_UPDATING)
             || h->valid_at + h->updating >= now)
        tell(g, "EXPIRED", "_cache_use_stale",
             "others get it while it is updated",
             arena_printf(a, "stale for %" PRId64 " seconds", -left));
    else
        tell(g, "EXPIRED", NULL, NULL,
             arena_printf(a, "stale for %" PRId64 " seconds", -left));
}


static void
tell_file(struct gateway *g, struct cached *c)
{
    struct disk_head h;
    struct disk_key  variant;
    bool             is_there = read_head(g, c, &h);

    tell(g, "file", NULL, is_there ? NULL : "it is not there", told_name(g, c));
    if (is_there && h.vary.n != 0) {
        cache_variant(&variant, &c->main, h.vary, &g->r->in);
        tell(g, "varies", NULL, NULL, h.vary);
        if (memcmp(variant.b, h.variant, sizeof(variant.b)) != 0) {
            c->key = variant;
            is_there = read_head(g, c, &h);
            tell(g, "variant", NULL, is_there ? NULL : "it is not there",
                 told_name(g, c));
        }
    }
    if (is_there)
        tell_times(g, &h);
    else
        tell(g, "MISS", NULL, NULL, STR("nothing is stored for it"));
}


/* --- purges ------------------------------------------------------------------------- */

static bool
has_file(const struct disk_cache *in, const struct disk_key *key)
{
    char name[DISK_NAME_MAX] UNSET;

    (void) disk_cache_name(in, key, name);
    return access(name, F_OK) == 0;
}


static const char *
directive_of(struct task *t, const struct cache_purging *p)
{
    return arena_printf(t->arena, "%s_purge", p->use->name).p;
}


bool
cache_explain_purge(struct task *t, const struct cache_purging *p)
{
    bool is_key = !p->is_all && !cache_is_prefix(p->text);
    bool is_there = p->tags.n != 0 || !is_key || has_file(p->in, &p->key);
    const char *why = !is_there    ? "it is not there"
                      : p->is_soft ? "softly: it is used until there is a new "
                                     "one"
                                   : NULL;
    str_t       what = STR("everything");

    if (p->tags.n != 0)
        what = str_join(t->arena, STR("tags "), p->tags);
    else if (is_key)
        what = str_join(t->arena, STR("key "), p->text);
    else if (!p->is_all)
        what = str_join(t->arena, STR("keys "), p->text);
    tell_by(t, "zone", NULL, NULL, p->in->in->name);
    tell_by(t, "purges", directive_of(t, p), why, what);
    return is_there;
}


void
cache_explain_refusal(struct task *t, const struct cache_purging *p,
                      unsigned status)
{
    const char *why = status == 403   ? "\"from\" does not have the client"
                      : status == 404 ? "there is no cache"
                      : status == 400 ? "there are too many tags"
                                      : "a variable has no value";

    tell_by(t, "refuses to purge", directive_of(t, p), why,
            arena_printf(t->arena, "%u", status));
}


/* Of a request that would not purge where others would. */
static void
tell_unasked(struct gateway *g)
{
    const struct cache_purge *p = g->conf->cache.purge;

    if (p == NULL)
        return;
    if (p->when.list.n != 0)
        tell(g, "does not purge", "_cache_purge", NULL,
             STR("none of the conditions is true"));
    else
        tell(g, "does not purge", "_cache_purge", NULL,
             arena_printf(g->r->task.arena, "the method is not " STR_F,
                          STR_A(p->method)));
}


/* --- what is stored ------------------------------------------------------------------ */

void
cache_explain(struct gateway *g)
{
    const struct gateway_cache_conf *conf = &g->conf->cache;
    struct cached                    c = { .in = NULL };

    if (!cache_zone_is_on(&conf->zone))
        return;
    tell_unasked(g);
    if (!(g->r->method & (conf->methods | HTTP_GET | HTTP_HEAD))) {
        tell(g, "passed on", "_cache_methods",
             "responses to this method are not stored", g->r->method_name);
        return;
    }
    if (!cache_find(g, &c.in) || c.in == NULL)
        return;
    cache_make_key(g, &c);
    cache_digest_key(&c);
    tell(g, "zone", "_cache", NULL, c.in->in->name);
    tell(g, "key", "_cache_key", NULL, c.text);
    if (cache_is_any(&conf->bypass, &g->r->task))
        tell(g, "BYPASS", "_cache_bypass", NULL,
             STR("it is not taken from the cache"));
    else
        tell_file(g, &c);
}


/* --- the response ----------------------------------------------------------------------- */

static void
tell_stored(struct gateway *g, const struct cache_age *a)
{
    int64_t valid_at = cache_valid_until(g, a, g->x->code);
    bool    by_valid = valid_at != 0 && a->valid_at == 0;

    if (!cache_age_allows(a))
        tell(g, "not stored", NULL, NULL,
             str_of(a->why != NULL ? a->why : "by its fields"));
    else if (valid_at == 0)
        tell(g, "not stored", "_cache_valid", NULL,
             STR("nothing says how long it is fresh"));
    else
        tell(g, "stored", by_valid ? "_cache_valid" : NULL, NULL,
             arena_printf(g->r->task.arena, "for %" PRId64 " seconds",
                          valid_at - (int64_t) clock_seconds()));
}


void
cache_explain_response(struct gateway *g)
{
    const struct gateway_cache_conf *conf = &g->conf->cache;
    struct cached                    c = { .in = NULL };
    struct cache_age                 a = { 0 };

    if (!cache_zone_is_on(&conf->zone)
        || !(g->r->method & (conf->methods | HTTP_GET | HTTP_HEAD))
        || !cache_find(g, &c.in) || c.in == NULL)
        return;
    if (cache_is_any(&conf->no_store, &g->r->task)) {
        tell(g, "not stored", "_no_cache", NULL, STR("a condition is true"));
        return;
    }
    cache_make_key(g, &c);
    g->cache = &c;
    cache_age_of(&a, g, g->x);
    g->cache = NULL;
    tell_stored(g, &a);
}
