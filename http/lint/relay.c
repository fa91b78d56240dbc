/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tunnel_pass with which anybody can reach any host: clients choose the
 * target, and nothing says who may.  A condition that ends requests counts as
 * an access rule, unless it is about the port alone.
 */
#include "http/guard.h"
#include "http/lint/rules.h"


static bool
is_about_port(const struct setting *condition)
{
    for (unsigned i = 1; i < condition->n_args; i++)
        if (str_find(condition->args[i], STR("$request_port")) != NULL)
            return true;
    return false;
}


static bool
has_condition(struct lint *l, const struct conf_block *b)
{
    for (; b != NULL && b->kind != IN_HTTP; b = b->up) {
        if (lint_sure_return(b) != NULL || (b->kind & IN_IF))
            return true;
        VEC_EACH(lint_ifs(l, b), in)
            if (lint_sure_return(*in) != NULL && !is_about_port((*in)->opening))
                return true;
    }
    return false;
}


static bool
has_rule(struct lint *l, const struct conf_block *b)
{
    const struct setting *s
        = lint_in_force(l, b, "tunnel_allow_upstream", NULL);

    if (s != NULL && !str_is(s->args[1], "1"))
        return true;
    return http_is_guarded(b) || has_condition(l, b);
}


static void
check(struct lint *l, const struct conf_block *b)
{
    const struct setting *s = setting_named(b, "tunnel_pass");
    str_t                 target;

    if (s == NULL)
        return;
    target = s->n_args > 1 ? s->args[1] : STR("$host");
    if (lint_chosen_by(l, b, target).p == NULL || has_rule(l, b))
        return;
    lint_at(l, b, s,
            STR("say who may: \"allow\" and \"deny all;\", or \"auth_basic\""),
            "anybody can reach any host through \"tunnel_pass\"");
}


void
lint_open_relay(struct lint *l)
{
    lint_each_block(l, IN_SERVER | IN_LOCATION | IN_IF, check);
}
