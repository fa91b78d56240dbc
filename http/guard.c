/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directives that let not everybody in.
 */
#include "http/guard.h"

#include "http/server.h"

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


static const struct conf_block *
limit_except_of(const struct conf_block *b, unsigned methods)
{
    const struct http_location *l = b->owner;

    if (!(b->kind & IN_LOCATION) || (l->except_methods & methods))
        return NULL;
    for (b = b->first; b != NULL; b = b->next)
        if (b->kind & IN_LIMIT_EXCEPT)
            return b;
    return NULL;
}


bool
http_is_guarded_for(const struct conf_block *b, unsigned methods)
{
    const struct conf_block *in = limit_except_of(b, methods);

    return http_is_guarded(in != NULL ? in : b);
}
