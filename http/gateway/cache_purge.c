/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests that purge are answered in place of being passed on: as a source of the
 * gateway where the location has a cache, or as the handler of a location of
 * their own.
 */
#include "http/gateway/cache_purge.h"

#include "core/base/escape.h"
#include "core/net/addr.h"
#include "http/gateway/cache_inside.h"
#include "http/server.h"
#include "http/response.h"

enum { TAGS_MAX = 1000 }; /* in one request                                 */

/* PREFIX_cache_purge zone key. */
struct place {
    const struct zone_use *use;
    struct expr           *zone, *key;
};

struct purge_conf {
    struct place *place;
};


/* --- answers ------------------------------------------------------------------ */

static str_t
page(struct arena *a, const struct cache_purging *purged)
{
    static const str_t parts[] = {
        STR_INIT("<html>\r\n<head><title>Successful purge</title></head>\r\n"
                 "<body bgcolor=\"white\">\r\n"
                 "<center><h1>Successful purge</h1>\r\n<br>Key : "),
        STR_INIT("\r\n<br>Path: "),
        STR_INIT("\r\n</center>\r\n<hr><center>nginx</center>\r\n"
                 "</body>\r\n</html>\r\n"),
    };
    char  path[DISK_NAME_MAX] UNSET, *out, *p;
    str_t escaped = escape_html(a, purged->text), name;

    name = (str_t){ path, disk_cache_name(purged->in, &purged->key, path) };
    name = escape_html(a, name);
    p = out = arena_bytes(a, escaped.n + name.n + 512);
#define PUT(s) memcpy(p, (s).p, (s).n), p += (s).n
    PUT(parts[0]);
    if (escaped.n != 0)
        PUT(escaped);
    PUT(parts[1]);
    PUT(name);
    PUT(parts[2]);
#undef PUT
    return str_span(out, p);
}


static bool
are_too_many(str_t tags)
{
    for (unsigned n = 0; disk_purge_next_tag(&tags).n != 0; n++)
        if (n == TAGS_MAX)
            return true;
    return false;
}


/* False: there is nothing. */
static bool
do_purge(const struct cache_purging *p)
{
    str_t tag, tags = p->tags, text = p->text;

    if (p->tags.n != 0) {
        while ((tag = disk_purge_next_tag(&tags)).n != 0)
            disk_purge_tag(p->in, tag, p->is_soft);
    } else if (p->is_all) {
        disk_purge_prefix(p->in, STR(""), p->is_soft);
    } else if (cache_is_prefix(text)) {
        text.n--;
        disk_purge_prefix(p->in, text, p->is_soft);
    } else {
        return disk_purge_key(p->in, &p->key, p->is_soft);
    }
    return true;
}


/* The status: 200, or 404. */
static unsigned
purge(struct task *t, const struct cache_purging *p)
{
    bool had = task_is_dry(t) ? cache_explain_purge(t, p) : do_purge(p);

    return had ? 200 : 404;
}


/* --- in a location with a cache ------------------------------------------------- */

bool
cache_purge_is_asked(const struct gateway *g)
{
    const struct cache_purge *p = g->conf->cache.purge;

    if (p == NULL)
        return false;
    if (p->when.list.n != 0)
        return cache_is_any(&p->when, &g->r->task);
    return str_eq(g->r->method_name, p->method);
}


static bool
is_allowed(const struct cache_purge *p, const struct task *t)
{
    if (p->from.n == 0)
        return true;
    VEC_EACH(&p->from, it)
        if (cidr_match(it, &t->peer->sa))
            return true;
    return false;
}


/* The status: 200, or why it may not. */
static unsigned
judge(const struct gateway *g, const struct cache_purging *p)
{
    const struct task *t = &g->r->task;

    if (t->has_bad_value)
        return 500;
    if (p->in == NULL)
        return 404;
    if (!is_allowed(g->conf->cache.purge, t))
        return 403;
    return are_too_many(p->tags) ? 400 : 200;
}


