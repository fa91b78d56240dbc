/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PROPFIND and PROPPATCH.  A folder is read while the response is sent, so that
 * its size does not matter: in memory is what the client has not taken yet.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "modules/content/dav_dead.h"
#include "modules/content/dav_ext.h"
#include "modules/module.h"

enum {
    SENT_AT_ONCE = 32 * 1024,
    ROUNDS = 4, /* then others are served, however fast the client reads      */
};

/* One response element. */
struct entry {
    str_t       path, uri; /* uri: not escaped                               */
    str_t       name;
    struct stat st;
};

struct dav_listing {
    struct dav_propfind wanted;
    struct entry        top;
    DIR                *folder; /* what is in it follows; NULL: nothing      */
    struct zone        *locks;
    struct chain        out;
    struct arena       *scratch; /* of one entry                             */
    bool                is_begun;
};

typedef str_t (*value_fn)(const struct dav_listing *l, const struct entry *e);


/* --- live properties ------------------------------------------------------------------ */

static str_t
display_name(const struct dav_listing *l, const struct entry *e)
{
    return escape_html(l->scratch, e->name);
}


static str_t
content_length(const struct dav_listing *l, const struct entry *e)
{
    return S_ISDIR(e->st.st_mode)
               ? STR_NONE
               : arena_number(l->scratch, (uint64_t) e->st.st_size);
}


static str_t
last_modified(const struct dav_listing *l, const struct entry *e)
{
    char *text = arena_bytes(l->scratch, DATE_LEN);

    date_http(text, e->st.st_mtim.tv_sec);
    return (str_t){ text, DATE_LEN };
}


static str_t
entity_tag(const struct dav_listing *l, const struct entry *e)
{
    return S_ISDIR(e->st.st_mode)
               ? STR_NONE
               : escape_html(l->scratch, dav_tag(l->scratch, &e->st));
}


static str_t
resource_type(const struct dav_listing *l, const struct entry *e)
{
    (void) l;
    return S_ISDIR(e->st.st_mode) ? STR("<D:collection/>") : STR("");
}


static str_t
lock_discovery(const struct dav_listing *l, const struct entry *e)
{
    return l->locks != NULL ? dav_lock_discovery(l->scratch, l->locks, e->path)
                            : STR_NONE;
}


static str_t
supported_lock(const struct dav_listing *l, const struct entry *e)
{
    (void) e;
    return l->locks == NULL ? STR_NONE
                            : STR("\n<D:lockentry>\n"
                                  "<D:lockscope><D:exclusive/></D:lockscope>\n"
                                  "<D:locktype><D:write/></D:locktype>\n"
                                  "</D:lockentry>\n<D:lockentry>\n"
                                  "<D:lockscope><D:shared/></D:lockscope>\n"
                                  "<D:locktype><D:write/></D:locktype>\n"
                                  "</D:lockentry>\n");
}


/* STR_NONE of a value: the entry does not have it. */
static const struct live {
    str_t    name;
    value_fn value;
} live[] = {
    { STR_INIT("displayname"), display_name },
    { STR_INIT("getcontentlength"), content_length },
    { STR_INIT("getlastmodified"), last_modified },
    { STR_INIT("getetag"), entity_tag },
    { STR_INIT("resourcetype"), resource_type },
    { STR_INIT("lockdiscovery"), lock_discovery },
    { STR_INIT("supportedlock"), supported_lock },
};


static const struct live *
live_named(const struct dav_name *n)
{
    for (size_t i = 0; i < countof(live); i++)
        if (str_is(n->space, "DAV:") && str_eq(n->name, live[i].name))
            return &live[i];
    return NULL;
}


/* --- one entry -------------------------------------------------------------------------- */

static void
put(struct dav_listing *l, str_t text)
{
    chain_add_copy(&l->out, text);
}


