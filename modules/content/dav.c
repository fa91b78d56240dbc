/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dav: PUT, DELETE, MKCOL, COPY and MOVE of WebDAV (RFC 4918).
 *
 *     location /files/ { dav_methods PUT DELETE MKCOL COPY MOVE; }
 */
#include <errno.h>
#include <sys/stat.h>

#include "http/file_access.h"
#include "http/trace.h"
#include "modules/content/dav.h"
#include "modules/module.h"


/* Takes segments off that are empty or ".": one file has one path, by which
 * locks and comparisons know it. */
static str_t
without_idle_segments(struct arena *a, str_t path)
{
    char  *out = arena_bytes(a, path.n + 1);
    size_t n = 0, from = 0, to;

    for (; from < path.n; from = to + 1) {
        for (to = from; to < path.n && path.p[to] != '/';)
            to++;
        if (from != 0
            && (to == from || (to == from + 1 && path.p[from] == '.')))
            continue;
        if (from != 0)
            out[n++] = '/';
        memcpy(out + n, path.p + from, to - from);
        n += to - from;
    }
    if (n == 0)
        out[n++] = '/';
    out[n] = '\0';
    return (str_t){ out, n };
}


str_t
dav_path(struct http_request *r)
{
    size_t root_len;
    str_t  path = http_map_path(r, &root_len);

    if (path.p == NULL) {
        (void) http_fail(r, 500);
        return path;
    }
    return without_idle_segments(r->task.arena, path);
}


int
dav_depth(struct http_request *r)
{
    const struct field *f = fields_get(&r->in, FIELD_DEPTH);

    if (f == NULL || str_ieq(f->value, STR("infinity")))
        return DAV_INFINITY;
    if (str_is(f->value, "0"))
        return 0;
    if (str_is(f->value, "1"))
        return 1;
    log_error(r->task.log,
              "client sent invalid \"Depth\" header: \"" STR_F "\"",
              STR_A(f->value));
    return -1;
}


enum step
dav_fail(struct http_request *r, int error, unsigned not_found,
         const char *call, str_t path)
{
    enum log_level level = LEVEL_ERROR;
    unsigned       status;

    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case EISDIR:
        status = not_found;
        break;
    case EACCES:
    case EPERM:
        status = 403;
        break;
    case EEXIST:
        status = 405;
        break;
    case ENOSPC:
    case EDQUOT:
        level = LEVEL_CRIT;
        status = 507;
        break;
    default:
        level = LEVEL_CRIT;
        status = 500;
    }
    log_at(r->task.log, level, error, "%s \"" STR_F "\" failed", call,
           STR_A(path));
    return http_fail(r, status);
}


enum step
dav_reply(struct http_request *r, unsigned status, bool has_location)
{
    if (status == 201 && has_location) {
        fields_set(r->task.arena, &r->out.fields, FIELD_LOCATION,
                   escape_uri(r->task.arena, r->uri, ESCAPE_URI));
        r->out.is_own_location = true;
    }
    return http_reply(r, status, STR_NONE, STR(""));
}


/* --- methods --------------------------------------------------------------------------- */

static enum step
make_collection(struct http_request *r)
{
    str_t path;

    if (r->has_body) {
        log_error(r->task.log, "MKCOL with body is unsupported");
        return http_fail(r, 415);
    }
    if (r->uri.p[r->uri.n - 1] != '/') {
        log_error(r->task.log, "MKCOL can create a collection only");
        return http_fail(r, 409);
    }
    path = dav_path(r);
    if (path.p == NULL)
        return STEP_FAIL;
    if (mkdir(path.p, folder_access(dav_conf_of(r)->access)) == -1)
        return dav_fail(r, errno, errno == ENOTDIR ? 405 : 409, "mkdir()",
                        path);
    return dav_reply(r, 201, true);
}


/* STEP_NEXT: the request may delete what is there. */
static enum step
check_delete(struct http_request *r, bool is_folder, str_t path)
{
    bool is_collection = r->uri.p[r->uri.n - 1] == '/';
    int  depth;

    if (is_folder != is_collection)
        return dav_fail(r, is_folder ? EISDIR : ENOTDIR, 409, "DELETE", path);
    depth = dav_depth(r);
    if (depth == -1)
        return http_fail(r, 400);
    if (depth != DAV_INFINITY && (is_folder || depth != 0)) {
        log_error(r->task.log, "\"Depth\" header must be %sinfinity",
                  is_folder ? "" : "0 or ");
        return http_fail(r, 400);
    }
    /* a server does not remove itself */
    return is_folder && r->uri.n == 1
               ? dav_fail(r, EACCES, 403, "DELETE of the root", path)
               : STEP_NEXT;
}


