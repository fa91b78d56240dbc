/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds a proxy_pass whose host clients can choose.  Variables are followed up
 * to the end of the host, through "set" and into captures of regular
 * expressions.  Variables that are not understood count as harmless, and so do
 * those that an "if" tests.
 */
#include "http/lint/rules.h"
#include "http/main.h"

enum { DEPTH_MAX = 4 };

/* What a client can choose through a value. */
enum reach {
    REACH_NONE, /* one of a few words, or one label                          */
    REACH_HOST, /* any host, but not what follows it                         */
    REACH_ALL,
};

struct follow {
    struct lint             *l;
    const struct conf_block *b; /* the block of the proxy_pass               */
    str_t                    found;   /* the variable, with its "$"          */
    bool                     is_over; /* the host has ended                  */
    unsigned                 depth;
};


/* --- captures --------------------------------------------------------------------- */

/* What a character class lets through; *i is the index after its "[", and
 * becomes that of its end. */
static enum reach
class_reach(str_t p, size_t *i)
{
    size_t     start = *i;
    enum reach reach = REACH_NONE;

    if (start < p.n && p.p[start] == '^')
        reach = REACH_ALL;
    for (; *i < p.n && (p.p[*i] != ']' || *i == start); (*i)++) {
        if (strchr("/:?@#%", p.p[*i]) != NULL
            || (p.p[*i] == '\\' && *i + 1 < p.n
                && strchr("SDW/:", p.p[*i + 1]) != NULL))
            reach = REACH_ALL;
        else if (p.p[*i] == '.' && reach == REACH_NONE)
            reach = REACH_HOST;
    }
    return reach;
}


static enum reach
group_reach(str_t p)
{
    enum reach reach = REACH_NONE, one;
    size_t     i;

    for (i = 0; i < p.n; i++) {
        one = REACH_NONE;
        if (p.p[i] == '\\') {
            i++;
            if (i < p.n && strchr("SDWN", p.p[i]) != NULL)
                one = REACH_ALL;
        } else if (p.p[i] == '.') {
            one = REACH_ALL;
        } else if (p.p[i] == '[') {
            i++;
            one = class_reach(p, &i);
        }
        if (one > reach)
            reach = one;
    }
    return reach;
}


/* The content of the group that opens just before start. */
static str_t
group_text(str_t p, size_t start)
{
    unsigned depth = 1;
    size_t   i;

    for (i = start; i < p.n; i++) {
        if (p.p[i] == '\\')
            i++;
        else if (p.p[i] == '(')
            depth++;
        else if (p.p[i] == ')' && --depth == 0)
            break;
    }
    return str_span(p.p + start, p.p + (i < p.n ? i : p.n));
}


/* The content of the group number n, or (n is 0) of the group with this name;
 * STR_NONE when there is none. */
static str_t
find_group(str_t p, unsigned n, str_t name)
{
    unsigned count = 0;
    size_t   i, at;
    str_t    rest;

    for (i = 0; i < p.n; i++) {
        if (p.p[i] == '\\') {
            i++;
            continue;
        }
        if (p.p[i] != '(')
            continue;
        rest = str_from(p, i + 1);
        at = i + 1;
        if (rest.n > 0 && rest.p[0] == '?') {
            size_t skip = str_starts(rest, STR("?P<")) ? 3 : 2;

            if (rest.n <= skip || strchr("<'", rest.p[skip - 1]) == NULL
                || strchr("=!", rest.p[skip]) != NULL)
                continue;
            at += skip + name.n + 1;
            if (n == 0 && str_starts(str_from(rest, skip), name)
                && rest.n > skip + name.n
                && strchr(">'", rest.p[skip + name.n]) != NULL)
                return group_text(p, at);
        }
        if (++count == n)
            return group_text(p, at);
    }
    return STR_NONE;
}


/* --- what a variable comes from ------------------------------------------------------- */

