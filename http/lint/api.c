/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An API with which anybody can change the servers of upstreams.
 */
#include "http/guard.h"
#include "http/lint/rules.h"


static void
check(struct lint *l, const struct conf_block *b)
{
    const struct setting *api = setting_named(b, "api");

    if (api == NULL || api->n_args < 2 || !str_is(api->args[1], "write=on")
        || http_is_guarded_for(l->gen, b, HTTP_POST | HTTP_PATCH | HTTP_DELETE))
        return;
    lint_at(l, b, api,
            STR("say who may: \"allow\" and \"deny all;\", or \"auth_basic\""),
            "anybody can change upstreams through \"api\"");
}


void
lint_open_api(struct lint *l)
{
    lint_each_block(l, IN_LOCATION, check);
}
