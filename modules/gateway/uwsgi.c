/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uwsgi: uWSGI's protocol.  A request is a header of four bytes, pairs of name
 * and value with lengths of two bytes, and the body, whose length is a
 * parameter: one of unknown length is read as a whole.
 *
 *     location / { include uwsgi_params; uwsgi_pass unix:/run/app.sock; }
 */
#include "config.h"
#include "modules/gateway/cgi.h"
#include "modules/gateway/params.h"
#include "modules/module.h"

enum { SIZE_MAX_16 = 65535, HEADER = 4 };

struct uwsgi_conf {
    struct gateway_conf gateway; /* first */
};

struct uwsgi_target {
    struct app app; /* first */
    uint64_t   modifier1, modifier2;
    str_t      string; /* sent behind the parameters                         */
};

extern struct module uwsgi_module, uwsgi_pass_module;


/* --- the target ----------------------------------------------------------- */

/* Takes the scheme off.  False: TLS is asked for. */
static bool
take_scheme(str_t *url)
{
    if (str_istarts(*url, STR("suwsgi://")))
        return false;
    if (str_istarts(*url, STR("uwsgi://")))
        *url = str_from(*url, sizeof("uwsgi://") - 1);
    return true;
}


static enum step
prepare(struct gateway *g)
{
    const struct app *c = g->data;
    str_t             url;

    if (c->to.group)
        return app_prepare(g);
    g->uri = STR("");
    if (!pass_evaluate(g, &c->to, &url))
        return STEP_FAIL;
    if (!take_scheme(&url)) {
        log_error(g->r->task.log,
                  "suwsgi protocol is not supported by this build");
        return gateway_fail(g, 500);
    }
    return gateway_find_group(g, url, 0) ? STEP_NEXT : STEP_FAIL;
}


/* --- the request ---------------------------------------------------------- */

static char *
put_size(char *p, size_t n)
{
    *p++ = (char) n;
    *p++ = (char) (n >> 8);
    return p;
}


static char *
put_text(char *p, str_t s)
{
    p = put_size(p, s.n);
    if (s.n)
        memcpy(p, s.p, s.n);
    return p + s.n;
}


/* The size of the pairs and of the string, which has to fit into two bytes; 0:
 * it does not, logged. */
static size_t
size_of(const struct log *log, const struct params *params, size_t n)
{
    VEC_EACH(&params->list, it)
        n += 2 + it->name.n + 2 + it->value.n;
    if (n <= SIZE_MAX_16)
        return n;
    log_error(log, "uwsgi request is too big: %zu", n);
    return 0;
}


static enum step
encode_head(struct exchange *x, struct chain *out)
{
    const struct uwsgi_target *c = exchange_gateway(x)->data;
    struct http_request       *r = exchange_request(x);
    struct params              params = { { NULL, 0, 0 } };
    size_t                     n;
    char                      *start, *p;

    if (!app_collect(x, &params))
        return STEP_FAIL;
    n = size_of(r->task.log, &params, c->string.n);
    if (n == 0)
        return STEP_FAIL;
    p = start = arena_bytes(r->task.arena, HEADER + n);
    *p++ = (char) c->modifier1;
    p = put_size(p, n);
    *p++ = (char) c->modifier2;
    VEC_EACH(&params.list, it) {
        p = put_text(p, it->name);
        p = put_text(p, it->value);
    }
    if (c->string.n)
        memcpy(p, c->string.p, c->string.n);
    chain_add(out, (str_t){ start, HEADER + n });
    return STEP_NEXT;
}


/* A Status header is passed on here. */
static bool
hides(enum field_id id, str_t name)
{
    return id != FIELD_STATUS && cgi_hides(id, name);
}


static const struct gateway_protocol protocol = {
    .prefix = "uwsgi",
    .scheme = "uwsgi",
    .fields_row = "uwsgi_param",
    .state_size = sizeof(struct cgi_response),
    .prepare = prepare,
    .encode_head = encode_head,
    .describe = app_describe,
    .decode = cgi_decode,
    .decode_eof = cgi_decode_eof,
    .hides = hides,
};


/* --- uwsgi_pass ----------------------------------------------------------- */

static enum step
serve(struct task *t)
{
    const struct uwsgi_conf *conf = conf_of(t, &uwsgi_module);

    return pass_serve(t, &protocol, &conf->gateway,
                      conf_of(t, &uwsgi_pass_module));
}


static const struct content content = {
    .name = "uwsgi_pass",
    .serve = serve,
    .redirects_to_slash = true,
    .is_in_limit_except = true,
};


static const char *
parse_pass(struct conf *cf, void *field)
{
    str_t url = cf->args[1];

    if (!take_scheme(&url))
        return conf_error(cf, "suwsgi protocol requires SSL support");
    return pass_parse(cf, field, url, &content);
}


static const struct conf_type url_type = {
    .name = "address",
    .size = sizeof(struct pass_target),
    .parse = parse_pass,
};


#define C struct uwsgi_target

static const struct conf_range byte = { 0, 255 };

static const struct directive pass_directives[] = {
    { "uwsgi_pass", IN_LOCATION | IN_IF | ROW_NAMELESS, ARGS_1, &url_type,
      FIELD(C, app.to, struct pass_target), NULL, NULL, "[uwsgi://]address",
      "Passes requests to a uwsgi server: host:port, unix:path or the name of "
      "a group. May have variables." },
    PARAMS("uwsgi_param", C, app.params, APP_PARAM_SAYS),
    NUMBER("uwsgi_modifier1", IN_WEB, C, modifier1, "0", &byte,
           "The first modifier of the header of requests."),
    NUMBER("uwsgi_modifier2", IN_WEB, C, modifier2, "0", &byte,
           "The second modifier of the header of requests."),
    TEXT("uwsgi_string", IN_WEB, C, string, NULL, "string",
         "What is sent after the parameters, as a part of them."),
    { .name = NULL },
};

#undef C

struct module uwsgi_pass_module = {
    .name = "uwsgi",
    .serves = FOR_HTTP,
    .directives = pass_directives,
    .conf_size = sizeof(struct uwsgi_target),
    .ready = app_ready,
};


/* --- the other directives ------------------------------------------------- */

static const char *
ready(struct conf *cf, void *at)
{
    struct uwsgi_conf *c = at;

    return gateway_ready(cf, &c->gateway, "uwsgi");
}


static const struct directive directives[] = {
    TEMP_PATH("uwsgi_temp_path", IN_WEB, struct uwsgi_conf, gateway.temp_path,
              WEIR_UWSGI_TEMP_PATH, PASS_TEMP_PATH_SAYS),
    { .name = NULL },
};

static const struct template templates[] = {
    PASS_ROWS("uwsgi", struct uwsgi_conf, gateway_peer_rows),
    PASS_ROWS("uwsgi", struct uwsgi_conf, gateway_field_rows),
    PASS_ROWS("uwsgi", struct uwsgi_conf, gateway_body_rows),
    { .rows = NULL },
};


struct module uwsgi_module = {
    .name = "uwsgi",
    .serves = FOR_HTTP,
    .directives = directives,
    .templates = templates,
    .conf_size = sizeof(struct uwsgi_conf),
    .ready = ready,
};
