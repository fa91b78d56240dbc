/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prefixes without a slash at the end, when their replacement has one: with
 * "/files" for "/data/files/", "/files../" becomes "/data/files/../".
 */
#include "http/lint/rules.h"


/* After a rewrite the URI may no longer begin with the prefix. */
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


/* Whether b is a prefix without a slash at the end that clients can reach. */
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


/* All locations, by the block around them and their path. */
static struct hash *
paths(struct lint *l, bool *is_new)
{
    return lint_table(l, "paths", HASH_EXACT, is_new);
}


static str_t
path_key(struct lint *l, const struct conf_block *b, const char *end)
{
    return arena_printf(l->arena, "%p " STR_F "%s", (const void *) b->up,
                        STR_A(lint_location(b)->name), end);
}


static void
note_path(struct lint *l, const struct conf_block *b)
{
    bool is_new;

    hash_set(paths(l, &is_new), path_key(l, b, ""), (void *) (uintptr_t) b);
}


/* Whether there is also a location "/a/" next to "/a", which gets all requests
 * for paths in it. */
static bool
has_inner_path(struct lint *l, const struct conf_block *b)
{
    bool         is_new;
    struct hash *table = paths(l, &is_new);

    if (is_new)
        lint_each_block(l, IN_LOCATION, note_path);
    return hash_get(table, path_key(l, b, "/")) != NULL;
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
        || (uri.n == 1 && has_inner_path(l, b)))
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