static enum step
report(struct gateway *g, const struct cache_purging *p)
{
    struct exchange *x = gateway_answer(g);
    struct chain     body;
    str_t            says;

    if (g->conf->cache.purge->when.list.n != 0) {
        exchange_status(x, 204, STR("No Content"));
        return STEP_DONE;
    }
    says = page(g->r->task.arena, p);
    exchange_status(x, 200, STR("OK"));
    (void) exchange_field(x, STR("Content-Type"), STR("text/html"));
    exchange_length(x, (int64_t) says.n);
    chain_init(&body, g->r->task.arena);
    chain_add(&body, says);
    exchange_chain(x, &body);
    return STEP_DONE;
}


enum step
cache_purge(struct gateway *g)
{
    const struct gateway_cache_conf *conf = &g->conf->cache;
    struct task                     *t = &g->r->task;
    struct cache_purging             p = { .use = conf->use };
    unsigned                         status;

    if (!cache_key_of_get(g, &p.in, &p.text))
        return gateway_fail(g, 500);
    cache_digest(p.text, &p.key);
    p.is_all = conf->purge->all;
    p.is_soft = cache_is_any(&conf->purge_soft, t);
    if (conf->purge_tag != NULL)
        p.tags = expr_eval(conf->purge_tag, t);
    status = judge(g, &p);
    if (status == 200)
        status = purge(t, &p);
    else if (task_is_dry(t))
        cache_explain_refusal(t, &p, status);
    return status == 200 ? report(g, &p) : gateway_fail(g, status);
}


void
cache_purge_invalid(const struct disk_cache *in, str_t text)
{
    struct disk_key key;

    cache_digest(text, &key);
    disk_purge_invalid(in, &key);
}


/* --- what is stored ------------------------------------------------------------- */

/* By one of its tags, which its own fields may be part of. */
static enum disk_purged
by_tags(struct gateway *g, struct cached_file *f, const struct disk_age *age)
{
    struct exchange *before = g->x;
    enum disk_purged worst = PURGED_NOT, v;
    str_t            list, tag;

    if (!cache_report_head(g, f))
        return PURGED_HARD;
    VEC_EACH(&g->conf->cache.tags.list, e) {
        list = expr_eval(*e, &g->r->task);
        while ((tag = disk_purge_next_tag(&list)).n != 0) {
            v = disk_purge_of_tag(g->cache->in, tag, age);
            worst = v > worst ? v : worst;
        }
    }
    cache_forget_report(g, before);
    return worst;
}


enum disk_purged
cache_purged(struct gateway *g, struct cached_file *f,
             const struct disk_asked *asked)
{
    struct cached   *c = g->cache;
    struct disk_age  age = { asked->purges, f->head.date };
    enum disk_purged v, w;

    if (asked->last_purge == 1 || asked->purges >= asked->last_purge)
        return PURGED_NOT;
    v = disk_purge_of_key(c->in, &c->main, c->text, &age,
                          memcmp(&c->main, &c->key, sizeof(c->key)) == 0);
    if (v != PURGED_HARD && g->conf->cache.tags.list.n != 0) {
        w = by_tags(g, f, &age);
        v = w > v ? w : v;
    }
    if (v == PURGED_NOT)
        disk_cache_confirmed(c->in, &c->key, &asked->version,
                             asked->last_purge);
    return v;
}


/* --- in a location of its own ---------------------------------------------------- */

static enum step
serve(struct task *t)
{
    struct http_request     *r = http_of(t);
    const struct purge_conf *conf = conf_of(t, &cache_purge_module);
    str_t                    zone = expr_eval(conf->place->zone, t);
    struct cache_purging     p = { .use = conf->place->use };

    p.text = expr_eval(conf->place->key, t);
    if (t->has_bad_value)
        return http_fail(r, 500);
    p.in = disk_cache_named(t->gen, zone, conf->place->use);
    if (p.in == NULL) {
        log_error(t->log, "cache \"" STR_F "\" not found", STR_A(zone));
        return http_fail(r, 500);
    }
    cache_digest(p.text, &p.key);
    if (purge(t, &p) != 200)
        return http_fail(r, 404);
    return http_reply(r, 200, STR("text/html"), page(t->arena, &p));
}


