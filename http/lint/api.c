/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An API with which anybody can change the servers of upstreams.
 */
#include "http/lint/rules.h"

static const struct {
    const char *directive;
    str_t       unless; /* the value that lets everybody in; or empty        */
} rules[] = {
    { "deny", STR_INIT("") },
    { "auth_basic", STR_INIT("off") },
    { "auth_request", STR_INIT("off") },
    { "auth_jwt", STR_INIT("off") },
    { "ssl_verify_client", STR_INIT("off") },
};


static void
check(struct lint *l, const struct conf_block *b)
{
    const struct setting *api = setting_named(b, "api");

    if (api == NULL || api->n_args < 2 || !str_is(api->args[1], "write=on"))
        return;
    for (size_t i = 0; i < countof(rules); i++) {
        const struct setting *s = lint_in_force(l, b, rules[i].directive, NULL);

        if (s != NULL && !str_eq(s->args[1], rules[i].unless))
            return;
    }
    lint_at(l, b, api,
            STR("say who may: \"allow\" and \"deny all;\", or \"auth_basic\""),
            "anybody can change upstreams through \"api\"");
}


void
lint_open_api(struct lint *l)
{
    lint_each_block(l, IN_LOCATION, check);
}
