/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dav_ext: PROPFIND, PROPPATCH, OPTIONS, LOCK and UNLOCK of WebDAV, with the
 * directives of the widespread module of that name.
 *
 *     dav_ext_lock_zone zone=locks:10m timeout=10m;
 *     location /files/ {
 *         dav_methods PUT DELETE MKCOL COPY MOVE;
 *         dav_ext_methods PROPFIND PROPPATCH OPTIONS LOCK UNLOCK;
 *         dav_ext_lock zone=locks;
 *     }
 *
 * What a lock forbids is checked before any method that changes something; a
 * client that knows the token names it in If.
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/shm/registry.h"
#include "http/files.h"
#include "http/etag.h"
#include "modules/content/dav_ext.h"
#include "modules/content/dav_if.h"
#include "modules/module.h"

enum { LOCK_SECONDS = 60 };

struct dav_lock_conf {
    struct zone_conf *zone;
    uint64_t          seconds;
    const char       *file; /* of the first use                              */
    unsigned          line;
};

/* Those of the configuration: main_size. */
struct lock_zones {
    VEC(struct dav_lock_conf *) all;
};


/* --- what all methods need -------------------------------------------------------------- */

struct zone *
dav_ext_zone(const struct http_request *r)
{
    const struct dav_lock_conf *l = dav_ext_conf_of(r)->lock;

    return l != NULL ? l->zone->zone : NULL;
}


uint64_t
dav_ext_seconds(const struct http_request *r)
{
    return dav_ext_conf_of(r)->lock->seconds;
}


str_t
dav_without_slash(str_t uri)
{
    while (uri.n > 1 && uri.p[uri.n - 1] == '/')
        uri.n--;
    return uri;
}


str_t
dav_href(struct arena *a, str_t uri)
{
    return escape_html(a, escape_uri(a, uri, ESCAPE_URI));
}


str_t
dav_tag(struct arena *a, const struct stat *st)
{
    return arena_printf(a, "\"%jx-%jx\"", (uintmax_t) st->st_mtim.tv_sec,
                        (uintmax_t) st->st_size);
}


static bool
copy_piece(char *out, const struct piece *p)
{
    if (p->p != NULL) {
        memcpy(out, p->p, p->n);
        return true;
    }
    return p->file == NULL
           || pread(p->file->fd, out, p->n, p->at) == (ssize_t) p->n;
}


enum step
dav_ext_body(struct http_request *r, str_t *out)
{
    enum step step = http_body_read(r);
    char     *bytes;

    *out = STR_NONE;
    if (step != STEP_NEXT)
        return step;
    if (r->body == NULL || r->body->state != HTTP_BODY_WHOLE
        || r->body->data.n == 0)
        return STEP_NEXT;
    if (r->body->data.n > DAV_XML_MAX) {
        log_error(r->task.log, "client sent too large XML");
        return http_fail(r, 413);
    }
    bytes = arena_bytes(r->task.arena, (size_t) r->body->data.n);
    *out = (str_t){ bytes, (size_t) r->body->data.n };
    for (const struct piece *p = r->body->data.head; p != NULL; p = p->next) {
        if (!copy_piece(bytes, p))
            return http_fail(r, 500);
        bytes += p->n;
    }
    return STEP_NEXT;
}


enum step
dav_ext_reply(struct http_request *r, unsigned status, str_t xml)
{
    r->out.type_tail = STR("; charset=utf-8");
    return http_reply(r, status, STR("text/xml"), xml);
}


/* --- locks -------------------------------------------------------------------------------- */

/* What If says of a request, and what it wants to change. */
struct check {
    struct http_request *r;
    struct zone         *zone;
    struct dav_if        said;
    str_t                token; /* that is looked for                     */
    bool                 is_found, is_forbidden, knows_shared, has_shared;
};


static bool
compare_token(const struct dav_lock *l, void *arg)
{
    struct check *c = arg;

    c->is_found = c->token.n == DAV_TOKEN
                  && memcmp(c->token.p, l->token, DAV_TOKEN) == 0;
    return !c->is_found;
}


