/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * grpc_pass: the target, grpc_set_header, and the content handler.
 *
 *     location /package.Service/ { grpc_pass grpcs://backend; }
 */
#include "http/variables.h"
#include "modules/gateway/grpc.h"
#include "modules/gateway/health_grpc.h"

static const str_t plain = STR_INIT("grpc://"), secure = STR_INIT("grpcs://");


/* The address behind the scheme, which may be missing. */
static str_t
address_of(str_t url, bool *is_secure)
{
    *is_secure = str_istarts(url, secure);
    if (*is_secure)
        return str_from(url, secure.n);
    return str_istarts(url, plain) ? str_from(url, plain.n) : url;
}


static unsigned
port_of(bool is_secure)
{
    return is_secure ? HTTPS_PORT : grpc_protocol.port;
}


static bool
find_target(struct gateway *g, struct grpc_state *s)
{
    bool  is_secure;
    str_t url;

    if (!pass_evaluate(g, &s->target->to, &url))
        return false;
    url = address_of(url, &is_secure);
    if (!gateway_find_group(g, url, port_of(is_secure)))
        return false;
    if (g->at.is_unix)
        s->host = STR("localhost");
    else
        s->host = g->at.no_port || g->at.port == port_of(is_secure) ? g->at.host
                                                                    : g->host;
    if (is_secure)
        gateway_tls_begin(g, &grpc_tls_place, s->host);
    return true;
}


enum step
grpc_prepare(struct gateway *g)
{
    struct http_request *r = g->r;
    struct grpc_state   *s = g->data;

    if (g->group == NULL && !find_target(g, s))
        return STEP_FAIL;
    g->uri = proxy_build_uri(r->task.arena, r, STR(""), STR(""),
                             !r->is_uri_of_break);
    return STEP_NEXT;
}


static void
begin(struct http_request *r, struct grpc_state *s)
{
    const struct grpc_conf   *conf = conf_of(&r->task, &grpc_module);
    const struct grpc_target *to = conf_of(&r->task, &grpc_pass_module);
    struct gateway           *g;
    str_t                     rest;

    *s = (struct grpc_state){ .target = to, .host = to->host };
    if (conf->has_web)
        s->web = grpc_web_kind(fields_value(&r->in, FIELD_CONTENT_TYPE), &rest);
    g = gateway_new(r, &grpc_protocol, &conf->gateway, r->location->identity);
    g->group = to->to.group;
    g->data = s;
    if (to->to.is_secure)
        gateway_tls_begin(g, &grpc_tls_place, to->host);
    grpc_await_deadline(r, s);
}


static enum step
serve(struct task *t)
{
    struct http_request *r = http_of(t);
    struct grpc_state   *s = http_state_of(r, &grpc_pass_module);

    enum step step;

    if (gateway_of(r) == NULL)
        begin(r, s);
    step = s->is_late ? gateway_cut(gateway_of(r), 504)
                      : gateway_run(gateway_of(r));
    if (gateway_of(r) == NULL)
        grpc_forget_deadline(s);
    return step;
}


static bool
takes_messages(const struct http_request *r)
{
    (void) r;
    return true;
}


static const struct content content = {
    .name = "grpc_pass",
    .serve = serve,
    .refuse = grpc_refuse,
    .health = &health_grpc_way,
    .redirects_to_slash = true,
    .takes_messages = takes_messages,
    .is_in_limit_except = true,
};


static const char *
parse_pass(struct conf *cf, void *field)
{
    struct grpc_target *to = field;
    const char         *error = NULL;
    str_t               url = cf->args[1], address;

    to->to.address = url;
    if (str_chr(url, '$') != NULL) {
        to->to.expr = expr_compile(cf, url, 0, &error);
        if (error != NULL)
            return error;
    } else {
        address = address_of(url, &to->to.is_secure);
        to->to.group = upstream_add(cf, address, port_of(to->to.is_secure),
                                    NULL, &error);
        if (to->to.group == NULL)
            return error;
        pass_set_host(address, port_of(to->to.is_secure), &to->host, &to->port);
    }
    if (to->to.is_secure || to->to.expr != NULL)
        gateway_tls_want(cf, &grpc_pass_module, &grpc_tls_place);
    conf_set_content(cf, &content);
    return NULL;
}


static const struct conf_type target_type = {
    .name = "address",
    .size = sizeof(struct grpc_target),
    .parse = parse_pass,
};

struct whole {
    struct grpc_target to;
};

static const struct directive directives[] = {
    { "grpc_pass", IN_LOCATION | IN_IF | ROW_NAMELESS, ARGS_1, &target_type,
      FIELD(struct whole, to, struct grpc_target), NULL, NULL, "address",
      "Passes requests of gRPC to a server or group: grpc://address, "
      "grpcs://address over TLS, or only the address. Bodies and trailers "
      "pass both ways as they come. May have variables." },
    { .name = NULL },
};


static str_t
get_trailers(struct task *t, uintptr_t arg)
{
    str_t te = fields_value(&http_of(t)->in, FIELD_TE);

    (void) arg;
    return field_has_word(te, STR("trailers")) ? STR("trailers") : STR_NONE;
}


static const struct variable variables[] = {
    { "grpc_internal_trailers", get_trailers, 0, VAR_VOLATILE, NULL,
      "\"trailers\" where the client accepts them (TE)" },
    { .name = NULL },
};


struct module grpc_pass_module = {
    .name = "grpc",
    .serves = FOR_HTTP,
    .directives = directives,
    .variables = variables,
    .conf_size = sizeof(struct grpc_target),
    .main_size = sizeof(struct gateway_tls_blocks),
    .main_ready = gateway_tls_make,
    .state_size = sizeof(struct grpc_state),
};


/* --- grpc_set_header ------------------------------------------------------ */

static const struct conf_type grpc_set_header_type = {
    .name = "fields",
    .size = sizeof(struct set_fields),
    .parse = set_headers_parse,
    .unset = "Content-Length $content_length",
};

static const struct directive header_directives[] = {
    { "grpc_set_header", IN_WEB | ROW_MANY, ARGS_2, &grpc_set_header_type,
      FIELD(struct set_headers, set, struct set_fields), NULL, NULL,
      "field value",
      "Sets a header of requests to the upstream; an empty value leaves it "
      "out. A block that sets one inherits none from outer blocks. Host "
      "becomes :authority." },
    ACCEPTED("grpc_headers_hash_max_size", IN_WEB, conf_number, "size",
             "Accepted without effect: weir's tables grow by themselves."),
    ACCEPTED("grpc_headers_hash_bucket_size", IN_WEB, conf_number, "size",
             "Accepted without effect: weir's tables grow by themselves."),
    { .name = NULL },
};


struct module grpc_headers_module = {
    .name = "grpc",
    .serves = FOR_HTTP,
    .directives = header_directives,
    .conf_size = sizeof(struct set_headers),
    .ready = set_headers_ready,
};
