/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules, by the sections of RFC 9111.  A time that a response may be used is
 * said by s-maxage, max-age, Expires, PREFIX_cache_valid, or its age when it came
 * (a tenth of it), in this order; CDN-Cache-Control takes the place of
 * Cache-Control and Expires (RFC 9213), and X-Accel-Expires that of all.
 */
#include "http/gateway/cache_rfc.h"

#include "core/base/date.h"
#include "core/os/clock.h"
#include "http/gateway/cache_control.h"
#include "http/gateway/cache_purge.h"
#include "http/response.h"

enum { GUESS_PART = 10, GUESS_MOST = 86400 };

struct rfc_conf {
    bool is_on;
};


bool
cache_rfc_is_on(const struct gateway *g)
{
    const struct rfc_conf *c = conf_of(&g->r->task, &cache_rfc_module);

    return c->is_on;
}


/* --- what fields say ---------------------------------------------------------------- */

struct facts {
    struct cache_control control;
    bool                 is_targeted; /* by CDN-Cache-Control                */
    int64_t              date;        /* -1: none                            */
    int64_t              modified;
    int64_t              lifetime; /* by the fields; -1: they do not say     */
    bool                 has_validator;
};


static void
read_control(struct facts *f, const struct gateway *g, const struct exchange *x)
{
    str_t cdn = fields_joined(g->r->task.arena, &x->fields,
                              STR("cdn_cache_control"), ", ");

    f->control = CACHE_CONTROL_NONE;
    if (g->conf->ignore & IGNORE_CACHE_CONTROL)
        return;
    f->is_targeted = cache_control_take_dictionary(&f->control, cdn);
    if (f->is_targeted)
        return;
    for (const struct field *it = fields_get(&x->fields, FIELD_CACHE_CONTROL);
         it != NULL; it = fields_next(&x->fields, it))
        cache_control_take(&f->control, it->value);
}


/* Expires is meant by the clock that Date is of (4.2.1). */
static int64_t
by_expires(const struct facts *f, const struct field *expires, int64_t now)
{
    int64_t at = date_parse(str_trim(expires->value));
    int64_t from = f->date != -1 ? f->date : now;

    return at == -1 || at <= from ? 0 : at - from;
}


static void
read_facts(struct facts *f, const struct gateway *g, const struct exchange *x,
           int64_t now)
{
    const struct field *expires = fields_get(&x->fields, FIELD_EXPIRES);
    const struct field *etag = fields_get(&x->fields, FIELD_ETAG);

    *f = (struct facts){ .lifetime = -1 };
    read_control(f, g, x);
    f->date = date_parse(fields_value(&x->fields, FIELD_DATE));
    f->modified = date_parse(fields_value(&x->fields, FIELD_LAST_MODIFIED));
    f->has_validator = f->modified != -1 || etag != NULL;
    if (f->control.s_maxage >= 0)
        f->lifetime = f->control.s_maxage;
    else if (f->control.max_age >= 0)
        f->lifetime = f->control.max_age;
    else if (expires != NULL && !f->is_targeted
             && !(g->conf->ignore & IGNORE_EXPIRES))
        f->lifetime = by_expires(f, expires, now);
}


/* The age that it had when it came (4.2.3). */
static int64_t
initial_age(const struct exchange *x, int64_t date, int64_t now)
{
    int64_t age = cache_control_age(fields_value(&x->fields, FIELD_AGE));

    return date != -1 && now - date > age ? now - date : age;
}


static bool
forbids_stale(const struct cache_control *c)
{
    return c->s_maxage >= 0
           || (c->is & (CC_MUST_REVALIDATE | CC_PROXY_REVALIDATE | CC_NO_CACHE))
                  != 0;
}


/* --- storing ------------------------------------------------------------------------ */

/* Statuses that may be stored by default (RFC 9110 section 15.1). */
static bool
is_guessable(unsigned status)
{
    static const unsigned all[]
        = { 200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501 };

    for (size_t i = 0; i < countof(all); i++)
        if (all[i] == status)
            return true;
    return false;
}