/* Whether an if tests the variable: it may keep bad values out. */
static bool
is_guarded(struct lint *l, const struct conf_block *b, str_t name)
{
    const struct setting *s;
    const char           *at;

    for (; b != NULL && b->kind != IN_HTTP; b = b->up) {
        VEC_EACH(lint_ifs(l, b), in) {
            s = (*in)->opening;
            for (unsigned i = 1; i < s->n_args; i++) {
                at = str_find(s->args[i], name);
                if (at != NULL && at > s->args[i].p)
                    return true;
            }
        }
        if ((b->kind & (IN_IF | IN_SERVER_IF)) && b->up != NULL) {
            s = b->opening;
            for (unsigned i = 1; i < s->n_args; i++)
                if (str_find(s->args[i], name) != NULL)
                    return true;
        }
    }
    return false;
}


static bool
is_default_server(const struct lint *l, const struct conf_block *b)
{
    VEC_EACH(&http_main_of(l->gen)->addresses, a)
        if ((*a)->fallback == b->server)
            return true;
    return false;
}


static const struct http_location *
regex_location(const struct conf_block *b)
{
    const struct http_location *l;

    for (; b != NULL && b->kind != IN_SERVER; b = b->up) {
        if (b->kind != IN_LOCATION)
            continue;
        l = lint_location(b);
        return l->kind == LOCATION_REGEX ? l : NULL;
    }
    return NULL;
}


/* Whether another expression may have matched after the location was found,
 * which replaces the captures. */
static bool
matches_again(struct lint *l, const struct conf_block *b)
{
    for (; b != NULL && b->kind != IN_SERVER; b = b->up)
        if (lint_named(l, b, "rewrite") != NULL || lint_ifs(l, b)->n != 0
            || b->kind == IN_IF)
            return true;
    return false;
}


/* What a captured part of the path lets through in a host. */
static enum reach
path_reach(struct follow *f, str_t group)
{
    if (str_starts(group, STR("/")) || str_starts(group, STR("\\/"))
        || str_starts(group, STR("?:/")))
    {
        f->is_over = true;
        return REACH_NONE;
    }
    return group_reach(group);
}


static enum reach
capture_reach(struct follow *f, unsigned n)
{
    const struct http_location *at = regex_location(f->b);
    str_t                       group;

    if (at == NULL || at->is_internal || matches_again(f->l, f->b))
        return REACH_NONE;
    group = find_group(at->name, n, STR(""));
    return group.p ? path_reach(f, group) : REACH_NONE;
}


static enum reach
named_reach(struct follow *f, str_t name)
{
    const struct http_location *at = regex_location(f->b);
    const struct http_server   *server = f->b->server;
    const struct setting       *s;
    str_t                       group = STR_NONE;

    if (at != NULL && !at->is_internal)
        group = find_group(at->name, 0, name);
    if (group.p != NULL)
        return path_reach(f, group);
    for (s = server ? lint_named(f->l, server->block, "server_name") : NULL; s;
         s = lint_before(f->l, server->block, s))
        for (unsigned i = 1; i < s->n_args && group.p == NULL; i++)
            if (s->args[i].n > 1 && s->args[i].p[0] == '~')
                group = find_group(s->args[i], 0, name);
    return group.p && group_reach(group) ? REACH_HOST : REACH_NONE;
}


static bool
is_of_request(str_t name)
{
    static const char *const prefixes[] = { "http_", "arg_", "cookie_" };
    static const char *const names[] = { "args", "query_string", "request" };
    size_t                   i;

    for (i = 0; i < countof(prefixes); i++)
        if (str_starts(name, str_of(prefixes[i])))
            return true;
    for (i = 0; i < countof(names); i++)
        if (str_eq(name, str_of(names[i])))
            return true;
    return false;
}


static enum reach follow(struct follow *f, str_t text);


/* The worst value that any "set" in b gives the variable; sets *is_set when
 * there is one. */
static enum reach
set_reach(struct follow *f, const struct conf_block *b, str_t name,
          bool *is_set)
{
    const struct setting *s;
    enum reach            worst = REACH_NONE, one;
    bool                  was_over = f->is_over;

    for (s = lint_named(f->l, b, "set"); s; s = lint_before(f->l, b, s)) {
        if (s->args[1].n == 0 || !str_eq(str_from(s->args[1], 1), name))
            continue;
        *is_set = true;
        f->is_over = was_over;
        one = follow(f, s->args[2]);
        if (one > worst)
            worst = one;
    }
    return worst;
}


