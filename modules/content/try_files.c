/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * try_files: serves the first of several files that exists, or else the
 * fallback.
 *
 *     try_files $uri $uri/ /index.php?$args;
 *     try_files $uri @app;
 *     try_files $uri =404;
 */
#include <errno.h>

#include "http/files.h"
#include "http/path.h"
#include "modules/module.h"

struct candidate {
    struct expr *expr;
    bool         is_folder; /* it was written with a slash at its end        */
};

struct try_files_conf {
    struct try_files {
        VEC(struct candidate) list; /* without the fallback                  */
        struct expr          *last;
        unsigned code; /* of "=code"; last is NULL then                  */
    } * tries;
};

static const struct try_files_conf *conf_at(const struct http_request *r);


/* --- files ------------------------------------------------------------------- */

/* The value of an argument.  In a location with alias, a value with variables
 * that begins with the location's prefix (as $uri does) loses the prefix,
 * because alias replaces it.  As in nginx, this also applies to the fallback,
 * although that is no path: "/b//b/x?$args" in "location /b/" means /b/x. */
static str_t
value_of(struct http_request *r, const struct expr *e)
{
    size_t alias = http_alias(r);
    str_t  name = expr_eval(e, &r->task);

    if (alias != 0 && alias != ALIAS_ALL && !expr_is_constant(e)
        && name.n >= alias && r->uri.n >= alias
        && memcmp(name.p, r->uri.p, alias) == 0)
        name = str_from(name, alias);
    return name;
}


static bool
is_there(struct http_request *r, const struct candidate *c, str_t path)
{
    struct file_result f = http_file_open(r, path, true);
    bool               is_right;

    if (f.file == NULL) {
        if (f.error != ENOENT && f.error != ENOTDIR && f.error != ENAMETOOLONG)
            log_at(r->task.log, LEVEL_CRIT, f.error, "%s \"" STR_F "\" failed",
                   f.call, STR_A(path));
        return false;
    }
    is_right = file_is_folder(f.file) == c->is_folder;
    file_put(f.file);
    return is_right;
}


/* Sets the URI so that the content handlers find the file. */
static void
go_to(struct http_request *r, const struct candidate *c, str_t found)
{
    size_t alias = http_alias(r);

    if (alias == ALIAS_ALL) {
        if (c->is_folder)
            return;
        http_alias_appends(r);
    } else if (alias != 0) {
        found = str_join(r->task.arena, (str_t){ r->uri.p, alias }, found);
    }
    r->uri = found;
}


static bool
try_one(struct http_request *r, const struct candidate *c, str_t root)
{
    str_t path = str_join(r->task.arena, root, value_of(r, c->expr));
    bool  is_found = is_there(r, c, path);

    log_debug(r->task.log, "trying to use %s: \"" STR_F "\" \"" STR_F "\"",
              c->is_folder ? "dir" : "file", STR_A(str_from(path, root.n)),
              STR_A(path));
    if (task_is_dry(&r->task))
        http_trace_path(r, is_found, "try_files",
                        c->is_folder ? str_join(r->task.arena, path, STR("/"))
                                     : path);
    if (!is_found)
        return false;
    go_to(r, c, str_from(path, root.n));
    return true;
}


/* --- the last resort ------------------------------------------------------------ */

static enum step
resort(struct http_request *r, const struct try_files *t)
{
    str_t       uri, args = STR("");
    const char *mark;

    if (t->last == NULL)
        return http_fail(r, t->code);
    uri = value_of(r, t->last);
    if (uri.n != 0 && uri.p[0] == '@')
        return http_named_location(r, uri);
    mark = str_chr(uri, '?');
    if (mark != NULL) {
        args = str_span(mark + 1, uri.p + uri.n);
        uri = str_span(uri.p, mark);
    }
    return http_internal_redirect(r, uri, args);
}


static enum step
run(struct task *task)
{
    struct http_request    *r = http_of(task);
    const struct try_files *t = conf_at(r)->tries;
    size_t                  root_len;
    str_t                   root;

    if (t == NULL)
        return STEP_NEXT;
    root = http_map_path(r, &root_len);
    if (root.p == NULL)
        return http_fail(r, 500);
    root.n = root_len;
    VEC_EACH(&t->list, c)
        if (try_one(r, c, root))
            return STEP_NEXT;
    return resort(r, t);
}


/* --- the row ------------------------------------------------------------------ */

static const char *
parse_last(struct conf *cf, struct try_files *t, str_t text)
{
    const char *error = NULL;
    uint64_t    code;

    if (text.n != 0 && text.p[0] == '=') {
        if (!number_parse(str_from(text, 1), 999, &code))
            return conf_error(cf, "invalid code \"" STR_F "\"", STR_A(text));
        t->code = (unsigned) code;
        return NULL;
    }
    t->last = expr_compile(cf, text, EXPR_CAPTURES, &error);
    return t->last ? NULL : conf_error(cf, "%s", error);
}


static const char *
parse(struct conf *cf, void *field)
{
    struct try_files **slot = field, *t;
    const char        *error = NULL;
    struct candidate  *c;
    unsigned           i;
    str_t              text;

    t = *slot = arena_make(cf->arena, struct try_files);
    for (i = 1; i + 1 < cf->n_args; i++) {
        text = cf->args[i];
        c = vec_push(cf->arena, &t->list);
        c->is_folder = text.n != 0 && text.p[text.n - 1] == '/';
        if (c->is_folder)
            text.n--;
        c->expr = expr_compile(cf, text, EXPR_CAPTURES, &error);
        if (c->expr == NULL)
            return conf_error(cf, "%s", error);
    }
    return parse_last(cf, t, cf->args[cf->n_args - 1]);
}


static const struct conf_type try_files_type
    = { .name = "try_files",
        .size = sizeof(struct try_files *),
        .parse = parse };

static const struct directive rows[] = {
    { "try_files", IN_SERVER | IN_LOCATION | ROW_OWN, ARGS_2_OR_MORE,
      &try_files_type, FIELD(struct try_files_conf, tries, struct try_files *),
      NULL, NULL,
      "file ... uri\n"
      "file ... =code",
      "Serves the first of the files (or folders, with a slash at the end) "
      "that exists; otherwise redirects internally to the last URI or named "
      "location, or answers with the code." },
    { .name = NULL },
};

struct module try_files_module = {
    .name = "http_core",
    .serves = FOR_HTTP,
    .directives = rows,
    .conf_size = sizeof(struct try_files_conf),
    .phase = { [PHASE_PRECONTENT] = run },
};


static const struct try_files_conf *
conf_at(const struct http_request *r)
{
    return conf_of(&r->task, &try_files_module);
}
