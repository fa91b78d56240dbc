/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * root and alias.  A location keeps only one pointer for them.
 */
#include "core/os/reach.h"
#include "http/path.h"

#include "core/expr/expr.h"
#include "http/response.h"
#include "http/server.h"

struct root {
    str_t        path;   /* absolute, if it is constant; empty for "/", and
                            the prefix for an empty argument                 */
    struct expr *expr;   /* or NULL                                          */
    size_t       alias;  /* 0: root; ALIAS_ALL; else the length of the
                            location's name                                  */
    str_t        name;   /* of that location                                 */
    str_t        prefix; /* prepended to relative values                     */

    const struct setting *setting; /* NULL: the default                      */
};

struct root_conf {
    struct root *root;
};

struct root_state {
    bool appends; /* see http_alias_appends                                  */
};


/* --- the rows ----------------------------------------------------------- */

static const char *
check_text(struct conf *cf, str_t text)
{
    static const char *const words[] = { "document_root", "realpath_root" };
    str_t                    plain, braced;
    unsigned                 i;

    for (i = 0; i < countof(words); i++) {
        plain = arena_printf(cf->arena, "$%s", words[i]);
        braced = arena_printf(cf->arena, "${%s}", words[i]);
        if (str_find(text, plain) != NULL || str_find(text, braced) != NULL)
            return conf_error(cf,
                              "the $%s variable cannot be used in the \"" STR_F
                              "\" directive",
                              words[i], STR_A(cf->args[0]));
    }
    return NULL;
}


static const char *
check_place(struct conf *cf, const struct root *before, bool is_alias)
{
    if (before != NULL && (before->alias != 0) == is_alias)
        return conf_error(cf, "\"" STR_F "\" directive is duplicate",
                          STR_A(cf->args[0]));
    if (before != NULL)
        return conf_error(cf,
                          "\"" STR_F "\" directive is duplicate, \"%s\" "
                          "directive was specified earlier",
                          STR_A(cf->args[0]), is_alias ? "root" : "alias");
    if (is_alias && conf_location(cf)->kind == LOCATION_NAMED)
        return conf_error(cf, "the \"alias\" directive cannot be used inside "
                              "the named location");
    return NULL;
}


static const char *
parse(struct conf *cf, void *field, bool is_alias)
{
    struct root **slot = field, *root;
    str_t         text = cf->args[1];
    bool          is_slash = false;
    const char   *error = check_place(cf, *slot, is_alias);

    if (error == NULL)
        error = check_text(cf, text);
    if (error != NULL)
        return error;
    root = arena_make(cf->arena, struct root);
    root->setting = cf->block ? cf->block->settings : NULL;
    if (is_alias) {
        root->name = conf_location(cf)->name;
        root->alias = conf_location(cf)->kind == LOCATION_REGEX ? ALIAS_ALL
                                                                : root->name.n;
    } else if (text.n != 0 && text.p[text.n - 1] == '/') {
        text.n--;
        is_slash = text.n == 0;
    }
    if (str_chr(text, '$') != NULL) {
        root->prefix = cf->gen->paths.prefix;
        root->expr = expr_compile(cf, text, EXPR_CAPTURES, &error);
        if (root->expr == NULL)
            return conf_error(cf, "%s", error);
        if (expr_is_constant(root->expr)) {
            text = expr_text(root->expr);
            root->expr = NULL;
        }
    }
    if (root->expr == NULL)
        root->path = is_slash ? STR("") : conf_path_prefix(cf, text);
    *slot = root;
    return NULL;
}


static const char *
parse_root(struct conf *cf, void *field)
{
    return parse(cf, field, false);
}


static const char *
parse_alias(struct conf *cf, void *field)
{
    return parse(cf, field, true);
}


static const struct conf_type root_type
    = { .name = "root", .size = sizeof(struct root *), .parse = parse_root };
static const struct conf_type alias_type
    = { .name = "alias", .size = sizeof(struct root *), .parse = parse_alias };

static const struct directive rows[] = {
    { "root", IN_WEB | IN_IF | ROW_MANY | ROW_ONCE, ARGS_1, &root_type,
      FIELD(struct root_conf, root, struct root *), "html", NULL, "path",
      "The folder that the URI is appended to, to find the file." },
    { "alias", IN_LOCATION | ROW_MANY | ROW_ONCE, ARGS_1, &alias_type,
      FIELD(struct root_conf, root, struct root *), NULL, NULL, "path",
      "What takes the place of the location's prefix, to find the "
      "file; with a regular expression it is the whole path." },
    { .name = NULL },
};

