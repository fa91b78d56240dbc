/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists of allow and deny.  The first rule that matches decides, and a client
 * that matches none is allowed.  A block with rules of its own does not
 * inherit those of outer blocks.
 */
#include "http/lint/rules.h"


static bool
is_rule(const struct setting *s)
{
    return strcmp(s->row->name, "allow") == 0
           || strcmp(s->row->name, "deny") == 0;
}


static bool
is_everybody(const struct setting *s)
{
    return str_is(s->args[1], "all");
}


/* Whether "satisfy any" is in force in b or in a block inside of it: then a
 * client can be let in by a password instead of an address. */
static bool
has_other_way(struct lint *l, const struct conf_block *b)
{
    const struct setting *s = lint_in_force(l, b, "satisfy", NULL);

    if (s != NULL && str_is(s->args[1], "any"))
        return true;
    for (b = b->first; b != NULL; b = b->next) {
        s = setting_named(b, "satisfy");
        if ((s && str_is(s->args[1], "any")) || has_other_way(l, b))
            return true;
    }
    return false;
}


static void
check_allow(struct lint *l, const struct conf_block *b)
{
    const struct setting *s = lint_named(l, b, "allow"), *it;

    if (s == NULL || lint_named(l, b, "deny") != NULL)
        return;
    for (it = s; it != NULL; it = setting_before(it)) {
        if (is_everybody(it) || str_ends(it->args[1], STR("/0")))
            return;
        s = it;
    }
    if (has_other_way(l, b))
        return;
    lint_at(l, b, s, STR("add \"deny all;\" behind them"),
            "nobody is kept out: \"allow\" stands here without \"deny\"");
}


void
lint_allow_without_deny(struct lint *l)
{
    lint_each_block(l, LINT_BLOCKS, check_allow);
}


/* Settings are listed in reverse order, so "behind" is the following rule. */
static void
check_order(struct lint *l, const struct conf_block *b)
{
    const struct setting *s, *behind = NULL;

    if (!lint_named(l, b, "allow") && !lint_named(l, b, "deny"))
        return;
    for (s = b->settings; s != NULL; s = s->next) {
        if (!is_rule(s))
            continue;
        if (is_everybody(s) && behind != NULL
            && strcmp(s->row->name, behind->row->name) != 0)
            lint_at(l, b, behind, STR("put it before that line"),
                    "it is never looked at: \"" STR_F " all\" stands before "
                    "it, at " STR_F,
                    STR_A(s->args[0]), STR_A(lint_place(l, s)));
        behind = s;
    }
}


void
lint_rule_after_all(struct lint *l)
{
    lint_each_block(l, LINT_BLOCKS, check_order);
}