/* The path that a list of If is about. */
static str_t
path_of(struct check *c, const struct dav_condition *d)
{
    str_t uri = d->resource;

    if (uri.n == 0)
        return dav_path(c->r);
    return dav_path_of(c->r, uri);
}


static bool
holds(struct check *c, const struct dav_condition *d)
{
    str_t       path = path_of(c, d);
    struct stat st;

    c->is_found = false;
    if (path.p != NULL && d->is_tag) {
        c->is_found = stat(path.p, &st) == 0 && S_ISREG(st.st_mode)
                      && etag_is_listed(d->value,
                                        dav_tag(c->r->task.arena, &st), false);
    } else if (path.p != NULL && c->zone != NULL) {
        c->token = d->value;
        dav_lock_each(c->zone, path, DAV_ON, compare_token, c);
    }
    return c->is_found != d->is_not;
}


/* Whether one of the lists holds as a whole. */
static bool
is_true(struct check *c)
{
    size_t   n = c->said.conditions.n, i = 0;
    unsigned list;
    bool     all;

    while (i < n) {
        list = c->said.conditions.at[i].list;
        for (all = true; i < n && c->said.conditions.at[i].list == list; i++)
            all = all && holds(c, &c->said.conditions.at[i]);
        if (all)
            return true;
    }
    return false;
}


static bool
knows(const struct check *c, const struct dav_lock *l)
{
    VEC_EACH(&c->said.conditions, it)
        if (!it->is_tag && it->value.n == DAV_TOKEN
            && memcmp(it->value.p, l->token, DAV_TOKEN) == 0)
            return true;
    return false;
}


/* Of shared locks, one has to be known, of the others each. */
static bool
judge(const struct dav_lock *l, void *arg)
{
    struct check *c = arg;

    if (l->is_shared) {
        c->has_shared = true;
        c->knows_shared = c->knows_shared || knows(c, l);
    } else if (!knows(c, l)) {
        c->is_forbidden = true;
    }
    return !c->is_forbidden;
}


static bool
may_change(struct check *c, str_t path, unsigned reach)
{
    struct stat st;

    if (path.p == NULL)
        return true; /* the method itself will refuse it */
    if (lstat(path.p, &st) == -1)
        reach = DAV_ON | DAV_ABOVE;
    c->has_shared = c->knows_shared = false;
    dav_lock_each(c->zone, path, reach, judge, c);
    return !c->is_forbidden && (!c->has_shared || c->knows_shared);
}


/* Whether locks allow what the request is going to do. */
static bool
is_allowed(struct check *c)
{
    const struct field *f = fields_get(&c->r->in, FIELD_DESTINATION);
    unsigned            tree = DAV_ON | DAV_INSIDE | DAV_ABOVE;

    switch (c->r->method) {
    case HTTP_PUT:
    case HTTP_PROPPATCH:
    case HTTP_MKCOL:
        return may_change(c, dav_path(c->r), DAV_ON);
    case HTTP_DELETE:
        return may_change(c, dav_path(c->r), tree);
    case HTTP_MOVE:
        if (!may_change(c, dav_path(c->r), tree))
            return false;
        break;
    default:
        break;
    }
    return f == NULL || may_change(c, dav_path_of(c->r, f->value), tree);
}


static enum step
check_locks(struct task *t)
{
    struct http_request       *r = http_of(t);
    const struct dav_ext_conf *conf = dav_ext_conf_of(r);
    const struct field        *f;
    struct check               c = { .r = r, .zone = dav_ext_zone(r) };

    if (conf->methods == DAV_OFF || task_is_dry(t)
        || !(r->method
             & (HTTP_PUT | HTTP_DELETE | HTTP_MKCOL | HTTP_COPY | HTTP_MOVE
                | HTTP_PROPPATCH)))
        return STEP_NEXT;
    f = fields_find(&r->in, STR("If"));
    if (f != NULL && !dav_if_parse(t->arena, f->value, &c.said)) {
        log_error(t->log, "client sent invalid \"If\" header: \"" STR_F "\"",
                  STR_A(f->value));
        return http_fail(r, 400);
    }
    if (f != NULL && !is_true(&c))
        return http_fail(r, 412);
    return c.zone == NULL || is_allowed(&c) ? STEP_NEXT : http_fail(r, 423);
}