/* Those of which it is known what storing them means. */
static bool
is_understood(unsigned status)
{
    return is_guessable(status) || status == 206 || status == 302
           || status == 303 || status == 307;
}


/* 4.2.2: by the time that has passed since it was changed. */
static int64_t
guess(const struct facts *f, unsigned status, int64_t now)
{
    int64_t from = f->date != -1 ? f->date : now, n;

    if ((!is_guessable(status) && !(f->control.is & CC_PUBLIC))
        || f->modified == -1 || f->modified >= from)
        return -1;
    n = (from - f->modified) / GUESS_PART;
    return n < GUESS_MOST ? n : GUESS_MOST;
}


/* -1: it has none, and is not stored. */
static int64_t
lifetime(const struct facts *f, const struct gateway *g, unsigned status,
         int64_t now)
{
    int64_t n;

    if (f->lifetime != -1)
        return f->lifetime;
    if (cache_valid_for(g, status, &n))
        return n != 0 ? n : -1;
    return guess(f, status, now);
}


/* 3: what is not stored at all; NULL: it may be. */
static const char *
refusal(const struct facts *f, const struct gateway *g,
        const struct exchange *x)
{
    const unsigned shared = CC_PUBLIC | CC_MUST_REVALIDATE;

    if (f->control.is & CC_MUST_UNDERSTAND) { /* 5.2.2.3 */
        if (!is_understood(x->code))
            return "must-understand";
    } else if (f->control.is & CC_NO_STORE) {
        return "no-store";
    }
    if (f->control.is & CC_PRIVATE)
        return "private";
    if (x->code == 304)
        return "304";
    if (x->code == 206 && str_find(g->cache->text, STR("bytes=")) == NULL)
        return "206";
    if (fields_get(&g->r->in, FIELD_AUTHORIZATION) != NULL
        && !(f->control.is & shared) && f->control.s_maxage < 0)
        return "Authorization";
    if (fields_get(&x->fields, FIELD_SET_COOKIE) != NULL
        && !(g->conf->ignore & IGNORE_SET_COOKIE))
        return "Set-Cookie";
    return NULL;
}


static void
judge_fields(struct cache_age *a, const struct gateway *g,
             const struct exchange *x, int64_t now)
{
    struct facts f;
    int64_t      n;

    read_facts(&f, g, x, now);
    a->why = refusal(&f, g, x);
    n = lifetime(&f, g, x->code, now);
    if (a->why == NULL && n == -1 && !(f.control.is & CC_NO_CACHE))
        a->why = "no lifetime";
    n = n == -1 ? 0 : n - initial_age(x, f.date, now);
    if (f.control.is & CC_NO_CACHE)
        n = 0;
    if (a->why == NULL && n <= 0 && !f.has_validator)
        a->why = f.control.is & CC_NO_CACHE ? "no-cache" : "not fresh";
    a->is_refused = a->why != NULL;
    a->valid_at = n > 0 ? now + n : now - 1;
    if (forbids_stale(&f.control))
        return;
    a->updating = f.control.updating > 0 ? f.control.updating : 0;
    a->error = f.control.error > 0 ? f.control.error : a->updating;
}


void
cache_rfc_judge(struct cache_age *a, const struct gateway *g,
                const struct exchange *x)
{
    int64_t             now = clock_seconds();
    const struct field *accel = fields_get(&x->fields, FIELD_X_ACCEL_EXPIRES);

    if (accel != NULL && !(g->conf->ignore & IGNORE_ACCEL_EXPIRES)) {
        cache_age_take_accel(a, accel->value, now);
        a->why = a->is_refused ? "X-Accel-Expires" : NULL;
    }
    if (!a->has_accel || (a->valid_at == 0 && !a->is_refused))
        judge_fields(a, g, x, now);
}


/* --- requests ----------------------------------------------------------------------- */

