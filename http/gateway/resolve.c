/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding the group for a host that variables gave: an upstream {} of that
 * name, an address, or a name that has to be looked up.
 */
#include "http/gateway/exchange.h"
#include "http/response.h"


bool
gateway_find_group(struct gateway *g, str_t url, unsigned default_port)
{
    struct task *t = &g->r->task;
    const char  *error;

    error = endpoint_parse(t->arena, url, default_port, ENDPOINT_URI, &g->at);
    if (error) {
        log_error(t->log, "%s in upstream \"" STR_F "\"", error, STR_A(url));
        gateway_end(g, PEER_OK);
        (void) http_fail(g->r, 500);
        return false;
    }
    g->host = str_span(url.p, g->at.uri.p ? g->at.uri.p : url.p + url.n);
    if (!g->at.is_unix && g->at.no_port)
        g->group = upstream_lookup(t->gen, CONF_HTTP, g->at.host);
    if (!g->group && g->at.n)
        g->group
            = upstream_dynamic(t, g->at.host, g->at.at, g->at.names, g->at.n);
    return true;
}


enum step
gateway_resolve(struct gateway *g)
{
    log_error(g->r->task.log, "no resolver defined to resolve " STR_F,
              STR_A(g->at.host));
    return gateway_fail(g, 502);
}
