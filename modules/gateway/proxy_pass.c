/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proxy_pass: the target.
 *
 *     location /app/ { proxy_pass http://backend/; }
 */
#include "http/variables.h"
#include "modules/gateway/proxy.h"


/* An upgrade is one of HTTP/1. */
static const struct gateway_protocol *
protocol_of(const struct http_request *r, const struct proxy_conf *conf)
{
    if (conf->http_version == HTTP_20)
        return &proxy_h2_protocol;
    if (conf->http_version == PROXY_AUTO
        && fields_get(&r->in, FIELD_UPGRADE) == NULL)
        return &proxy_auto_protocol;
    return &proxy_protocol;
}


static enum step
serve(struct task *t)
{
    struct http_request *r = http_of(t);
    struct gateway      *g = gateway_of(r);

    if (!g) {
        const struct proxy_conf   *conf = conf_of(t, &proxy_module);
        const struct proxy_target *to = conf_of(t, &proxy_pass_module);
        struct proxy_state        *s = http_state_of(r, &proxy_pass_module);

        *s = (struct proxy_state){
            .target = to, .host = to->host, .port = to->port, .uri = to->uri
        };
        g = gateway_new(r, protocol_of(r, conf), &conf->gateway,
                        r->location->identity);
        g->group = to->group;
        g->data = s;
        if (to->is_secure)
            gateway_tls_begin(g, &proxy_tls_place, to->host);
        g->upload.is_replaced = conf->body && conf->gateway.pass_request_body;
        g->upload.needs_length = conf->http_version == HTTP_10;
    }
    return gateway_run(g);
}


/* Streams of messages can be passed on as they come, over HTTP/2. */
static bool
takes_messages(const struct http_request *r)
{
    const struct proxy_conf *conf = conf_of(&r->task, &proxy_module);

    return !conf->gateway.request_buffering
           && protocol_of(r, conf) != &proxy_protocol;
}


static const struct content content = {
    .name = "proxy_pass",
    .serve = serve,
    .redirects_to_slash = true,
    .takes_messages = takes_messages,
    .is_in_limit_except = true,
};


static const char *
check_uri(struct conf *cf, struct proxy_target *to)
{
    const struct http_location *l = conf_location(cf);

    switch (l->kind) {
    case LOCATION_REGEX:
    case LOCATION_NAMED:
    case LOCATION_NAMELESS:
        if (to->uri.n)
            return conf_error(
                cf, "\"proxy_pass\" cannot have URI part in location given "
                    "by regular expression, or inside named location, or "
                    "inside \"if\" statement, or inside \"limit_except\" "
                    "block");
        to->location = STR("");
        return NULL;
    case LOCATION_PREFIX:
    case LOCATION_CARET:
    case LOCATION_EXACT:
        break;
    }
    to->location = l->name;
    return NULL;
}


static const char *
parse_fixed(struct conf *cf, struct proxy_target *to)
{
    static const char plain[] = "http://", secure[] = "https://";
    str_t             rest;
    const char       *error = NULL;
    size_t            n;

    to->is_secure = str_istarts(to->url, STR("https://"));
    if (!to->is_secure && !str_istarts(to->url, STR("http://")))
        return conf_error(cf, "invalid URL prefix");
    rest = str_from(to->url,
                    (to->is_secure ? sizeof(secure) : sizeof(plain)) - 1);
    to->group = upstream_add(cf, rest,
                             to->is_secure ? HTTPS_PORT : proxy_protocol.port,
                             &to->uri, &error);
    if (!to->group)
        return error;
    n = rest.n - to->uri.n;
    if (to->uri.n && str_istarts(rest, STR("unix:")) && n
        && rest.p[n - 1] == ':')
        n--;
    pass_set_host((str_t){ rest.p, n },
                  to->is_secure ? HTTPS_PORT : proxy_protocol.port, &to->host,
                  &to->port);
    return check_uri(cf, to);
}


static const char *
parse_pass(struct conf *cf, void *field)
{
    struct proxy_target *to = field;
    const char          *error = NULL;

    to->url = cf->args[1];
    if (str_chr(to->url, '$')) {
        to->expr = expr_compile(cf, to->url, 0, &error);
        if (!to->expr)
            return error;
        to->location = conf_location(cf)->name;
    } else {
        error = parse_fixed(cf, to);
        if (error)
            return error;
    }
    if (to->is_secure || to->expr != NULL)
        gateway_tls_want(cf, &proxy_pass_module, &proxy_tls_place);
    conf_set_content(cf, &content);
    return NULL;
}


static const struct conf_type url_type = {
    .name = "URL of a server",
    .size = sizeof(struct proxy_target),
    .parse = parse_pass,
};

struct whole {
    struct proxy_target to;
};

static const struct directive directives[] = {
    { "proxy_pass", IN_LOCATION | IN_IF | IN_LIMIT_EXCEPT | ROW_NAMELESS,
      ARGS_1, &url_type, FIELD(struct whole, to, struct proxy_target), NULL,
      NULL, "URL",
      "Passes requests to a server or group. A path replaces the location's "
      "prefix; without one, the URI is passed on unchanged. A URI with "
      "variables is used as a whole." },
    { .name = NULL },
};


/* --- variables ------------------------------------------------------------ */

static str_t
get_host(struct task *t, uintptr_t offset)
{
    const struct proxy_state *s = http_state_if(http_of(t), &proxy_pass_module);

    if (!s)
        return STR_NONE;
    return *(const str_t *) (const void *) ((const char *) s + offset);
}


/* The Content-Length or Transfer-Encoding that the upstream is sent. */
static str_t
get_framing(struct task *t, uintptr_t is_chunked)
{
    const struct proxy_state *s = http_state_if(http_of(t), &proxy_pass_module);

    if (!s || !s->method.p || s->is_chunked != (bool) is_chunked)
        return STR_NONE;
    if (is_chunked)
        return STR("chunked");
    return s->body_length < 0
               ? STR_NONE
               : arena_number(t->arena, (uint64_t) s->body_length);
}


/* X-Forwarded-For with the client's address appended. */
static str_t
get_forwarded(struct task *t, uintptr_t arg)
{
    struct http_request *r = http_of(t);
    str_t                peer = http_var_remote_addr(t, 0);
    str_t                before
        = fields_joined(t->arena, &r->in, STR("x_forwarded_for"), ", ");

    (void) arg;
    if (!before.p)
        return peer;
    return str_join3(t->arena, before, STR(", "), peer);
}


static const struct variable variables[] = {
    { "proxy_host", get_host, offsetof(struct proxy_state, host),
      VAR_VOLATILE | VAR_CHANGEABLE, NULL,
      "the host and port of proxy_pass, the port only if it is not 80" },
    { "proxy_port", get_host, offsetof(struct proxy_state, port),
      VAR_VOLATILE | VAR_CHANGEABLE, NULL,
      "the port that proxy_pass names, or 80" },
    { "proxy_internal_body_length", get_framing, false, VAR_VOLATILE, NULL,
      "the length of the body sent to the upstream" },
    { "proxy_internal_chunked", get_framing, true, VAR_VOLATILE, NULL,
      "\"chunked\" where the body goes to the upstream in chunks" },
    { "proxy_add_x_forwarded_for", get_forwarded, 0, VAR_VOLATILE, NULL,
      "X-Forwarded-For of the request with $remote_addr appended" },
    { .name = NULL },
};


struct module proxy_pass_module = {
    .name = "proxy_pass",
    .serves = FOR_HTTP,
    .directives = directives,
    .variables = variables,
    .conf_size = sizeof(struct proxy_target),
    .main_size = sizeof(struct gateway_tls_blocks),
    .main_ready = gateway_tls_make,
    .state_size = sizeof(struct proxy_state),
};