/* An element of any namespace, without contents. */
static void
put_name(struct dav_listing *l, const struct dav_name *n)
{
    if (str_is(n->space, "DAV:"))
        put(l, arena_printf(l->scratch, "<D:" STR_F "/>\n", STR_A(n->name)));
    else
        put(l, arena_printf(l->scratch, "<" STR_F " xmlns=\"" STR_F "\"/>\n",
                            STR_A(n->name),
                            STR_A(escape_html(l->scratch, n->space))));
}


static void
put_live(struct dav_listing *l, const struct live *p, str_t value)
{
    if (value.n == 0 && !str_is(p->name, "resourcetype")) {
        put(l, arena_printf(l->scratch, "<D:" STR_F "/>\n", STR_A(p->name)));
        return;
    }
    put(l, arena_printf(l->scratch, "<D:" STR_F ">" STR_F "</D:" STR_F ">\n",
                        STR_A(p->name), STR_A(value), STR_A(p->name)));
}


static const struct dav_property *
dead_named(const struct dav_properties *all, const struct dav_name *n)
{
    VEC_EACH(&all->list, it)
        if (str_eq(it->name.space, n->space) && str_eq(it->name.name, n->name))
            return it;
    return NULL;
}


static void
put_all(struct dav_listing *l, const struct entry *e,
        const struct dav_properties *dead)
{
    bool  is_named = l->wanted.wish == DAV_NAMES;
    str_t value;

    for (size_t i = 0; i < countof(live); i++) {
        value = live[i].value(l, e);
        if (value.p != NULL && is_named)
            put(l, arena_printf(l->scratch, "<D:" STR_F "/>\n",
                                STR_A(live[i].name)));
        else if (value.p != NULL)
            put_live(l, &live[i], value);
    }
    VEC_EACH(&dead->list, it) {
        if (is_named) {
            put_name(l, &it->name);
        } else {
            put(l, it->xml);
            put(l, STR("\n"));
        }
    }
}


static void
put_propstat(struct dav_listing *l, bool is_begin, const char *status)
{
    if (is_begin)
        put(l, STR("<D:propstat>\n<D:prop>\n"));
    else
        put(l, arena_printf(l->scratch,
                            "</D:prop>\n<D:status>HTTP/1.1 %s</D:status>\n"
                            "</D:propstat>\n",
                            status));
}


/* What an entry has by that name: the value of a live property, or a dead one
 * as a whole; STR_NONE: nothing. */
static str_t
value_named(const struct dav_listing *l, const struct entry *e,
            const struct dav_properties *dead, const struct dav_name *n)
{
    const struct live         *p = live_named(n);
    const struct dav_property *d = p == NULL ? dead_named(dead, n) : NULL;

    return p != NULL ? p->value(l, e) : d != NULL ? d->xml : STR_NONE;
}


/* The properties that were asked for: those that are there, then the others. */
static void
put_some(struct dav_listing *l, const struct entry *e,
         const struct dav_properties *dead)
{
    str_t    values[DAV_NAMES_MAX];
    size_t   n = l->wanted.names.n, there = 0;
    unsigned i;

    for (i = 0; i < n; i++) {
        values[i] = value_named(l, e, dead, &l->wanted.names.at[i]);
        there += values[i].p != NULL;
    }
    if (there != 0 || n == 0) {
        put_propstat(l, true, NULL);
        for (i = 0; i < n; i++) {
            const struct live *p = live_named(&l->wanted.names.at[i]);

            if (values[i].p != NULL && p != NULL)
                put_live(l, p, values[i]);
            else
                put(l, values[i]);
        }
        put_propstat(l, false, "200 OK");
    }
    if (there == n)
        return;
    put_propstat(l, true, NULL);
    for (i = 0; i < n; i++)
        if (values[i].p == NULL)
            put_name(l, &l->wanted.names.at[i]);
    put_propstat(l, false, "404 Not Found");
}


static void
put_entry(struct dav_listing *l, const struct entry *e)
{
    struct dav_properties dead;

    dav_dead_read(l->scratch, e->path.p, &dead);
    put(l, STR("<D:response>\n<D:href>"));
    put(l, dav_href(l->scratch, e->uri));
    put(l, STR("</D:href>\n"));
    if (l->wanted.wish == DAV_SOME) {
        put_some(l, e, &dead);
    } else {
        put_propstat(l, true, NULL);
        put_all(l, e, &dead);
        put_propstat(l, false, "200 OK");
    }
    put(l, STR("</D:response>\n"));
}