static enum step
delete_it(struct http_request *r, struct dav_state *s)
{
    struct dav_plan plan = { .op = DAV_REMOVE };
    uint64_t        depth = 0;
    struct stat     st;
    enum step       step;

    if (r->has_body) {
        log_error(r->task.log, "DELETE with body is unsupported");
        return http_fail(r, 415);
    }
    for (size_t i = 0; i < r->uri.n; i++)
        depth += r->uri.p[i] == '/';
    if (depth < dav_conf_of(r)->min_delete_depth) {
        log_error(r->task.log, "insufficient URI depth:%ju to DELETE",
                  (uintmax_t) depth);
        return http_fail(r, 409);
    }
    plan.from = dav_path(r);
    if (plan.from.p == NULL)
        return STEP_FAIL;
    if (lstat(plan.from.p, &st) == -1)
        return dav_fail(r, errno, errno == ENOTDIR ? 409 : 404, "stat()",
                        plan.from);
    plan.is_folder = S_ISDIR(st.st_mode);
    step = check_delete(r, plan.is_folder, plan.from);
    if (step != STEP_NEXT)
        return step;
    s->status = 204;
    s->not_found = 404;
    return dav_job_start(r, &plan);
}


/* In a dry run, nothing is changed. */
static enum step
pretend(struct http_request *r)
{
    str_t path = dav_path(r);

    if (path.p == NULL)
        return STEP_FAIL;
    http_trace_path(r, true,
                    "what "
                    "the request would change",
                    path);
    return dav_reply(r, 204, false);
}


static enum step
serve(struct task *t)
{
    struct http_request *r = http_of(t);
    struct dav_state    *s;
    enum step            step = STEP_NEXT;

    if (!(r->method & dav_conf_of(r)->methods))
        return STEP_NEXT;
    if (task_is_dry(t))
        return pretend(r);
    s = http_state_of(r, &dav_module);
    if (s->job != NULL) {
        step = dav_job_end(r);
        return step == STEP_NEXT
                   ? dav_reply(r, s->status, r->method == HTTP_PUT)
                   : step;
    }
    switch (r->method) {
    case HTTP_PUT:
        return dav_put_body(r, s);
    case HTTP_DELETE:
        return delete_it(r, s);
    case HTTP_MKCOL:
        return make_collection(r);
    default:
        return dav_copy_or_move(r, s);
    }
}


/* --- directives -------------------------------------------------------------------------- */

static const struct conf_word methods[] = {
    { "off", DAV_OFF },
    { "put", HTTP_PUT },
    { "delete", HTTP_DELETE },
    { "mkcol", HTTP_MKCOL },
    { "copy", HTTP_COPY },
    { "move", HTTP_MOVE },
    { NULL, 0 },
};

static const struct conf_range depths = { 0, INT32_MAX };

static const struct directive directives[] = {
    BITS("dav_methods", IN_WEB | ROW_OFF_ALONE, ARGS_1_OR_MORE, struct dav_conf,
         methods, "off", methods,
         "The methods of WebDAV that are allowed: they change the files that "
         "the location serves. Access is to be limited by other directives."),
    FLAG("create_full_put_path", IN_WEB, struct dav_conf, create_full_put_path,
         "off", "Whether PUT makes the folders that a file's path lacks."),
    NUMBER("min_delete_depth", IN_WEB, struct dav_conf, min_delete_depth, "0",
           &depths,
           "DELETE is refused where the URI has fewer slashes than that."),
    { "dav_access", IN_WEB, ARGS_1 | ARGS_2 | ARGS_3, &conf_file_access,
      FIELD(struct dav_conf, access, unsigned), "user:rw", NULL,
      "users:permissions ...",
      "The permissions of files and folders that are made: user, group, all, "
      "each with r or rw." },
    { .name = NULL },
};


static void
stop(struct worker *w)
{
    (void) w;
    dav_jobs_stop();
}


struct module dav_module = {
    .name = "http_dav",
    .serves = FOR_HTTP,
    .directives = directives,
    .conf_size = sizeof(struct dav_conf),
    .state_size = sizeof(struct dav_state),
    .phase = { [PHASE_CONTENT] = serve },
    .process_stop = stop,
};
