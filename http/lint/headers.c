/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists of headers that a block inherits as a whole or not at all: one line in
 * an inner block drops all lines of the outer blocks.
 */
#include "http/lint/rules.h"


static bool
sets_field(const struct conf_block *b, const char *directive, str_t name)
{
    const struct setting *s;

    for (s = setting_named(b, directive); s != NULL; s = setting_before(s))
        if (str_ieq(s->args[1], name))
            return true;
    return false;
}


static bool
is_listed(str_t list, str_t name)
{
    while (list.p != NULL)
        if (str_ieq(str_trim(str_cut(&list, ',')), name))
            return true;
    return false;
}


/* Whether b, or a block inside that inherits its headers, uses an upstream. */
static bool
asks_upstream(const struct conf_block *b)
{
    const struct http_location *at;

    if (b->kind & (IN_LOCATION | IN_IF | IN_LIMIT_EXCEPT)) {
        at = b->owner;
        if (at->content != NULL
            && str_ends(str_of(at->content->name), STR("_pass")))
            return true;
    }
    for (b = b->first; b != NULL; b = b->next)
        if ((b->kind & LINT_BLOCKS) && setting_named(b, "add_header") == NULL
            && asks_upstream(b))
            return true;
    return false;
}


/* Variables such as "$upstream_cache_status" are empty without an upstream. */
static bool
is_of_upstream(const struct setting *s)
{
    return strcmp(s->row->name, "add_header") == 0
           && str_starts(s->args[2], STR("$upstream_"));
}


/* The headers that outer lines set and b does not, in the order of the file; s
 * is the last outer line. */
static str_t
dropped(struct lint *l, const struct conf_block *b, const struct setting *s)
{
    const char *directive = s->row->name;
    str_t       list = STR(""), name;

    for (; s != NULL; s = setting_before(s)) {
        name = s->args[1];
        if (is_of_upstream(s) && !asks_upstream(b))
            continue;
        if (s->args[2].n == 0 || sets_field(b, directive, name)
            || is_listed(list, name))
            continue;
        list = list.n == 0 ? name : str_join3(l->arena, name, STR(", "), list);
    }
    return list;
}


/* The outer list that the list of b replaces. */
static const struct setting *
outer_list(struct lint *l, const struct conf_block *b, const char *directive)
{
    return b->up ? lint_in_force(l, b->up, directive, NULL) : NULL;
}


static const struct setting *
first_of(const struct setting *s)
{
    while (setting_before(s) != NULL)
        s = setting_before(s);
    return s;
}


static void
check_response(struct lint *l, const struct conf_block *b)
{
    const struct setting *own = lint_named(l, b, "add_header"), *outer, *how;
    str_t                 list;

    outer = own ? outer_list(l, b, "add_header") : NULL;
    if (outer == NULL)
        return;
    how = lint_in_force(l, b, "add_header_inherit", NULL);
    if (how != NULL && !str_is(how->args[1], "on"))
        return;
    list = dropped(l, b, outer);
    if (list.n == 0)
        return;
    own = first_of(own);
    lint_at(l, b, own,
            STR("repeat them in this block, or set "
                "\"add_header_inherit merge;\" in it"),
            "\"add_header\" in this block drops those of " STR_F ": " STR_F,
            STR_A(lint_place(l, first_of(outer))), STR_A(list));
}


void
lint_header_lost(struct lint *l)
{
    lint_each_block(l, LINT_BLOCKS, check_response);
}


/* Whether b, or a block inside that inherits its list, has a proxy_pass. */
static bool
proxies(const struct conf_block *b)
{
    const struct http_location *at;

    if (b->kind & (IN_LOCATION | IN_IF | IN_LIMIT_EXCEPT)) {
        at = b->owner;
        if (at->content != NULL && strcmp(at->content->name, "proxy_pass") == 0)
            return true;
    }
    for (b = b->first; b != NULL; b = b->next)
        if ((b->kind & LINT_BLOCKS)
            && setting_named(b, "proxy_set_header") == NULL && proxies(b))
            return true;
    return false;
}


static void
check_request(struct lint *l, const struct conf_block *b)
{
    const struct setting *own = lint_named(l, b, "proxy_set_header"), *outer;
    str_t                 list;

    outer = own ? outer_list(l, b, "proxy_set_header") : NULL;
    if (outer == NULL)
        return;
    list = dropped(l, b, outer);
    if (list.n == 0 || !proxies(b))
        return;
    own = first_of(own);
    lint_at(l, b, own, STR("repeat them in this block"),
            "\"proxy_set_header\" in this block drops those of " STR_F
            ": " STR_F,
            STR_A(lint_place(l, first_of(outer))), STR_A(list));
}


void
lint_proxy_header_lost(struct lint *l)
{
    lint_each_block(l, LINT_BLOCKS, check_request);
}