/* --- PROPFIND ---------------------------------------------------------------------------- */

/* What is after the last slash, or the whole. */
static str_t
last_of(str_t path)
{
    const char *slash = str_rchr(path, '/');

    if (slash == NULL || path.n == 1)
        return path;
    return str_from(path, (size_t) (slash - path.p) + 1);
}


static void
put_member(struct dav_listing *l, const char *name)
{
    struct entry e = { .name = str_of(name) };
    str_t        slash = STR("/");

    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return;
    e.path = str_join3(l->scratch, l->top.path, slash, e.name);
    if (stat(e.path.p, &e.st) == -1
        || !(S_ISDIR(e.st.st_mode) || S_ISREG(e.st.st_mode)))
        return;
    e.uri = str_join3(l->scratch, l->top.uri,
                      str_ends(l->top.uri, slash) ? STR("") : slash, e.name);
    if (S_ISDIR(e.st.st_mode))
        e.uri = str_join(l->scratch, e.uri, slash);
    put_entry(l, &e);
}


/* Fills the chain; false: that was all. */
static bool
go_on(struct dav_listing *l)
{
    const struct dirent *d;

    if (!l->is_begun) {
        put(l, STR("<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n"
                   "<D:multistatus xmlns:D=\"DAV:\">\n"));
        put_entry(l, &l->top);
        l->is_begun = true;
    }
    while (l->folder != NULL && (d = readdir(l->folder)) != NULL) {
        arena_reset(l->scratch);
        put_member(l, d->d_name);
        if (l->out.n >= SENT_AT_ONCE)
            return true;
    }
    put(l, STR("</D:multistatus>\n"));
    return false;
}


static enum step
send_more(struct http_request *r, struct dav_listing *l)
{
    enum step step = STEP_NEXT;
    unsigned  rounds = ROUNDS;
    bool      is_last;

    while (step == STEP_NEXT) {
        if (rounds-- == 0) {
            post_add_next(r->task.loop, &r->task.wake);
            return STEP_WAIT;
        }
        is_last = !go_on(l);
        step = http_send(r, &l->out, is_last);
        if (is_last)
            return step == STEP_WAIT ? STEP_DONE : step;
    }
    return step;
}


static void
end(void *arg)
{
    struct dav_listing *l = arg;

    if (l->folder != NULL)
        (void) closedir(l->folder);
    arena_free(l->scratch);
}


/* Reads what is wanted.  STEP_NEXT: *l is ready. */
static enum step
prepare(struct http_request *r, struct dav_listing *l, str_t body)
{
    int depth = fields_get(&r->in, FIELD_DEPTH) != NULL ? dav_depth(r) : 0;

    if (depth == -1)
        return http_fail(r, 400);
    if (depth == DAV_INFINITY) {
        log_error(r->task.log, "PROPFIND of infinite depth is unsupported");
        return http_fail(r, 403);
    }
    if (body.n != 0 && !dav_xml_propfind(r->task.arena, body, &l->wanted)) {
        log_error(r->task.log, "client sent invalid XML");
        return http_fail(r, 400);
    }
    l->top.path = dav_path(r);
    if (l->top.path.p == NULL)
        return STEP_FAIL;
    if (stat(l->top.path.p, &l->top.st) == -1)
        return dav_fail(r, errno, 404, "stat()", l->top.path);
    l->top.uri = r->uri;
    l->top.name = last_of(dav_without_slash(r->uri));
    if (depth == 0 || !S_ISDIR(l->top.st.st_mode))
        return STEP_NEXT;
    l->folder = opendir(l->top.path.p);
    return l->folder != NULL
               ? STEP_NEXT
               : dav_fail(r, errno, 404, "opendir()", l->top.path);
}


