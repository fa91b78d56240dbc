/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scgi: SCGI applications.  A request is a netstring of names and values, each
 * with a NUL behind it, that begins with CONTENT_LENGTH, and the body.  The
 * length comes first, so that a body of unknown length is read as a whole.
 *
 *     location / { include scgi_params; scgi_pass 127.0.0.1:4000; }
 */
#include "config.h"
#include "modules/gateway/cgi.h"
#include "modules/gateway/params.h"
#include "modules/gateway/pass.h"
#include "modules/module.h"

struct scgi_conf {
    struct gateway_conf gateway; /* first */
};

struct scgi_target {
    struct pass_target to;
    struct params_conf params;
};

extern struct module scgi_module, scgi_pass_module;


static enum step
prepare(struct gateway *g)
{
    const struct scgi_target *c = conf_of(&g->r->task, &scgi_pass_module);

    g->uri = STR("");
    return pass_find(g, &c->to) ? STEP_NEXT : STEP_FAIL;
}


/* CONTENT_LENGTH, and what is configured. */
static bool
collect(struct exchange *x, struct params *params)
{
    struct http_request      *r = exchange_request(x);
    const struct gateway     *g = exchange_gateway(x);
    const struct scgi_target *c = conf_of(&r->task, &scgi_pass_module);
    int64_t                   n = g->upload.length > 0 ? g->upload.length : 0;

    *vec_push(r->task.arena, &params->list) = (struct param){
        STR("CONTENT_LENGTH"),
        arena_printf(r->task.arena, "%lld", (long long) n),
    };
    return params_collect(params, r, &c->params, g->conf->pass_request_headers);
}


/* A NUL would end the text: it becomes a space. */
static char *
put_text(char *p, str_t s)
{
    for (size_t i = 0; i < s.n; i++)
        *p++ = s.p[i] != '\0' ? s.p[i] : ' ';
    *p++ = '\0';
    return p;
}


static enum step
encode_head(struct exchange *x, struct chain *out)
{
    struct arena *a = exchange_request(x)->task.arena;
    struct params params = { { NULL, 0, 0 } };
    size_t        n = 0;
    char         *start, *p;

    if (!collect(x, &params))
        return STEP_FAIL;
    VEC_EACH(&params.list, it)
        n += it->name.n + it->value.n + 2;
    p = start = arena_bytes(a, n + 1);
    VEC_EACH(&params.list, it) {
        log_debug(exchange_request(x)->task.log,
                  "scgi param: \"" STR_F ": " STR_F "\"", STR_A(it->name),
                  STR_A(it->value));
        p = put_text(p, it->name);
        p = put_text(p, it->value);
    }
    *p++ = ',';
    chain_add(out, arena_printf(a, "%zu:", n));
    chain_add(out, str_span(start, p));
    return STEP_NEXT;
}


static enum step
describe(struct exchange *x, struct chain *out)
{
    struct params params = { { NULL, 0, 0 } };

    if (!collect(x, &params))
        return STEP_FAIL;
    params_print(out, &params);
    return STEP_NEXT;
}


static const struct gateway_protocol protocol = {
    .prefix = "scgi",
    .scheme = "scgi",
    .fields_row = "scgi_param",
    .state_size = sizeof(struct cgi_response),
    .prepare = prepare,
    .encode_head = encode_head,
    .describe = describe,
    .decode = cgi_decode,
    .decode_eof = cgi_decode_eof,
    .hides = cgi_hides,
};


/* --- scgi_pass ------------------------------------------------------------ */

static enum step
serve(struct task *t)
{
    const struct scgi_conf *conf = conf_of(t, &scgi_module);

    return pass_serve(t, &protocol, &conf->gateway);
}


static const struct content content = {
    .name = "scgi_pass",
    .serve = serve,
    .redirects_to_slash = true,
    .is_in_limit_except = true,
};


static const char *
parse_pass(struct conf *cf, void *field)
{
    return pass_parse(cf, field, &content);
}


static const struct conf_type pass_type = {
    .name = "address",
    .size = sizeof(struct pass_target),
    .parse = parse_pass,
};


static const char *
pass_ready(struct conf *cf, void *at)
{
    struct scgi_target *c = at;

    params_ready(cf, &c->params);
    return NULL;
}


static const struct directive pass_directives[] = {
    { "scgi_pass", IN_LOCATION | IN_IF | ROW_NAMELESS, ARGS_1, &pass_type,
      FIELD(struct scgi_target, to, struct pass_target), NULL, NULL, "address",
      "Passes requests to an SCGI application: host:port, unix:path or the "
      "name of a group. May have variables." },
    PARAMS("scgi_param", struct scgi_target, params,
           "A parameter of requests to the application; with if_not_empty "
           "only where it has a value. A block that sets one inherits none "
           "from outer blocks. HTTP_HOST is sent unless set, and each header "
           "of the client as HTTP_NAME."),
    { .name = NULL },
};


struct module scgi_pass_module = {
    .name = "scgi",
    .serves = FOR_HTTP,
    .directives = pass_directives,
    .conf_size = sizeof(struct scgi_target),
    .ready = pass_ready,
};


/* --- the other directives ------------------------------------------------- */

static const char *
ready(struct conf *cf, void *at)
{
    struct scgi_conf *c = at;

    return gateway_ready(cf, &c->gateway, "scgi");
}


static const struct directive directives[] = {
    TEMP_PATH("scgi_temp_path", IN_WEB, struct scgi_conf, gateway.temp_path,
              WEIR_SCGI_TEMP_PATH, PASS_TEMP_PATH_SAYS),
    { .name = NULL },
};

static const struct template templates[] = {
    PASS_ROWS("scgi", struct scgi_conf, gateway_peer_rows),
    PASS_ROWS("scgi", struct scgi_conf, gateway_field_rows),
    PASS_ROWS("scgi", struct scgi_conf, gateway_body_rows),
    { .rows = NULL },
};


struct module scgi_module = {
    .name = "scgi",
    .serves = FOR_HTTP,
    .directives = directives,
    .templates = templates,
    .conf_size = sizeof(struct scgi_conf),
    .ready = ready,
};
