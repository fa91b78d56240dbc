/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The search for a proxy.
 */
#include "modules/gate/limit_proxy.h"

#include "core/base/check.h"

static const char *const networks[] = {
    "unix:",          "127.0.0.0/8",    "10.0.0.0/8",    "172.16.0.0/12",
    "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "::1",
    "fc00::/7",       "fe80::/10",
};


bool
addr_is_private(const struct sockaddr *sa)
{
    struct cidr net;

    for (size_t i = 0; i < countof(networks); i++)
        if (cidr_parse(str_of(networks[i]), &net) == CIDR_OK
            && cidr_match(&net, sa))
            return true;
    return false;
}


/* Proxies append: what comes first is the client, or what it says of itself. */
static void
note_client(struct proxy_search *s, str_t forwarded)
{
    uint32_t hash = str_hash(str_trim(str_cut(&forwarded, ',')));

    for (unsigned i = 0; i < s->n; i++)
        if (s->clients[i] == hash)
            return;
    if (s->n < PROXY_CLIENTS)
        s->clients[s->n++] = hash;
}


bool
proxy_search_add(struct proxy_search *s, const struct addr *peer,
                 str_t forwarded)
{
    if (s->is_over)
        return false;
    if (s->requests == 0) {
        s->peer = *peer;
        s->is_over = !addr_is_private(&peer->sa);
    }
    if (forwarded.n == 0 || s->requests == PROXY_REQUESTS_MAX
        || !str_eq(addr_bytes(&s->peer.sa), addr_bytes(&peer->sa)))
        s->is_over = true;
    if (s->is_over)
        return false;
    s->requests++;
    note_client(s, forwarded);
    if (s->requests < PROXY_REQUESTS || s->n < PROXY_CLIENTS)
        return false;
    s->is_over = true;
    return true;
}