/* --- OPTIONS ------------------------------------------------------------------------------- */

static const struct conf_word words[] = {
    { "off", DAV_OFF },
    { "propfind", HTTP_PROPFIND },
    { "options", HTTP_OPTIONS },
    { "lock", HTTP_LOCK },
    { "unlock", HTTP_UNLOCK },
    { "proppatch", HTTP_PROPPATCH },
    { NULL, 0 },
};


static enum step
tell_options(struct http_request *r)
{
    static const struct {
        unsigned    method;
        const char *name;
    } names[] = {
        { HTTP_PUT, ",PUT" },
        { HTTP_DELETE, ",DELETE" },
        { HTTP_MKCOL, ",MKCOL" },
        { HTTP_COPY, ",COPY" },
        { HTTP_MOVE, ",MOVE" },
        { HTTP_PROPFIND, ",PROPFIND" },
        { HTTP_PROPPATCH, ",PROPPATCH" },
        { HTTP_OPTIONS, ",OPTIONS" },
        { HTTP_LOCK, ",LOCK" },
        { HTTP_UNLOCK, ",UNLOCK" },
    };
    struct arena *a = r->task.arena;
    unsigned methods = dav_conf_of(r)->methods | dav_ext_conf_of(r)->methods;
    str_t    allow = STR("GET,HEAD");

    for (size_t i = 0; i < countof(names); i++)
        if (methods & names[i].method)
            allow = str_join(a, allow, str_of(names[i].name));
    fields_add(a, &r->out.fields, STR("DAV"),
               dav_ext_zone(r) != NULL ? STR("1, 2") : STR("1"));
    fields_add(a, &r->out.fields, STR("Allow"), allow);
    return http_reply(r, 200, STR_NONE, STR(""));
}


static enum step
serve(struct task *t)
{
    struct http_request *r = http_of(t);

    if (!(r->method & dav_ext_conf_of(r)->methods))
        return STEP_NEXT;
    if ((r->method & (HTTP_LOCK | HTTP_UNLOCK)) && dav_ext_zone(r) == NULL)
        return http_fail(r, 405);
    if (task_is_dry(t) && r->method != HTTP_OPTIONS)
        return dav_reply(r, 207, false);
    switch (r->method) {
    case HTTP_PROPFIND:
        return dav_propfind(r);
    case HTTP_PROPPATCH:
        return dav_proppatch(r);
    case HTTP_LOCK:
        return dav_do_lock(r);
    case HTTP_UNLOCK:
        return dav_do_unlock(r);
    default:
        return tell_options(r);
    }
}


/* --- directives ---------------------------------------------------------------------------- */

static struct dav_lock_conf *
zone_named(struct conf *cf, str_t name, uint64_t size, const char **error)
{
    struct lock_zones    *zones = conf_main(cf, &dav_ext_module);
    struct zone_conf     *in = zone_add(cf, name, size, &dav_lock_use, error);
    struct dav_lock_conf *l;

    if (in == NULL)
        return NULL;
    VEC_EACH(&zones->all, it)
        if ((*it)->zone == in)
            return *it;
    l = arena_make(cf->arena, struct dav_lock_conf);
    *l = (struct dav_lock_conf){ .zone = in,
                                 .file = cf->file,
                                 .line = cf->line };
    *vec_push(cf->arena, &zones->all) = l;
    return l;
}


