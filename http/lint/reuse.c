/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Headers sent to an upstream that contradict other settings: they prevent the
 * reuse of connections, or hide the port that clients use.
 */
#include "http/lint/rules.h"

enum { PASSES = IN_LOCATION | IN_IF | IN_LIMIT_EXCEPT };


/* The proxy_set_header in force in b for this header, or NULL. */
static const struct setting *
header_of(struct lint *l, const struct conf_block *b, const char *field)
{
    const struct conf_block *at;
    const struct setting    *s = lint_in_force(l, b, "proxy_set_header", &at);

    for (; s != NULL; s = lint_before(l, at, s))
        if (str_ieq(s->args[1], str_of(field)))
            return s;
    return NULL;
}


/* --- keepalive-lost ---------------------------------------------------------------- */

static bool
is_closing(const struct setting *s)
{
    str_t list = s->args[2];

    while (list.p != NULL)
        if (str_ieq(str_trim(str_cut(&list, ',')), STR("close")))
            return true;
    return false;
}


static void
check_keepalive(struct lint *l, const struct conf_block *b)
{
    const struct setting    *pass = setting_named(b, "proxy_pass"), *says, *k;
    const struct conf_block *group;
    str_t                    name;

    name = pass ? lint_url(pass->args[1]).authority : STR_NONE;
    says = name.n ? header_of(l, b, "Connection") : NULL;
    if (says == NULL || !is_closing(says))
        return;
    group = lint_upstream(l, name);
    k = group ? setting_named(group, "keepalive") : NULL;
    if (k == NULL || str_is(k->args[1], "0"))
        return;
    lint_at(
        l, b, says,
        STR("write \"proxy_set_header Connection \\\"\\\";\", or remove the "
            "line"),
        "no connection to \"" STR_F "\" is used again, though \"keepalive\" "
        "at " STR_F " asks for that: \"Connection: close\" is sent",
        STR_A(name), STR_A(lint_place(l, k)));
}


void
lint_keepalive_lost(struct lint *l)
{
    lint_each_block(l, PASSES, check_keepalive);
}


/* --- host-without-port -------------------------------------------------------------- */

/* The port on which clients reach the server directly and which their URLs
 * must contain.  0 if any listen line has another kind of port. */
static unsigned
odd_port(struct lint *l, const struct conf_block *server)
{
    const struct setting *s = lint_named(l, server, "listen");
    struct endpoint       at;
    unsigned              port = 0;

    for (; s != NULL; s = lint_before(l, server, s)) {
        if (endpoint_parse(l->arena, s->args[1], 80, ENDPOINT_LISTEN, &at)
                != NULL
            || at.is_unix)
            return 0;
        for (unsigned i = 2; i < s->n_args; i++)
            if (str_is(s->args[i], "proxy_protocol"))
                return 0;
        for (size_t i = 0; i < at.n; i++) {
            port = addr_port(&at.at[i].sa);
            if (port == 80 || port == 443 || addr_is_loopback(&at.at[i].sa))
                return 0;
        }
    }
    return port;
}


static void
check_host(struct lint *l, const struct conf_block *b)
{
    const struct http_server *server = b->server;
    const struct setting     *host;
    unsigned                  port;

    if (setting_named(b, "proxy_pass") == NULL || server == NULL)
        return;
    host = header_of(l, b, "Host");
    if (host == NULL || !str_is(host->args[2], "$host")
        || header_of(l, b, "X-Forwarded-Host") != NULL
        || header_of(l, b, "X-Forwarded-Port") != NULL)
        return;
    port = odd_port(l, server->block);
    if (port == 0)
        return;
    lint_at(l, b, host,
            STR("write \"proxy_set_header Host $http_host;\", or set "
                "X-Forwarded-Port to \"$server_port\""),
            "\"$host\" has no port, and the server listens on %u: links and "
            "redirects that the upstream makes go to another port",
            port);
}


void
lint_host_without_port(struct lint *l)
{
    lint_each_block(l, PASSES, check_host);
}
