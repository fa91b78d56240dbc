/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds the group for a host from a variable: an upstream {} of that name, a
 * server named elsewhere in the configuration, an address, or a name that has
 * to be looked up.
 */
#include "core/net/resolver.h"
#include "core/upstream/names.h"
#include "http/gateway/exchange.h"
#include "http/response.h"


bool
gateway_find_group(struct gateway *g, str_t url, unsigned default_port)
{
    struct task *t = &g->r->task;
    const char  *error;

    error = endpoint_parse(t->arena, url, default_port, ENDPOINT_URI, &g->at);
    if (!error && !g->at.is_unix) {
        g->group = upstream_lookup(t->gen, CONF_HTTP, &g->at);
        if (!g->group && g->at.port == 0)
            error = "no port";
    }
    if (error) {
        log_error(t->log, "%s in upstream \"" STR_F "\"", error, STR_A(url));
        (void) gateway_fail(g, 500);
        return false;
    }
    g->host = str_span(url.p, g->at.uri.p ? g->at.uri.p : url.p + url.n);
    if (!g->group && g->at.n)
        g->group
            = upstream_dynamic(t, g->at.host, g->at.at, g->at.names, g->at.n);
    return true;
}


static void
use_found(struct gateway *g)
{
    struct task   *t = &g->r->task;
    struct lookup *l = g->lookup;
    str_t         *names = arena_array(t->arena, str_t, l->n);

    for (size_t i = 0; i < l->n; i++) {
        char   text[ADDR_TEXT];
        size_t n;

        addr_set_port(&l->at[i].sa, g->at.port);
        n = addr_text(text, &l->at[i].sa, l->at[i].len, true);
        names[i] = str_copy(t->arena, (str_t){ text, n });
    }
    g->group = upstream_dynamic(t, g->at.host, l->at, names, l->n);
    g->state = GATEWAY_CHOOSE;
}


enum step
gateway_resolve(struct gateway *g)
{
    struct task                *t = &g->r->task;
    const struct resolver_conf *conf = conf_of(t, &http_resolver_module);
    struct lookup              *l = g->lookup;

    if (!conf->resolver) {
        log_error(t->log, "no resolver defined to resolve " STR_F,
                  STR_A(g->at.host));
        gateway_blame(g, GATEWAY_FAULT_DNS);
        return gateway_fail(g, 502);
    }
    if (task_is_dry(t))
        return gateway_pretend(g, g->host);
    if (!l) {
        l = g->lookup = arena_make(t->arena, struct lookup);
        l->ttl_min = conf->ttl_min;
        l->ttl_max = conf->ttl_max;
        (void) resolver_ask(conf->resolver, l, t, g->at.host, conf->timeout);
    }
    if (!l->is_done)
        return STEP_WAIT;
    if (l->code) {
        log_error(t->log, STR_F " could not be resolved (%d: %s)",
                  STR_A(g->at.host), l->code, l->error);
        gateway_blame(g, GATEWAY_FAULT_DNS);
        return gateway_fail(g, 502);
    }
    use_found(g);
    return STEP_NEXT;
}