static void
read_request(struct cache_control *c, const struct http_request *r)
{
    const struct field *f = fields_get(&r->in, FIELD_CACHE_CONTROL);
    const struct field *pragma = fields_get(&r->in, FIELD_PRAGMA);

    *c = CACHE_CONTROL_NONE;
    if (f == NULL && pragma != NULL
        && field_has_word(pragma->value, STR("no-cache")))
        c->is = CC_NO_CACHE;
    for (; f != NULL; f = fields_next(&r->in, f))
        cache_control_take(c, f->value);
}


bool
cache_rfc_has_wishes(const struct gateway *g)
{
    return (fields_get(&g->r->in, FIELD_CACHE_CONTROL) != NULL
            || fields_get(&g->r->in, FIELD_PRAGMA) != NULL)
           && cache_rfc_is_on(g);
}


bool
cache_rfc_is_only_cached(const struct gateway *g)
{
    struct cache_control c;

    if (!cache_rfc_has_wishes(g))
        return false;
    read_request(&c, g->r);
    return (c.is & CC_ONLY_IF_CACHED) != 0;
}


bool
cache_rfc_is_unstored(const struct gateway *g)
{
    struct cache_control c;

    if (!cache_rfc_has_wishes(g))
        return false;
    read_request(&c, g->r);
    return (c.is & CC_NO_STORE) != 0;
}


/* The head of a file, reported to *x for a look at it.  False: it is none. */
static bool
peek(struct gateway *g, struct cached_file *f, const struct exchange **x)
{
    struct exchange *before = g->x;

    if (!cache_report_head(g, f))
        return false;
    *x = g->x;
    cache_forget_report(g, before);
    return true;
}


static int64_t
age_of(const struct exchange *x, int64_t stored_at, int64_t now)
{
    int64_t date = date_parse(fields_value(&x->fields, FIELD_DATE));
    int64_t since = now > stored_at ? now - stored_at : 0;

    return initial_age(x, date, stored_at) + since;
}


bool
cache_rfc_forbids_stale(struct gateway *g, struct cached_file *f)
{
    const struct exchange *x;
    struct facts           facts;

    if (!cache_rfc_is_on(g) || !peek(g, f, &x))
        return false;
    read_facts(&facts, g, x, clock_seconds());
    return forbids_stale(&facts.control);
}


enum cache_wish
cache_rfc_wish(struct gateway *g, struct cached_file *f)
{
    struct cache_control   c;
    const struct exchange *x;
    int64_t                now = clock_seconds();
    int64_t                left = f->head.valid_at - now;

    if (!cache_rfc_is_on(g) || g->r->exchanges->handed != 0)
        return WISH_NONE;
    read_request(&c, g->r);
    if ((c.is & CC_NO_CACHE) || c.max_age == 0
        || (c.min_fresh >= 0 && left < c.min_fresh))
        return WISH_NEW;
    if (c.max_age > 0 && peek(g, f, &x)
        && age_of(x, f->head.date, now) > c.max_age)
        return WISH_NEW;
    if (left < 0 && ((c.is & CC_ANY_MAX_STALE) || -left <= c.max_stale)
        && !cache_rfc_forbids_stale(g, f))
        return WISH_STALE;
    return WISH_NONE;
}


/* --- passing on --------------------------------------------------------------------- */

bool
cache_rfc_keeps(const struct gateway *g, const struct field *f)
{
    return f->id == FIELD_DATE && g->cache != NULL && cache_rfc_is_on(g);
}


/* RFC 9110, 7.6.1: fields that Connection names are for us only. */
static void
drop_listed(struct http_request *r, const struct exchange *x)
{
    const struct field *c = fields_get(&x->fields, FIELD_CONNECTION);

    for (; c != NULL; c = fields_next(&x->fields, c))
        VEC_EACH(&r->out.fields.list, f)
            if (field_has_word(c->value, f->name))
                f->is_hidden = true;
}


