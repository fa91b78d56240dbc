/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * LOCK and UNLOCK.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "modules/content/dav_ext.h"
#include "modules/content/dav_if.h"
#include "modules/module.h"


/* --- as XML ---------------------------------------------------------------------------- */

str_t
dav_lock_active(struct arena *a, const struct dav_lock *l)
{
    return arena_printf(a,
                        "<D:activelock>\n"
                        "<D:locktype><D:write/></D:locktype>\n"
                        "<D:lockscope><D:%s/></D:lockscope>\n"
                        "<D:depth>%s</D:depth>\n" STR_F "%s"
                        "<D:timeout>Second-%ju</D:timeout>\n"
                        "<D:locktoken><D:href>%.*s</D:href></D:locktoken>\n"
                        "<D:lockroot><D:href>" STR_F "</D:href></D:lockroot>\n"
                        "</D:activelock>\n",
                        l->is_shared ? "shared" : "exclusive",
                        l->is_deep ? "infinity" : "0", STR_A(l->owner),
                        l->owner.n != 0 ? "\n" : "", (uintmax_t) l->seconds,
                        (int) DAV_TOKEN, l->token, STR_A(dav_href(a, l->uri)));
}


/* Of more locks on one path than that, some are told only. */
enum { TOLD_MAX = 64 };

struct discovery {
    struct arena *arena;
    str_t         locks[TOLD_MAX];
    unsigned      n;
    size_t        length;
};


static bool
add_lock(const struct dav_lock *l, void *arg)
{
    struct discovery *d = arg;

    d->locks[d->n] = dav_lock_active(d->arena, l);
    d->length += d->locks[d->n++].n;
    return d->n < TOLD_MAX;
}


str_t
dav_lock_discovery(struct arena *a, struct zone *z, str_t path)
{
    struct discovery d = { .arena = a, .n = 0 };
    char            *text, *at;

    dav_lock_each(z, path, DAV_ON, add_lock, &d);
    if (d.n == 0)
        return STR("");
    at = text = arena_bytes(a, d.length + 1);
    *at++ = '\n';
    for (unsigned i = 0; i < d.n; i++) {
        memcpy(at, d.locks[i].p, d.locks[i].n);
        at += d.locks[i].n;
    }
    return (str_t){ text, d.length + 1 };
}


static enum step
reply(struct http_request *r, unsigned status, const struct dav_lock *l,
      bool is_new)
{
    struct arena *a = r->task.arena;

    if (is_new)
        fields_add(a, &r->out.fields, STR("Lock-Token"),
                   arena_printf(a, "<%.*s>", (int) DAV_TOKEN, l->token));
    return dav_ext_reply(
        r, status,
        arena_printf(a,
                     "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n"
                     "<D:prop xmlns:D=\"DAV:\">\n<D:lockdiscovery>\n" STR_F
                     "</D:lockdiscovery>\n</D:prop>\n",
                     STR_A(dav_lock_active(a, l))));
}


/* --- LOCK -------------------------------------------------------------------------------- */

/* How long the lock lasts: what the client asks for, up to what is allowed. */
static uint64_t
seconds_of(const struct http_request *r)
{
    const struct field *f = fields_find(&r->in, STR("Timeout"));
    uint64_t            most = dav_ext_seconds(r), n;
    str_t               rest, word;

    rest = f != NULL ? f->value : STR_NONE;
    while (rest.n != 0) {
        word = str_trim(str_cut(&rest, ','));
        if (str_istarts(word, STR("Second-"))
            && number_parse(str_from(word, 7), UINT32_MAX, &n) && n != 0)
            return n < most ? n : most;
    }
    return most;
}


static enum step
renew(struct http_request *r, struct zone *z, str_t path)
{
    const struct field *f = fields_find(&r->in, STR("If"));
    struct dav_lock     l;
    struct dav_if       conditions;

    if (f == NULL || !dav_if_parse(r->task.arena, f->value, &conditions)) {
        log_error(r->task.log, "client sent LOCK without body and \"If\"");
        return http_fail(r, 400);
    }
    VEC_EACH(&conditions.conditions, it)
        if (!it->is_tag && !it->is_not
            && dav_lock_renew(z, r->task.arena, path, it->value, seconds_of(r),
                              &l))
            return reply(r, 200, &l, false);
    return http_fail(r, 412);
}


/* Makes the file that is to be locked.  *status: 201, or 200 if it was there. */
static enum step
make_file(struct http_request *r, str_t path, unsigned *status)
{
    struct stat st;
    int         fd;

    *status = 200;
    if (stat(path.p, &st) == 0)
        return STEP_NEXT;
    if (errno != ENOENT || str_ends(r->uri, STR("/")))
        return dav_fail(r, errno, 409, "stat()", path);
    fd = open(path.p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
              dav_conf_of(r)->access);
    if (fd == -1 && errno == EEXIST)
        return STEP_NEXT; /* another request was faster                      */
    if (fd == -1)
        return dav_fail(r, errno, 409, "open()", path);
    (void) close(fd);
    *status = 201;
    return STEP_NEXT;
}


static enum step
refuse(struct http_request *r, enum dav_locked how, str_t path, bool has_made)
{
    if (has_made)
        (void) unlink(path.p);
    if (how == DAV_IS_LOCKED)
        return http_fail(r, 423);
    log_error(r->task.log, "there is no room for a lock on \"" STR_F "\"",
              STR_A(path));
    return http_fail(r, 507);
}


enum step
dav_do_lock(struct http_request *r)
{
    struct zone        *z = dav_ext_zone(r);
    struct dav_lock     l = { .uri = r->uri };
    struct dav_lockinfo info;
    enum dav_locked     how;
    unsigned            status;
    enum step           step;
    str_t               body;
    int                 depth;

    step = dav_ext_body(r, &body);
    if (step != STEP_NEXT)
        return step;
    l.path = dav_path(r);
    if (l.path.p == NULL)
        return STEP_FAIL;
    if (body.n == 0)
        return renew(r, z, l.path);
    depth = dav_depth(r);
    if (depth == -1 || depth == 1
        || !dav_xml_lockinfo(r->task.arena, body, &info)) {
        log_error(r->task.log, "client sent invalid LOCK");
        return http_fail(r, 400);
    }
    step = make_file(r, l.path, &status);
    if (step != STEP_NEXT)
        return step;
    l.is_shared = info.is_shared;
    l.is_deep = depth == DAV_INFINITY;
    l.owner = info.owner;
    l.seconds = seconds_of(r);
    how = dav_lock_add(z, &l);
    return how == DAV_LOCKED ? reply(r, status, &l, true)
                             : refuse(r, how, l.path, status == 201);
}


enum step
dav_do_unlock(struct http_request *r)
{
    const struct field *f = fields_find(&r->in, STR("Lock-Token"));
    str_t               token, path;

    token = f != NULL ? str_trim(f->value) : STR_NONE;
    if (token.n < 2 || token.p[0] != '<' || token.p[token.n - 1] != '>') {
        log_error(r->task.log, "client sent UNLOCK without \"Lock-Token\"");
        return http_fail(r, 400);
    }
    path = dav_path(r);
    if (path.p == NULL)
        return STEP_FAIL;
    if (!dav_lock_remove(dav_ext_zone(r), path,
                         (str_t){ token.p + 1, token.n - 2 }))
        return http_fail(r, 409);
    return dav_reply(r, 204, false);
}