static const struct content content = {
    .name = "cache_purge",
    .serve = serve,
};


static const char *
parse_place(struct conf *cf)
{
    struct purge_conf *conf;
    struct place      *p = arena_make(cf->arena, struct place);
    const char        *error = NULL;

    if (cf->block->kind != IN_LOCATION)
        return conf_error(cf,
                          "\"" STR_F "\" directive (separate location syntax) "
                          "is not allowed here",
                          STR_A(cf->args[0]));
    conf = conf_touch(cf, &cache_purge_module);
    p->use = cache_use_of(cf->args[0], STR("_cache_purge"));
    p->zone = expr_compile(cf, cf->args[1], 0, &error);
    if (error == NULL)
        p->key = expr_compile(cf, cf->args[2], 0, &error);
    if (error == NULL && expr_is_constant(p->zone)
        && zone_add(cf, cf->args[1], 0, p->use, &error) == NULL)
        return error;
    conf->place = p;
    if (error == NULL)
        conf_set_content(cf, &content);
    return error;
}


/* --- the directive --------------------------------------------------------------- */

static const char *
take_from(struct conf *cf, struct cache_purge *p, unsigned i)
{
    if (i == cf->n_args)
        return conf_error(cf, "an address is missing behind \"from\"");
    if (str_is(cf->args[i], "all") && i + 1 == cf->n_args)
        return NULL;
    for (; i < cf->n_args; i++)
        if (!conf_cidr(cf, cf->args[i], vec_push(cf->arena, &p->from)))
            return conf_error(cf, "invalid parameter \"" STR_F "\"",
                              STR_A(cf->args[i]));
    return NULL;
}


/* on | off | method [purge_all] [from ...] */
static const char *
parse_method(struct conf *cf, struct cache_purge **out)
{
    struct cache_purge *p;
    unsigned            i = 2;

    if (cf->n_args == 2 && str_is(cf->args[1], "off"))
        return NULL;
    p = arena_make(cf->arena, struct cache_purge);
    p->method = str_is(cf->args[1], "on") ? STR("PURGE") : cf->args[1];
    if (i < cf->n_args && str_is(cf->args[i], "purge_all")) {
        p->all = true;
        i++;
    }
    *out = p;
    if (i == cf->n_args)
        return NULL;
    if (!str_is(cf->args[i], "from"))
        return conf_error(
            cf, "invalid parameter \"" STR_F "\", expected \"from\" keyword",
            STR_A(cf->args[i]));
    return take_from(cf, p, i + 1);
}


static const char *
parse_conditions(struct conf *cf, struct cache_purge **out)
{
    const char *error = NULL;

    *out = arena_make(cf->arena, struct cache_purge);
    for (unsigned i = 1; i < cf->n_args && error == NULL; i++)
        *vec_push(cf->arena, &(*out)->when.list)
            = expr_compile(cf, cf->args[i], 0, &error);
    return error;
}


static bool
has_variable(str_t s)
{
    return str_chr(s, '$') != NULL;
}


/* Conditions depend on variables, methods and zones do not; behind a method come
 * known words. */
static const char *
parse(struct conf *cf, void *field)
{
    struct cache_purge **out = field;
    bool                 is_word
        = cf->n_args > 2
          && (str_is(cf->args[2], "from") || str_is(cf->args[2], "purge_all"));

    *out = NULL;
    if (has_variable(cf->args[1]))
        return parse_conditions(cf, out);
    if (cf->n_args == 3 && !is_word && !str_is(cf->args[1], "on")
        && !str_is(cf->args[1], "off"))
        return parse_place(cf);
    for (unsigned i = 2; i < cf->n_args && !is_word; i++)
        if (has_variable(cf->args[i]))
            return parse_conditions(cf, out);
    return parse_method(cf, out);
}


const struct conf_type cache_purge_type = {
    .name = "purge",
    .size = sizeof(struct cache_purge *),
    .parse = parse,
    .unset = "off",
};


struct module cache_purge_module = {
    .name = "cache_purge",
    .serves = FOR_HTTP,
    .conf_size = sizeof(struct purge_conf),
};
