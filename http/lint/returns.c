/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directives next to a return that always answers.  It answers before access
 * rules, limits and content handlers run.
 */
#include "http/guard.h"
#include "http/lint/rules.h"

static const char *const access_rules[]
    = { "deny", "auth_basic", "auth_request", "auth_jwt", NULL };
static const char *const limits[] = { "limit_req", "limit_conn", NULL };


/* The first setting of b whose directive is in the list. */
static const struct setting *
find_one(const struct conf_block *b, const char *const *words)
{
    const struct setting *s, *found = NULL;

    for (s = b->settings; s != NULL; s = s->next)
        if (lint_is_one_of(s->row->name, words))
            found = s;
    return found;
}


/* The return that always answers in b, unless blocks inside of b could use its
 * settings. */
static const struct setting *
only_return(const struct conf_block *b)
{
    return lint_has_inner(b, LINT_BLOCKS) ? NULL : lint_sure_return(b);
}


static void
check_access(struct lint *l, const struct conf_block *b)
{
    const struct setting *answer = only_return(b), *s;

    s = answer ? find_one(b, access_rules) : NULL;
    if (s == NULL || http_is_refusal(answer)
        || (s->n_args > 1 && str_is(s->args[1], "off")))
        return;
    lint_at(l, b, s,
            STR("let something else answer than \"return\": a file, or "
                "\"try_files /nonexistent @name\" and a location of that "
                "name"),
            "\"%s\" guards nothing here: \"%s\" at " STR_F
            " answers before it is asked",
            s->row->name, answer->row->name, STR_A(lint_place(l, answer)));
}


void
lint_access_after_return(struct lint *l)
{
    lint_each_block(l, IN_LOCATION, check_access);
}


static void
check_limit(struct lint *l, const struct conf_block *b)
{
    const struct setting *answer = only_return(b), *s;

    s = answer ? find_one(b, limits) : NULL;
    if (s == NULL)
        return;
    lint_at(l, b, s,
            STR("remove it, or let something else answer than \"return\""),
            "\"%s\" limits nothing here: \"%s\" at " STR_F
            " answers before it is asked",
            s->row->name, answer->row->name, STR_A(lint_place(l, answer)));
}


void
lint_limit_after_return(struct lint *l)
{
    lint_each_block(l, IN_LOCATION, check_limit);
}


static void
check_content(struct lint *l, const struct conf_block *b)
{
    const struct setting *answer = only_return(b), *s;

    s = answer ? find_one(b, lint_contents) : NULL;
    if (s == NULL)
        return;
    lint_at(l, b, s, STR("remove one of the two"),
            "\"%s\" never comes to its turn: \"%s\" at " STR_F
            " answers before it",
            s->row->name, answer->row->name, STR_A(lint_place(l, answer)));
}


void
lint_content_after_return(struct lint *l)
{
    lint_each_block(l, IN_LOCATION, check_content);
}