static void
add_age(struct gateway *g)
{
    struct arena *a = g->r->task.arena;
    int64_t       age = age_of(g->x, g->cache->date, clock_seconds());
    char         *date;

    fields_set(a, &g->r->out.fields, FIELD_AGE,
               arena_number(a, (uint64_t) age));
    if (fields_get(&g->x->fields, FIELD_DATE) != NULL)
        return;
    date = arena_bytes(a, DATE_LEN);
    date_http(date, g->cache->date);
    fields_set(a, &g->r->out.fields, FIELD_DATE, (str_t){ date, DATE_LEN });
}


void
cache_rfc_pass(struct gateway *g)
{
    struct exchange *x = g->x;

    if (g->cache == NULL || !cache_rfc_is_on(g))
        return;
    drop_listed(g->r, x);
    g->r->out.tag_decides = true;
    if (!x->is_stored || g->cache->date == 0)
        return;
    add_age(g);
    if (x->code == 200 && x->length >= 0)
        g->r->out.allows_ranges = true;
}


/* --- invalidation ------------------------------------------------------------------- */

/* The key with the URI of the request in it replaced by another one; where it is
 * not in it, there is none. */
static bool
replace_uri(struct arena *a, str_t key, str_t uri, str_t by, str_t *out)
{
    const char *at = uri.n != 0 ? str_find(key, uri) : NULL;

    if (at == NULL)
        return false;
    *out = str_join3(a, str_span(key.p, at), by,
                     str_from(key, (size_t) (at - key.p) + uri.n));
    return true;
}


/* The path and arguments of a URL of the same host; false: it is of another. */
static bool
own_path(const struct http_request *r, str_t url, str_t *path)
{
    str_t       rest = url, host;
    const char *slashes = str_find(url, STR("://"));

    if (slashes != NULL) {
        rest = str_from(url, (size_t) (slashes - url.p) + 3);
        host = rest;
        for (size_t i = 0; i < rest.n; i++)
            if (rest.p[i] == '/' || rest.p[i] == '?') {
                host.n = i;
                break;
            }
        rest = str_from(rest, host.n);
        if (!str_ieq(host, fields_value(&r->in, FIELD_HOST)))
            return false;
    }
    for (size_t i = 0; i < rest.n; i++)
        if (rest.p[i] == '#')
            rest.n = i;
    *path = rest;
    return rest.n != 0 && rest.p[0] == '/' && !(rest.n > 1 && rest.p[1] == '/');
}


void
cache_rfc_invalidate(struct gateway *g)
{
    const unsigned safe = HTTP_GET | HTTP_HEAD | HTTP_OPTIONS | HTTP_TRACE
                          | HTTP_PROPFIND;
    struct http_request     *r = g->r;
    const struct disk_cache *in;
    struct exchange         *x = g->x;
    str_t                    key, path, other;
    const str_t names[] = { STR("Location"), STR("Content-Location") };

    if ((r->method & safe) || x->is_stored || x->code >= 400
        || task_is_dry(&r->task) || !cache_rfc_is_on(g)
        || !cache_key_of_get(g, &in, &key) || in == NULL)
        return;
    cache_purge_invalid(in, key);
    for (size_t i = 0; i < countof(names); i++) {
        const struct field *f = fields_find(&x->fields, names[i]);

        if (f != NULL && own_path(r, f->value, &path)
            && (replace_uri(r->task.arena, key, r->target, path, &other)
                || replace_uri(r->task.arena, key, r->uri, path, &other)))
            cache_purge_invalid(in, other);
    }
}


/* --- the directive ------------------------------------------------------------------ */

static const struct directive directives[] = {
    FLAG("cache_rfc", IN_WEB, struct rfc_conf, is_on, "off",
         "Lets caches of gateways follow RFC 9111 where nginx does otherwise: "
         "Age, Cache-Control of requests, must-revalidate, unsafe methods, "
         "Authorization, CDN-Cache-Control, fields of a 304."),
    { .name = NULL },
};

struct module cache_rfc_module = {
    .name = "cache_rfc",
    .serves = FOR_HTTP,
    .directives = directives,
    .conf_size = sizeof(struct rfc_conf),
};
