/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * if in locations.  An if that matches replaces its location, of which it
 * inherits most settings, but not all.  When several match, the last one
 * replaces those before it.
 */
#include "http/lint/rules.h"

static const char *const rewrites[]
    = { "set",     "break",       "return",
        "rewrite", "rewrite_log", "uninitialized_variable_warn",
        NULL };


/* Whether b has a return, or a rewrite that may leave the location.  Then its
 * settings may not matter. */
static bool
may_go(const struct conf_block *b)
{
    return setting_named(b, "return") != NULL
           || setting_named(b, "rewrite") != NULL;
}


static bool
has_content(const struct conf_block *b)
{
    const struct setting *s;

    for (s = b->settings; s != NULL; s = s->next)
        if (lint_is_one_of(s->row->name, lint_contents))
            return true;
    return false;
}


/* The first word of the condition: "$x" in "if ($x = y)", or a file test such
 * as "-f". */
static str_t
subject(const struct conf_block *b)
{
    const struct setting *s = b->opening;
    str_t                 word = s->args[1];

    if (str_is(word, "(") && s->n_args > 2)
        return s->args[2];
    word = str_from(word, word.n != 0 && word.p[0] == '(');
    if (word.n != 0 && word.p[word.n - 1] == ')')
        word.n--;
    return word;
}


/* The first setting of the if block b that is lost when a later if replaces
 * b. */
static const struct setting *
would_lose(const struct conf_block *b, const struct conf_block *later)
{
    const struct setting *s, *found = NULL;

    for (s = b->settings; s != NULL; s = s->next)
        if (!lint_is_one_of(s->row->name, rewrites)
            && setting_named(later, s->row->name) == NULL)
            found = s;
    return found;
}


static void
check_later(struct lint *l, const struct conf_block *b)
{
    const struct conf_block *later;
    const struct setting    *s;

    if (may_go(b) || setting_named(b, "break") != NULL)
        return;
    for (later = b->next; later != NULL; later = later->next) {
        if (later->kind != IN_IF || later->settings == NULL || may_go(later)
            || str_eq(subject(b), subject(later)))
            continue;
        s = would_lose(b, later);
        if (s == NULL)
            continue;
        lint_at(l, b, s,
                STR("let a map decide, and use its variable in the location"),
                "\"%s\" is lost where the \"if\" of line %u matches as well: "
                "of several, only the last one holds",
                s->row->name, later->line);
        return;
    }
}


static void
check_try_files(struct lint *l, const struct conf_block *b)
{
    const struct setting *tries = setting_named(b->up, "try_files");

    if (tries == NULL || b->settings == NULL || may_go(b) || has_content(b))
        return;
    lint_at_block(l, b,
                  STR("set what it sets by a map, or go to another location "
                      "from it"),
                  "\"try_files\" of " STR_F
                  " is not in force when this \"if\" matches",
                  STR_A(lint_place(l, tries)));
}


static void
check_if(struct lint *l, const struct conf_block *b)
{
    if (b->up->kind != IN_LOCATION || lint_sure_return(b->up) != NULL)
        return;
    check_try_files(l, b);
    check_later(l, b);
}


void
lint_if_is_limited(struct lint *l)
{
    lint_each_block(l, IN_IF, check_if);
}