enum step
dav_propfind(struct http_request *r)
{
    struct dav_ext_state *s = http_state_of(r, &dav_ext_module);
    struct dav_listing   *l = s->listing;
    enum step             step;
    str_t                 body;

    if (l != NULL)
        return send_more(r, l);
    step = dav_ext_body(r, &body);
    if (step != STEP_NEXT)
        return step;
    l = arena_make(r->task.arena, struct dav_listing);
    l->scratch = arena_new(0);
    l->locks = dav_ext_zone(r);
    chain_init(&l->out, r->task.arena);
    arena_defer(r->task.arena, end, l);
    step = prepare(r, l, body);
    if (step != STEP_NEXT)
        return step;
    s->listing = l;
    r->out.status = 207;
    r->out.content_type = STR("text/xml");
    r->out.type_tail = STR("; charset=utf-8");
    r->out.length = -1;
    step = http_send_head(r);
    return step == STEP_NEXT ? send_more(r, l) : step;
}


/* --- PROPPATCH --------------------------------------------------------------------------- */

static void
change(struct arena *a, struct dav_properties *all, const struct dav_change *c)
{
    struct dav_property *p = NULL;

    VEC_EACH(&all->list, it)
        if (str_eq(it->name.space, c->name.space)
            && str_eq(it->name.name, c->name.name))
            p = it;
    if (c->xml.n != 0) {
        if (p == NULL)
            p = vec_push(a, &all->list);
        *p = (struct dav_property){ c->name, c->xml };
    } else if (p != NULL) {
        *p = all->list.at[--all->list.n];
    }
}


/* The response: all of it was done, or nothing. */
static str_t
outcome(struct http_request *r, const struct dav_update *u, const char *status,
        bool is_protected)
{
    struct dav_listing l = { .scratch = r->task.arena };
    size_t             n;
    char              *text;

    chain_init(&l.out, r->task.arena);
    put(&l, STR("<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n"
                "<D:multistatus xmlns:D=\"DAV:\">\n<D:response>\n<D:href>"));
    put(&l, dav_href(r->task.arena, r->uri));
    put(&l, STR("</D:href>\n"));
    VEC_EACH(&u->changes, it) {
        put_propstat(&l, true, NULL);
        put_name(&l, &it->name);
        put_propstat(&l, false,
                     is_protected && live_named(&it->name) == NULL
                         ? "424 Failed Dependency"
                         : status);
    }
    put(&l, STR("</D:response>\n</D:multistatus>\n"));
    n = (size_t) l.out.n;
    text = arena_bytes(r->task.arena, n);
    (void) chain_peek(&l.out, text, n);
    chain_clear(&l.out);
    return (str_t){ text, n };
}


enum step
dav_proppatch(struct http_request *r)
{
    struct dav_properties all;
    struct dav_update     u;
    const char           *status = "200 OK";
    bool                  is_protected = false;
    enum step             step;
    str_t                 body, path, xml;

    step = dav_ext_body(r, &body);
    if (step != STEP_NEXT)
        return step;
    if (!dav_xml_update(r->task.arena, body, &u)) {
        log_error(r->task.log, "client sent invalid XML");
        return http_fail(r, 400);
    }
    path = dav_path(r);
    if (path.p == NULL)
        return STEP_FAIL;
    if (access(path.p, F_OK) == -1)
        return dav_fail(r, errno, 404, "access()", path);
    dav_dead_read(r->task.arena, path.p, &all);
    VEC_EACH(&u.changes, it) {
        is_protected = is_protected || live_named(&it->name) != NULL;
        change(r->task.arena, &all, it);
    }
    if (is_protected) {
        status = "403 Forbidden";
    } else if (!dav_dead_write(r->task.arena, path.p, &all)) {
        log_errno(r->task.log, errno, "setxattr() \"" STR_F "\" failed",
                  STR_A(path));
        status = errno == EACCES || errno == EPERM ? "403 Forbidden"
                                                   : "507 Insufficient Storage";
    }
    xml = outcome(r, &u, status, is_protected);
    return dav_ext_reply(r, 207, xml);
}
