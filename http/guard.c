/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directives that let not everybody in.
 */
#include "http/guard.h"

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


bool
http_is_guarded(const struct conf_block *b)
{
    for (size_t i = 0; i < countof(rules); i++) {
        const struct setting *s = setting_in_force(b, rules[i].directive, NULL);

        if (s != NULL && !str_eq(s->args[1], rules[i].unless))
            return true;
    }
    return false;
}