/* zone=NAME:SIZE [timeout=TIME] */
static const char *
parse_zone(struct conf *cf, void *unused)
{
    struct dav_lock_conf *l;
    const char           *error = NULL;
    uint64_t              size = 0, seconds = LOCK_SECONDS;
    str_t                 name = STR_NONE, word;

    (void) unused;
    for (unsigned i = 1; i < cf->n_args; i++) {
        word = cf->args[i];
        if (str_starts(word, STR("zone=")) && str_chr(word, ':') != NULL) {
            word = str_from(word, 5);
            name = str_cut(&word, ':');
            if (!number_size(word, false, &size)
                || size < ZONE_PAGES_LEAST * (uint64_t) ZONE_PAGE)
                return conf_error(cf, "invalid zone size \"" STR_F "\"",
                                  STR_A(cf->args[i]));
        } else if (!str_starts(word, STR("timeout="))
                   || !number_time(str_from(word, 8), true, &seconds)
                   || seconds == 0)
            return conf_error(cf, "invalid parameter \"" STR_F "\"",
                              STR_A(word));
    }
    if (name.n == 0)
        return conf_error(cf, "\"%s\" must have \"zone\" parameter",
                          cf->row->name);
    l = zone_named(cf, name, size, &error);
    if (l == NULL)
        return error;
    if (l->seconds != 0)
        return conf_error(cf, "duplicate zone \"" STR_F "\"", STR_A(name));
    l->seconds = seconds;
    return NULL;
}


/* zone=NAME */
static const char *
parse_lock(struct conf *cf, void *field)
{
    struct dav_lock_conf **out = field;
    const char            *error = NULL;

    if (!str_starts(cf->args[1], STR("zone=")) || cf->args[1].n == 5)
        return conf_error(cf, "invalid parameter \"" STR_F "\"",
                          STR_A(cf->args[1]));
    *out = zone_named(cf, str_from(cf->args[1], 5), 0, &error);
    return error;
}


static const char *
check_zones(struct conf *cf, void *main)
{
    const struct lock_zones *zones = main;

    VEC_EACH(&zones->all, it)
        if ((*it)->seconds == 0) {
            conf_hint(
                cf, "define it in http: dav_ext_lock_zone zone=" STR_F ":10m;",
                STR_A((*it)->zone->name));
            conf_error_bare(cf, (*it)->file, (*it)->line,
                            "zero size shared memory zone \"" STR_F "\"",
                            STR_A((*it)->zone->name));
        }
    return NULL;
}


static const struct conf_type zone_type
    = { .name = "zone of locks", .size = sizeof(char), .parse = parse_zone };
static const struct conf_type lock_type
    = { .name = "lock zone",
        .size = sizeof(struct dav_lock_conf *),
        .parse = parse_lock };

static const struct directive directives[] = {
    BITS("dav_ext_methods", IN_WEB | ROW_OFF_ALONE, ARGS_1_OR_MORE,
         struct dav_ext_conf, methods, "off", words,
         "More methods of WebDAV: PROPFIND, PROPPATCH, OPTIONS, LOCK, UNLOCK; "
         "beside dav_methods."),
    { "dav_ext_lock_zone", IN_HTTP | ROW_MANY, ARGS_1 | ARGS_2, &zone_type, 0,
      NULL, NULL, "zone=name:size [timeout=time]",
      "Memory for locks, which all workers share, and how long a lock lasts at "
      "most." },
    CUSTOM("dav_ext_lock", IN_WEB, ARGS_1, lock_type, struct dav_ext_conf, lock,
           struct dav_lock_conf *, "zone=name",
           "The zone of the locks that LOCK makes here, and that are respected "
           "here."),
    { .name = NULL },
};

struct module dav_ext_module = {
    .name = "http_dav_ext",
    .serves = FOR_HTTP,
    .directives = directives,
    .conf_size = sizeof(struct dav_ext_conf),
    .main_size = sizeof(struct lock_zones),
    .state_size = sizeof(struct dav_ext_state),
    .main_ready = check_zones,
    .phase = { [PHASE_PRECONTENT] = check_locks, [PHASE_CONTENT] = serve },
};
