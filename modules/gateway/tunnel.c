/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tunnel: a forward proxy for CONNECT (RFC 9110, 9.3.6).  When the connection
 * to the target is there, the client gets 200, and then bytes pass both ways.
 * The location is that of "/", and its rules decide who may go where:
 *
 *     server {
 *         if ($request_port != 443) { return 403; }
 *         allow 10.0.0.0/8;
 *         deny  all;
 *         resolver 10.0.0.1;
 *         tunnel_pass;
 *     }
 */
#include "config.h"
#include "modules/gateway/pass.h"
#include "modules/gateway/tunnel.h"
#include "modules/module.h"

struct tunnel_conf {
    struct gateway_conf gateway; /* first */
};

struct tunnel_target {
    struct pass_target to; /* neither of it: what the client has asked for   */
};

extern struct module tunnel_module, tunnel_pass_module;


static enum step
prepare(struct gateway *g)
{
    const struct tunnel_target *c = g->data;
    str_t                       url;

    g->uri = STR("");
    g->group = c->to.group;
    if (g->group)
        return STEP_NEXT;
    if (!c->to.expr)
        url = tunnel_authority(g->r->task.arena, g->r->host, g->r->port);
    else if (!pass_evaluate(g, &c->to, &url))
        return STEP_FAIL;
    if (url.n == 0) {
        log_error(g->r->task.log, "no host to tunnel to");
        return gateway_fail(g, 500);
    }
    return gateway_find_group(g, url, 0) ? STEP_NEXT : STEP_FAIL;
}


/* Nothing of the peer is needed for a response. */
static enum step
open_tunnel(struct exchange *x)
{
    exchange_status(x, 200, STR(""));
    exchange_upgrade(x);
    return STEP_NEXT;
}


static const struct gateway_protocol protocol = {
    .prefix = "tunnel",
    .scheme = "tunnel",
    .prepare = prepare,
    .opened = open_tunnel,
};


static enum step
serve(struct task *t)
{
    struct http_request *r = http_of(t);
    struct gateway      *g = gateway_of(r);

    if (g != NULL)
        return gateway_run(g);
    if (r->method != HTTP_CONNECT || r != r->main || r->is_post_action)
        return http_fail(r, 405);
    g = gateway_new(r, &protocol, conf_of(t, &tunnel_module),
                    r->location->identity);
    g->data = (void *) (uintptr_t) conf_of(t, &tunnel_pass_module);
    return gateway_run(g);
}


/* --- directives ----------------------------------------------------------- */

static const struct content content
    = { .name = "tunnel_pass", .serve = serve, .is_in_limit_except = true };


static const char *
parse_pass(struct conf *cf, void *field)
{
    conf_take_connect(cf);
    if (cf->n_args == 2)
        return pass_parse(cf, field, cf->args[1], &content);
    conf_set_content(cf, &content);
    return NULL;
}


static const struct conf_type target_type = {
    .name = "address",
    .size = sizeof(struct pass_target),
    .parse = parse_pass,
};

static const struct directive pass_directives[] = {
    { "tunnel_pass", IN_SERVER | IN_LOCATION | IN_IF | ROW_NAMELESS,
      ARGS_0 | ARGS_1, &target_type,
      FIELD(struct tunnel_target, to, struct pass_target), NULL, NULL,
      "[address]",
      "Makes tunnels for CONNECT requests, to the host and port that they ask "
      "for, or to the address given: host:port, unix:path or the name of a "
      "group, which may have variables. Limit who may use it, and for which "
      "targets." },
    { .name = NULL },
};


struct module tunnel_pass_module = {
    .name = "tunnel",
    .serves = FOR_HTTP,
    .directives = pass_directives,
    .conf_size = sizeof(struct tunnel_target),
};


static const char *
ready(struct conf *cf, void *at)
{
    struct tunnel_conf *c = at;

    return gateway_ready(cf, &c->gateway, "tunnel");
}


static const struct directive directives[] = {
    GATEWAY_NEXT("tunnel_next_upstream", struct tunnel_conf,
                 gateway_next_causes),
    SIZE("tunnel_buffer_size", IN_WEB, struct tunnel_conf, gateway.buffer_size,
         "16k", "How many bytes are read from either side at once."),
    { .name = NULL },
};

static const struct template templates[] = {
    PASS_ROWS("tunnel", struct tunnel_conf, gateway_peer_rows),
    PASS_ROWS("tunnel", struct tunnel_conf, gateway_lowat_rows),
    { .rows = NULL },
};


struct module tunnel_module = {
    .name = "tunnel",
    .serves = FOR_HTTP,
    .directives = directives,
    .templates = templates,
    .conf_size = sizeof(struct tunnel_conf),
    .ready = ready,
};
