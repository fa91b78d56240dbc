/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * COPY and MOVE: where to (Destination), and whether that is allowed.
 */
#include <errno.h>
#include <sys/stat.h>

#include "http/file_access.h"
#include "http/path.h"
#include "http/uri.h"
#include "modules/content/dav.h"
#include "modules/module.h"


static bool
is_collection(str_t uri)
{
    return uri.n != 0 && uri.p[uri.n - 1] == '/';
}


static const char *
name_of(const struct http_request *r)
{
    return r->method == HTTP_COPY ? "copied" : "moved";
}


/* --- Destination ------------------------------------------------------------------- */

/* Takes "http://host:port" off; false: it names another host. */
static bool
skip_host(const struct http_request *r, str_t *uri)
{
    const char *slash;
    str_t       host;

    if (str_istarts(*uri, STR("http://")))
        *uri = str_from(*uri, 7);
    else if (str_istarts(*uri, STR("https://")))
        *uri = str_from(*uri, 8);
    else
        return true;
    slash = str_chr(*uri, '/');
    if (slash == NULL)
        return false;
    host = str_span(uri->p, slash);
    *uri = str_from(*uri, host.n);
    if (host.n > r->host.n && host.p[r->host.n] == ':')
        host.n = r->host.n;
    return r->host.n != 0 && str_ieq(host, r->host);
}


/* The URI of a resource of this server, decoded; STR_NONE: it is none. */
static str_t
decode(struct http_request *r, str_t uri)
{
    str_t path, args;

    return skip_host(r, &uri) && uri.n != 0 && uri.p[0] == '/'
                   && uri_split_unsafe(uri, &path, &args)
               ? unescape_uri(r->task.arena, path)
               : STR_NONE;
}


/* The path of a URI that an alias, too, maps without asking whether it belongs
 * to the location, as nginx does.  STR_NONE: it is too short for that. */
static str_t
map(struct http_request *r, str_t uri)
{
    size_t alias = http_alias(r);
    str_t  own = r->uri, path;

    if (alias != 0 && alias != ALIAS_ALL) {
        if (uri.n < alias)
            return STR_NONE;
        uri = str_join(r->task.arena, (str_t){ own.p, alias },
                       str_from(uri, alias));
    }
    r->uri = uri;
    path = dav_path(r);
    r->uri = own;
    return path;
}


str_t
dav_path_of(struct http_request *r, str_t uri)
{
    str_t decoded = decode(r, uri);

    return decoded.p != NULL ? map(r, decoded) : STR_NONE;
}


/* The URI in Destination, and the path that it stands for.  False: http_fail was
 * called. */
static bool
find_destination(struct http_request *r, str_t *uri, str_t *path)
{
    const struct field *f = fields_get(&r->in, FIELD_DESTINATION);

    *path = STR_NONE;
    if (f == NULL) {
        log_error(r->task.log, "client sent no \"Destination\" header");
    } else {
        *uri = decode(r, f->value);
        if (uri->p != NULL)
            *path = map(r, *uri);
        if (path->p == NULL)
            log_error(r->task.log,
                      "client sent invalid \"Destination\" header: \"" STR_F
                      "\"",
                      STR_A(f->value));
    }
    if (path->p == NULL)
        (void) http_fail(r, 400);
    return path->p != NULL;
}


/* --- checks ---------------------------------------------------------------------------- */

/* Overwrite: 1 or 0; -1: neither (logged). */
static int
overwrites(struct http_request *r)
{
    const struct field *f = fields_get(&r->in, FIELD_OVERWRITE);

    if (f == NULL || str_ieq(f->value, STR("T")))
        return 1;
    if (str_ieq(f->value, STR("F")))
        return 0;
    log_error(r->task.log,
              "client sent invalid \"Overwrite\" header: \"" STR_F "\"",
              STR_A(f->value));
    return -1;
}


/* Whether one path is the other, or, of folders, inside of it. */
static bool
holds(str_t outer, str_t inner, bool is_folder)
{
    return str_starts(inner, outer)
           && (inner.n == outer.n || (is_folder && inner.p[outer.n] == '/'));
}


/* STEP_NEXT: the header fields make sense. */
static enum step
check_fields(struct http_request *r, str_t to, bool *may_overwrite)
{
    int depth, overwrite;

    if (is_collection(r->uri) != is_collection(to)) {
        log_error(r->task.log,
                  "both URI \"" STR_F "\" and \"Destination\" URI \"" STR_F
                  "\" should be either collections or non-collections",
                  STR_A(r->uri), STR_A(to));
        return http_fail(r, 409);
    }
    depth = dav_depth(r);
    if (depth == -1)
        return http_fail(r, 400);
    if (depth != DAV_INFINITY && (r->method != HTTP_COPY || depth != 0)) {
        log_error(r->task.log, "\"Depth\" header must be infinity");
        return http_fail(r, 400);
    }
    overwrite = overwrites(r);
    *may_overwrite = overwrite == 1;
    return overwrite == -1 ? http_fail(r, 400) : STEP_NEXT;
}


