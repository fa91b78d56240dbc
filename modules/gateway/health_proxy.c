/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The request of a check that asks as proxy_pass would.
 */
#include "http/gateway/exchange.h"
#include "modules/gateway/health_request.h"


struct health_request *
health_request_make(struct arena *a, struct generation *gen,
                    const struct http_location *location,
                    const struct http_server *server, str_t uri)
{
    const struct proxy_target *to
        = confs_get(location->conf, &proxy_pass_module);
    struct health_request *own = arena_make(a, struct health_request);
    struct http_request   *r = &own->request;
    struct gateway        *g;

    health_request_begin(own, a, gen, location, server, uri);
    r->host = to->group->name;
    own->state = (struct proxy_state){
        .target = to, .host = to->host, .port = to->port, .uri = to->uri
    };
    g = own->gateway = gateway_new(
        r, &proxy_protocol, (const void *) conf_of(&r->task, &proxy_module), 0);
    g->group = to->group;
    g->data = &own->state;
    if (to->is_secure)
        gateway_tls_begin(g, &proxy_tls_place, to->host);
    own->exchange = exchange_new(g, to->group->name);
    return own;
}


bool
health_request_fill(struct health_request *own, struct health_question *q)
{
    struct gateway *g = own->gateway;
    struct arena   *a = own->request.task.arena;
    struct chain    out;
    char           *text;

    chain_init(&out, a);
    if (proxy_prepare(g) == STEP_FAIL)
        return false;
    g->uri = own->request.target;
    if (proxy_encode_head(own->exchange, &out) == STEP_FAIL)
        return false;
    text = arena_bytes(a, (size_t) out.n);
    q->text = (str_t){ text, chain_peek(&out, text, (size_t) out.n) };
    q->secure = g->secure;
    q->is_head = own->state.is_head;
    return g->secure == NULL || gateway_tls_prepare(g);
}
