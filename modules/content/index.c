/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * index: the file that is served for a URI that ends with a slash.
 *
 *     index index.$geo.html index.html /fallback.html;
 */
#include <errno.h>

#include "http/files.h"
#include "modules/module.h"

struct index_conf {
    struct expr_list names;
};

static const struct index_conf *conf_at(const struct http_request *r);


/* --- errors ------------------------------------------------------------- */

static enum step
not_there(struct http_request *r, str_t path, int error)
{
    if (error == EACCES || error == ELOOP || error == EMLINK) {
        log_errno(r->task.log, error, "\"" STR_F "\" is forbidden",
                  STR_A(path));
        return http_fail(r, 403);
    }
    if (validate_conf(&r->task)->log_not_found)
        log_errno(r->task.log, error, "\"" STR_F "\" is not found",
                  STR_A(path));
    return http_fail(r, 404);
}


/* The first name was not found: checks that the folder itself exists.
 * STEP_NEXT: try the other names. */
static enum step
check_folder(struct http_request *r, str_t folder, str_t first)
{
    struct file_result f;
    bool               is_folder;
    str_t              path;

    /* an alias may have no slash at its end */
    if (folder.n > 1 && folder.p[folder.n - 1] == '/')
        folder.n--;
    path = str_copy(r->task.arena, folder);
    f = http_file_open(r, path, true);
    if (f.file == NULL) {
        if (f.error == EACCES)
            return STEP_NEXT;
        if (f.error == ENOENT)
            return not_there(r, first, f.error);
        return http_file_fail(r, path, &f);
    }
    is_folder = file_is_folder(f.file);
    file_put(f.file);
    if (is_folder)
        return STEP_NEXT;
    log_at(r->task.log, LEVEL_ALERT, 0, "\"" STR_F "\" is not a directory",
           STR_A(path));
    return http_fail(r, 500);
}


/* --- the handler ------------------------------------------------------------- */

static enum step
give_up(struct http_request *r, str_t path, const struct file_result *f)
{
    switch (f->error) {
    case ENOTDIR:
    case ENAMETOOLONG:
    case EACCES:
    case ELOOP:
    case EMLINK:
        return not_there(r, path, f->error);
    default:
        log_at(r->task.log, LEVEL_CRIT, f->error, "%s \"" STR_F "\" failed",
               f->call, STR_A(path));
        return http_fail(r, 500);
    }
}


static enum step
redirect(struct http_request *r, str_t name)
{
    return http_internal_redirect(r, str_join(r->task.arena, r->uri, name),
                                  r->args);
}


/* Returns STEP_NEXT without setting r->moved when the folder has no such
 * file. */
static enum step
try_name(struct http_request *r, str_t folder, str_t name, bool *is_tested)
{
    str_t              path = str_join(r->task.arena, folder, name);
    struct file_result f = http_file_open(r, path, true);
    enum step          step;

    if (task_is_dry(&r->task))
        http_trace_path(r, f.file != NULL, "index", path);
    if (f.file != NULL) {
        file_put(f.file);
        return redirect(r, name);
    }
    if (f.error != ENOENT)
        return give_up(r, path, &f);
    if (*is_tested)
        return STEP_NEXT;
    step = check_folder(r, folder, path);
    *is_tested = true;
    return step;
}


static enum step
try_names(struct http_request *r, str_t folder)
{
    bool      is_tested = false;
    enum step step;
    str_t     name;

    VEC_EACH(&conf_at(r)->names.list, e) {
        name = expr_eval(*e, &r->task);
        if (name.n != 0 && name.p[0] == '/')
            return http_internal_redirect(r, name, r->args);
        step = try_name(r, folder, name, &is_tested);
        if (step != STEP_NEXT || r->moved)
            return step;
    }
    return STEP_NEXT;
}


static enum step
serve(struct task *t)
{
    struct http_request *r = http_of(t);
    size_t               root_len;
    str_t                folder;

    if (!(r->method & (HTTP_GET | HTTP_HEAD | HTTP_POST))
        || !http_uri_is_folder(r))
        return STEP_NEXT;
    folder = http_map_path(r, &root_len);
    if (folder.p == NULL)
        return http_fail(r, 500);
    return try_names(r, folder);
}


static const char *
parse_names(struct conf *cf, void *field)
{
    for (unsigned i = 1; i < cf->n_args; i++) {
        if (cf->args[i].n == 0)
            return conf_error(
                cf, "index \"" STR_F "\" in \"index\" directive is invalid",
                STR_A(cf->args[1]));
        if (cf->args[i].p[0] == '/' && i + 1 < cf->n_args)
            conf_warn(cf, "only the last index in \"index\" directive should "
                          "be absolute");
    }
    return conf_expr_list.parse(cf, field);
}


static const struct conf_type names_type = {
    .name = "names",
    .size = sizeof(struct expr_list),
    .parse = parse_names,
};

static const struct directive rows[] = {
    { "index", IN_WEB | ROW_MANY, ARGS_1_OR_MORE, &names_type,
      FIELD(struct index_conf, names, struct expr_list), "index.html", NULL,
      "file ...",
      "The files to try, in this order, when a URI ends with a slash; the "
      "first one that exists is served by an internal redirect. The last one "
      "may be an absolute path." },
    { .name = NULL },
};

struct module index_module = {
    .name = "http_index",
    .serves = FOR_HTTP,
    .directives = rows,
    .conf_size = sizeof(struct index_conf),
    .phase = { [PHASE_CONTENT] = serve },
    .acts_unset = true,
};


static const struct index_conf *
conf_at(const struct http_request *r)
{
    return conf_of(&r->task, &index_module);
}
