/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * static: serves files.  It is the last of the content handlers, and leaves
 * URIs that end with a slash to the modules that handle folders.
 */
#include "http/files.h"
#include "modules/module.h"


static enum step
redirect_to_slash(struct http_request *r)
{
    struct arena *a = r->task.arena;
    str_t         to = str_join(a, escape_uri(a, r->uri, ESCAPE_URI), STR("/"));

    if (r->args.n != 0)
        to = str_join3(a, to, STR("?"), r->args);
    return http_redirect(r, 301, to);
}


static enum step
serve_file(struct http_request *r, str_t path, const struct file_result *f)
{
    if (f->file == NULL)
        return http_file_fail(r, path, f);
    if (file_is_folder(f->file))
        return redirect_to_slash(r);
    if (!file_is_regular(f->file)) {
        log_at(r->task.log, LEVEL_CRIT, 0,
               "\"" STR_F "\" is not a regular file", STR_A(path));
        return http_fail(r, 404);
    }
    if (r->method == HTTP_POST)
        return http_fail(r, 405);
    return http_file_send(r, f->file);
}


static enum step
serve(struct task *t)
{
    struct http_request *r = http_of(t);
    struct file_result   f;
    size_t               root_len;
    enum step            step;
    str_t                path;

    if (!(r->method & (HTTP_GET | HTTP_HEAD | HTTP_POST)))
        return http_fail(r, 405);
    if (http_uri_is_folder(r))
        return STEP_NEXT;
    path = http_map_path(r, &root_len);
    log_debug(r->task.log, "http filename: \"" STR_F "\"", STR_A(path));
    if (path.p == NULL)
        return http_fail(r, 500);
    f = http_file_open(r, path, false);
    if (task_is_dry(t))
        http_trace_path(r, f.file != NULL, "the file that the URI names", path);
    step = serve_file(r, path, &f);
    file_put(f.file);
    return step;
}


struct module static_module = {
    .name = "http_core",
    .serves = FOR_HTTP,
    .phase = { [PHASE_CONTENT] = serve },
};
