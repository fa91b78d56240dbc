/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLS to upstreams: what nginx leaves out unless it is told otherwise.
 */
#include "core/net/addr.h"
#include "http/lint/rules.h"

enum { PASSES = IN_LOCATION | IN_IF | IN_LIMIT_EXCEPT };


/* The host of an authority, without its port and brackets. */
static str_t
host_of(str_t authority)
{
    const char *end;

    if (authority.n != 0 && authority.p[0] == '[') {
        end = str_chr(authority, ']');
        return end != NULL ? str_span(authority.p + 1, end) : authority;
    }
    end = str_chr(authority, ':');
    return end != NULL ? str_span(authority.p, end) : authority;
}


static bool
is_here(str_t authority)
{
    str_t host = host_of(authority);

    return str_istarts(authority, STR("unix:")) || str_is(host, "localhost")
           || str_starts(host, STR("127.")) || str_is(host, "::1");
}


/* Whether all servers of a group are on this machine. */
static bool
group_is_here(const struct conf_block *group)
{
    const struct setting *s = setting_named(group, "server");

    for (; s != NULL; s = setting_before(s))
        if (!is_here(s->args[1]))
            return false;
    return true;
}


/* The proxy_pass of b, if it is https to a host that is known and is not this
 * machine; *authority is that of its URL. */
static const struct setting *
secure_pass(struct lint *l, const struct conf_block *b, str_t *authority,
            const struct conf_block **group)
{
    const struct setting *s = setting_named(b, "proxy_pass");

    if (s == NULL || !str_istarts(s->args[1], STR("https://"))
        || str_istarts(s->args[1], STR("https://unix:")))
        return NULL;
    *authority = lint_url(s->args[1]).authority;
    if (authority->n == 0 || str_chr(*authority, '$') != NULL
        || is_here(*authority))
        return NULL;
    *group = lint_upstream(l, *authority);
    return *group == NULL || !group_is_here(*group) ? s : NULL;
}


static bool
is_on(struct lint *l, const struct conf_block *b, const char *name)
{
    const struct conf_block *at = NULL;
    const struct setting    *s = lint_in_force(l, b, name, &at);

    return s != NULL && str_ieq(s->args[1], STR("on"));
}


static void
check_verify(struct lint *l, const struct conf_block *b)
{
    const struct conf_block *group = NULL;
    str_t                    authority = STR_NONE;
    const struct setting    *s = secure_pass(l, b, &authority, &group);

    if (s == NULL || is_on(l, b, "proxy_ssl_verify"))
        return;
    lint_at(l, b, s,
            STR("add \"proxy_ssl_verify on;\" and "
                "\"proxy_ssl_trusted_certificate\" with its authority"),
            "the certificate of the upstream is not verified: whoever is in "
            "between may answer");
}


void
lint_upstream_verify(struct lint *l)
{
    lint_each_block(l, PASSES, check_verify);
}


/* A name with a dot in it, and no address. */
static bool
is_public(str_t host)
{
    struct addr_any at;

    return str_chr(host, '.') != NULL && !addr_parse(host, &at);
}


static void
check_name(struct lint *l, const struct conf_block *b)
{
    const struct conf_block *group = NULL;
    str_t                    authority = STR_NONE;
    const struct setting    *s = secure_pass(l, b, &authority, &group);

    if (s == NULL || group != NULL || !is_public(host_of(authority))
        || is_on(l, b, "proxy_ssl_server_name"))
        return;
    lint_at(l, b, s, STR("add \"proxy_ssl_server_name on;\""),
            "the handshake does not name \"" STR_F
            "\" (SNI), which servers with several certificates need",
            STR_A(host_of(authority)));
}


void
lint_upstream_name(struct lint *l)
{
    lint_each_block(l, PASSES, check_name);
}