/* What is at the destination: may it be replaced? */
static enum step
check_target(struct http_request *r, str_t to, struct dav_plan *plan,
             bool may_overwrite)
{
    struct stat st;

    if (stat(plan->to.p, &st) == -1) {
        if (errno != ENOENT)
            return dav_fail(r, errno, 404, "stat()", plan->to);
        plan->makes_parents = true;
        return STEP_NEXT;
    }
    if (S_ISDIR(st.st_mode) && !is_collection(to)) {
        log_at(r->task.log, LEVEL_ERROR, EISDIR,
               "\"" STR_F "\" could not be %s to collection", STR_A(r->uri),
               name_of(r));
        return http_fail(r, 409);
    }
    if (!may_overwrite) {
        log_at(r->task.log, LEVEL_ERROR, EEXIST,
               "\"" STR_F "\" could not be %s", STR_A(plan->to), name_of(r));
        return http_fail(r, 412);
    }
    if (S_ISDIR(st.st_mode))
        plan->replaces_folder = true;
    else if (is_collection(to))
        return dav_fail(r, ENOTDIR, 409, "stat()", plan->to);
    return STEP_NEXT;
}


/* Whether a path, or, of a folder, one above it, is that file or folder by another
 * name: by links, for example. */
static bool
leads_through(struct arena *a, str_t path, const struct stat *what)
{
    char       *p = arena_bytes(a, path.n + 1);
    struct stat st;

    memcpy(p, path.p, path.n);
    for (size_t n = path.n; n != 0; n--) {
        if (n != path.n && path.p[n] != '/')
            continue;
        if (n != path.n && !S_ISDIR(what->st_mode))
            break;
        p[n] = '\0';
        if (stat(p, &st) == 0 && st.st_dev == what->st_dev
            && st.st_ino == what->st_ino)
            return true;
    }
    return false;
}


static bool
is_within(struct http_request *r, const struct dav_plan *plan,
          const struct stat *from)
{
    struct arena *a = r->task.arena;
    struct stat   to;

    return holds(plan->from, plan->to, plan->is_folder)
           || holds(plan->to, plan->from, plan->is_folder)
           || leads_through(a, plan->to, from)
           || (stat(plan->to.p, &to) == 0 && S_ISDIR(to.st_mode)
               && leads_through(a, plan->from, &to));
}


static enum step
check_source(struct http_request *r, str_t to, struct dav_plan *plan)
{
    struct stat st;

    if (stat(plan->from.p, &st) == -1)
        return dav_fail(r, errno, 404, "stat()", plan->from);
    plan->is_folder = S_ISDIR(st.st_mode);
    if (plan->is_folder != is_collection(r->uri)) {
        log_at(r->task.log, LEVEL_ERROR, plan->is_folder ? EISDIR : ENOTDIR,
               "\"" STR_F "\" is%s collection", STR_A(r->uri),
               plan->is_folder ? "" : " not");
        return http_fail(r, 400);
    }
    if (is_within(r, plan, &st)) {
        log_error(r->task.log,
                  "both URI \"" STR_F "\" and \"Destination\" URI \"" STR_F
                  "\" point to the same location",
                  STR_A(r->uri), STR_A(to));
        return http_fail(r, 403);
    }
    return STEP_NEXT;
}


enum step
dav_copy_or_move(struct http_request *r, struct dav_state *s)
{
    struct dav_plan plan = {
        .op = r->method == HTTP_COPY ? DAV_COPY : DAV_MOVE,
        .folder_mode = folder_access(dav_conf_of(r)->access),
    };
    bool      may_overwrite = false;
    enum step step;
    str_t     to;

    if (r->has_body) {
        log_error(r->task.log, "COPY and MOVE with body are unsupported");
        return http_fail(r, 415);
    }
    if (!find_destination(r, &to, &plan.to))
        return STEP_FAIL;
    step = check_fields(r, to, &may_overwrite);
    if (step != STEP_NEXT)
        return step;
    plan.from = dav_path(r);
    if (plan.from.p == NULL)
        return STEP_FAIL;
    step = check_source(r, to, &plan);
    if (step == STEP_NEXT)
        step = check_target(r, to, &plan, may_overwrite);
    if (step != STEP_NEXT)
        return step;
    s->status = plan.is_folder ? 201 : 204;
    s->not_found = 404;
    return dav_job_start(r, &plan);
}
