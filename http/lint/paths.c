/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prefixes without a slash at their end whose replacement has one: "/files"
 * for "/data/files/" makes "/data/files/../" of "/files../".
 */
#include "http/lint/rules.h"


/* Behind a rewrite the URI is another one. */
static bool
rewrites(const struct conf_block *b)
{
    if (setting_named(b, "rewrite") != NULL)
        return true;
    for (b = b->first; b != NULL; b = b->next)
        if (b->kind == IN_IF && setting_named(b, "rewrite") != NULL)
            return true;
    return false;
}


/* A prefix that clients reach and that does not end with a slash. */
static bool
is_open_prefix(const struct conf_block *b)
{
    const struct http_location *l = lint_location(b);

    return (l->kind == LOCATION_PREFIX || l->kind == LOCATION_CARET)
           && l->name.n != 0 && l->name.p[l->name.n - 1] != '/'
           && !l->is_internal && !rewrites(b) && lint_sure_return(b) == NULL;
}


static str_t
slash_cure(struct lint *l, const struct conf_block *b)
{
    const struct http_location *at = lint_location(b);

    return arena_printf(l->arena, "write \"location %s" STR_F "/\"",
                        at->kind == LOCATION_CARET ? "^~ " : "",
                        STR_A(at->name));
}


static void
check_alias(struct lint *l, const struct conf_block *b)
{
    const struct setting *s = setting_named(b, "alias");
    str_t                 name, path;

    if (s == NULL || !is_open_prefix(b) || lint_location(b)->content != NULL)
        return;
    path = s->args[1];
    if (path.n < 2 || path.p[path.n - 1] != '/')
        return;
    name = lint_location(b)->name;
    lint_at(l, b, s, slash_cure(l, b),
            "a request for \"" STR_F "../x\" is answered with the file \"" STR_F
            "../x\", outside of the folder",
            STR_A(name), STR_A(path));
}


void
lint_alias_traversal(struct lint *l)
{
    lint_each_block(l, IN_LOCATION, check_alias);
}


/* Whether "/a/" stands beside "/a", and takes what is within it. */
static bool
has_inner_path(const struct conf_block *b)
{
    str_t                    name = lint_location(b)->name, other;
    const struct conf_block *it;

    for (it = b->up->first; it != NULL; it = it->next) {
        if (it->kind != IN_LOCATION)
            continue;
        other = lint_location(it)->name;
        if (other.n == name.n + 1 && str_starts(other, name)
            && other.p[name.n] == '/')
            return true;
    }
    return false;
}


static void
check_proxy(struct lint *l, const struct conf_block *b)
{
    const struct setting *s = setting_named(b, "proxy_pass");
    str_t                 name, uri;

    if (s == NULL || !is_open_prefix(b) || str_chr(s->args[1], '$') != NULL)
        return;
    uri = lint_url(s->args[1]).rest;
    if (uri.n == 0 || uri.p[uri.n - 1] != '/' || str_chr(uri, '?') != NULL
        || (uri.n == 1 && has_inner_path(b)))
        return;
    name = lint_location(b)->name;
    if (uri.n == 1)
        lint_at(l, b, s, slash_cure(l, b),
                "a request for \"" STR_F "/x\" is passed on as \"//x\"",
                STR_A(name));
    else
        lint_at(l, b, s, slash_cure(l, b),
                "a request for \"" STR_F "../x\" is passed on as \"" STR_F
                "../x\"",
                STR_A(name), STR_A(uri));
}


void
lint_proxy_slash(struct lint *l)
{
    lint_each_block(l, IN_LOCATION, check_proxy);
}
