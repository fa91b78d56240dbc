/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Limits for each address, where all requests come from one: a server that only
 * this machine can reach is behind a proxy.
 */
#include "http/lint/rules.h"

static const char *const limits[] = { "limit_req", "limit_conn", "ban", NULL };
static const char *const zones[]
    = { "limit_req_zone", "limit_conn_zone", "ban_zone", NULL };
static const char *const local[]
    = { "unix:", "127.", "localhost", "[::1]", NULL };


static bool
is_local(const struct setting *listen)
{
    for (const char *const *it = local; *it != NULL; it++)
        if (str_starts(listen->args[1], str_of(*it)))
            return true;
    return false;
}


static bool
is_behind_proxy(struct lint *l, const struct conf_block *server)
{
    const struct setting *s = lint_named(l, server, "listen");

    for (; s != NULL; s = lint_before(l, server, s))
        if (!is_local(s))
            return false;
    return lint_named(l, server, "listen") != NULL;
}


/* The name behind "zone=", or a word as it is, without a size. */
static str_t
zone_name(str_t word)
{
    if (str_starts(word, STR("zone=")))
        word = str_from(word, strlen("zone="));
    return str_cut(&word, ':');
}


static bool
names_zone(const struct setting *s, unsigned from, str_t name)
{
    for (unsigned i = from; i < s->n_args; i++)
        if (str_eq(zone_name(s->args[i]), name))
            return true;
    return false;
}


static bool
is_of_client(str_t key)
{
    return str_is(key, "$binary_remote_addr") || str_is(key, "$remote_addr")
           || str_is(key, "$remote_prefix");
}


/* Whether the zone of a limit counts by the client's address. */
static bool
counts_clients(struct lint *l, const struct conf_block *http,
               const struct setting *limit)
{
    for (const char *const *it = zones; *it != NULL; it++) {
        const struct setting *s = lint_named(l, http, *it);

        for (; s != NULL; s = lint_before(l, http, s))
            for (unsigned i = 2; i < s->n_args; i++)
                if (is_of_client(s->args[1])
                    && str_starts(s->args[i], STR("zone="))
                    && names_zone(limit, 1, zone_name(s->args[i])))
                    return true;
    }
    return false;
}


static const struct conf_block *
block_around(const struct conf_block *b, unsigned kind)
{
    while (b != NULL && !(b->kind & kind))
        b = b->up;
    return b;
}


/* "unix:" as a network is for realip, too: any set_real_ip_from will do. */
static void
check(struct lint *l, const struct conf_block *b)
{
    const struct conf_block *server = block_around(b, IN_SERVER), *at;
    const struct conf_block *http = block_around(b, IN_HTTP);

    if (server == NULL || http == NULL || !is_behind_proxy(l, server)
        || lint_in_force(l, b, "set_real_ip_from", NULL) != NULL)
        return;
    for (const char *const *it = limits; *it != NULL; it++) {
        const struct setting *s = lint_in_force(l, b, *it, &at);

        for (; s != NULL; s = lint_before(l, at, s))
            if (counts_clients(l, http, s))
                lint_at(l, at, s,
                        STR("name the proxy in set_real_ip_from, and where it "
                            "sends the client's address in real_ip_header"),
                        "\"%s\" counts all clients as one: only this machine "
                        "can reach the server at " STR_F,
                        s->row->name, STR_A(lint_place(l, server->opening)));
    }
}


void
lint_one_client(struct lint *l)
{
    lint_each_block(l, IN_SERVER | IN_LOCATION, check);
}