struct module http_root_module = {
    .name = "http_core",
    .serves = FOR_HTTP,
    .directives = rows,
    .conf_size = sizeof(struct root_conf),
    .state_size = sizeof(struct root_state),
};


/* --- mapping ------------------------------------------------------------- */

static const struct root *
root_of(const struct http_request *r)
{
    const struct root_conf *c = conf_of(&r->task, &http_root_module);

    return c->root;
}


static bool
appends(const struct http_request *r)
{
    const struct root_state *s = http_state_if(r, &http_root_module);

    return s != NULL && s->appends;
}


size_t
http_alias(const struct http_request *r)
{
    return root_of(r)->alias;
}


void
http_alias_appends(struct http_request *r)
{
    struct root_state *s = http_state_of(r, &http_root_module);

    s->appends = true;
}


/* The part of the URI that is appended to the value. */
static bool
tail_of_uri(struct http_request *r, const struct root *root, str_t *tail)
{
    *tail = r->uri;
    if (root->alias == 0)
        return true;
    if (root->alias == ALIAS_ALL && !r->is_uri_of_break) {
        if (!appends(r))
            *tail = STR("");
        return true;
    }
    /* A URI from rewrite may name more than the location's author intended,
     * even if it begins with the location's name. */
    if (!r->is_uri_of_break && r->uri.n >= root->alias
        && str_ieq((str_t){ r->uri.p, root->alias }, root->name))
    {
        *tail = str_from(r->uri, root->alias);
        return true;
    }
    log_at(r->task.log, LEVEL_ALERT, 0,
           "\"alias\" cannot be used in location \"" STR_F
           "\" where URI was rewritten",
           STR_A(r->location->name));
    return false;
}


/* STR_NONE: a variable in it has no known value. */
static str_t
value_of(struct http_request *r, const struct root *root)
{
    str_t v;

    if (root->expr == NULL)
        return root->path;
    v = expr_eval(root->expr, &r->task);
    if (r->task.has_bad_value)
        return STR_NONE;
    if (v.n != 0 && v.p[0] == '/')
        return v;
    return str_join(r->task.arena, root->prefix, v);
}


str_t
http_map_path(struct http_request *r, size_t *root_len)
{
    const struct root *root = root_of(r);
    str_t              value, tail;
    char              *path;

    if (!tail_of_uri(r, root, &tail))
        return STR_NONE;
    value = value_of(r, root);
    if (value.p == NULL)
        return STR_NONE;
    *root_len = value.n;
    path = arena_bytes(r->task.arena, value.n + tail.n + 1);
    memcpy(path, value.p, value.n);
    if (tail.n != 0) /* the URI is NULL if the request could not be read */
        memcpy(path + value.n, tail.p, tail.n);
    path[value.n + tail.n] = '\0';
    return (str_t){ path, value.n + tail.n };
}


str_t
http_root_text(struct http_request *r)
{
    const struct root *root = root_of(r);
    str_t              tail;

    return tail_of_uri(r, root, &tail) ? value_of(r, root) : STR_NONE;
}


bool
http_uri_is_folder(struct http_request *r)
{
    str_t  path = r->uri;
    size_t n;

    if (path.n == 0)
        path = http_map_path(r, &n);
    return path.n != 0 && path.p[path.n - 1] == '/';
}


str_t
http_root_folder(struct http_request *r)
{
    size_t n;
    str_t  path = http_map_path(r, &n);

    if (path.p == NULL)
        return STR_NONE;
    return n == 0 ? STR("/") : str_copy(r->task.arena, (str_t){ path.p, n });
}


void
http_trace_path(struct http_request *r, bool is_found, const char *by,
                str_t path)
{
    const struct setting *s = root_of(r)->setting;
    str_t                 refusal;

    refusal = is_found ? STR_NONE : reach_refusal(r->task.arena, path);
    if (refusal.p != NULL)
        by = arena_printf(r->task.arena, STR_F "; %s", STR_A(refusal), by).p;
    trace_tell(&r->task, TRACE_FILE,
               is_found            ? "found"
               : refusal.p != NULL ? "not readable"
                                   : "not there",
               s ? s->file : NULL, s ? s->line : 0,
               s ? arena_printf(r->task.arena, "%s, by " STR_F, by,
                                STR_A(setting_text(r->task.arena, s)))
                       .p
                 : by,
               STR_F, STR_A(path));
}