static enum reach
variable_reach(struct follow *f, str_t name)
{
    const struct conf_block *b;
    enum reach               worst = REACH_NONE, one;
    bool                     is_set = false;

    if (is_guarded(f->l, f->b, name))
        return REACH_NONE;
    if (str_is(name, "uri") || str_is(name, "request_uri")
        || str_is(name, "document_uri") || str_is(name, "is_args"))
    {
        f->is_over = true;
        return REACH_NONE;
    }
    if (name.n == 1 && name.p[0] > '0' && name.p[0] <= '9')
        return capture_reach(f, (unsigned) (name.p[0] - '0'));
    if (is_of_request(name))
        return REACH_ALL;
    if (str_is(name, "host"))
        return is_default_server(f->l, f->b) ? REACH_HOST : REACH_NONE;
    if (f->depth++ > DEPTH_MAX)
        return REACH_NONE;
    for (b = f->b; b != NULL && b->kind != IN_HTTP; b = b->up) {
        one = set_reach(f, b, name, &is_set);
        if (one > worst)
            worst = one;
        VEC_EACH(lint_ifs(f->l, b), in) {
            one = set_reach(f, *in, name, &is_set);
            if (one > worst)
                worst = one;
        }
    }
    return is_set ? worst : named_reach(f, name);
}


/* --- the text -------------------------------------------------------------------------- */

static size_t
name_at(str_t text, size_t i, str_t *name)
{
    bool   has_brace = i < text.n && text.p[i] == '{';
    size_t end = i += has_brace;

    if (end < text.n && text.p[end] >= '1' && text.p[end] <= '9')
        end++;
    else
        while (end < text.n
               && (text.p[end] == '_'
                   || (text.p[end] >= '0' && text.p[end] <= '9')
                   || ((text.p[end] | 0x20) >= 'a'
                       && (text.p[end] | 0x20) <= 'z')))
            end++;
    *name = str_span(text.p + i, text.p + end);
    return end + (has_brace && end < text.n);
}


/* Whether the rest of the host is a fixed domain. */
static bool
has_domain(str_t rest)
{
    for (size_t i = 0; i < rest.n; i++) {
        if (strchr("/?:$", rest.p[i]) != NULL)
            return false;
        if (rest.p[i] == '.' && i + 1 < rest.n && rest.p[i + 1] != '$')
            return true;
    }
    return false;
}


static enum reach
follow(struct follow *f, str_t text)
{
    enum reach reach;
    str_t      name;
    size_t     i = 0;

    if (str_istarts(text, STR("http://")))
        i = 7;
    else if (str_istarts(text, STR("https://")))
        i = 8;
    f->is_over |= str_istarts(str_from(text, i), STR("unix:"));
    while (i < text.n && !f->is_over) {
        if (str_starts(str_from(text, i), STR("://"))) /* of "$scheme://" */
            i += 3;
        else
            f->is_over = strchr("/?:", text.p[i]) != NULL;
        if (i >= text.n)
            break;
        if (text.p[i] != '$') {
            i++;
            continue;
        }
        i = name_at(text, i + 1, &name);
        reach = variable_reach(f, name);
        if (reach == REACH_HOST && has_domain(str_from(text, i)))
            reach = REACH_NONE;
        if (reach == REACH_NONE)
            continue;
        if (f->found.n == 0)
            f->found = name;
        return reach;
    }
    return REACH_NONE;
}


str_t
lint_chosen_by(struct lint *l, const struct conf_block *b, str_t text)
{
    struct follow f = { .l = l, .b = b };

    return str_chr(text, '$') != NULL && follow(&f, text) != REACH_NONE
               ? f.found
               : STR_NONE;
}


static void
check_pass(struct lint *l, const struct conf_block *b)
{
    const struct setting *s = setting_named(b, "proxy_pass");
    str_t                 name;

    if (s == NULL)
        return;
    name = lint_chosen_by(l, b, s->args[1]);
    if (name.p != NULL)
        lint_at(
            l, b, s,
            STR("take the host from a map that lists those that are allowed"),
            "clients choose the host that requests are passed to: it comes "
            "from \"$" STR_F "\"",
            STR_A(name));
}


void
lint_variable_upstream(struct lint *l)
{
    lint_each_block(l, IN_LOCATION | IN_IF | IN_LIMIT_EXCEPT, check_pass);
}
