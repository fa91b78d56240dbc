/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directives that let not everybody in.
 */
#include "http/guard.h"

#include "core/net/addr.h"
#include "http/main.h"

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


/* Rules of an outer location do not apply in an inner one. */
static bool
refuses_some(const struct conf_block *b)
{
    for (const struct conf_block *in = b->first; in != NULL; in = in->next) {
        const struct setting *s = setting_named(in, "return");

        if ((in->kind & IN_IF) && s != NULL && http_is_refusal(s))
            return true;
    }
    return false;
}


static bool
is_within_reach(const struct http_address *a)
{
    const struct sockaddr *sa = &a->listener.addr.sa;

    return sa->sa_family != AF_UNIX && !addr_is_loopback(sa);
}


/* Whether no other machine can connect to its server. */
static bool
is_local(const struct generation *g, const struct conf_block *b)
{
    const struct http_main *m = http_main_of(g);

    VEC_EACH(&m->addresses, it)
        VEC_EACH(&(*it)->servers, server)
            if (*server == b->server && is_within_reach(*it))
                return false;
    return true;
}


bool
http_is_guarded_for(const struct generation *g, const struct conf_block *b,
                    unsigned methods)
{
    const struct conf_block *in = limit_except_of(b, methods);

    return http_is_guarded(in != NULL ? in : b) || refuses_some(b)
           || is_local(g, b);
}


bool
http_is_refusal(const struct setting *s)
{
    uint64_t code;

    return strcmp(s->row->name, "return") == 0 && s->n_args > 1
           && number_parse(s->args[1], 999, &code) && code >= 400;
}
