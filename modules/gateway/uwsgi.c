/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uwsgi: uWSGI's protocol.  A request is a header of four bytes, pairs of name
 * and value with lengths of two bytes, and the body, whose length is a
 * parameter: one of unknown length is read as a whole.
 *
 *     location / { include uwsgi_params; uwsgi_pass unix:/run/app.sock; }
 */
#include "config.h"
#include "http/gateway/tls.h"
#include "modules/gateway/cgi.h"
#include "modules/gateway/params.h"
#include "modules/module.h"

struct uwsgi_conf {
    struct gateway_conf gateway; /* first */
    struct gateway_tls  tls;
};

struct uwsgi_target {
    struct app app; /* first */
    uint64_t   modifier1, modifier2;
    str_t      string; /* sent behind the parameters                         */
};

extern struct module uwsgi_module, uwsgi_pass_module;

static const struct gateway_tls_place tls_place
    = { &uwsgi_module, offsetof(struct uwsgi_conf, tls), "uwsgi_ssl" };


/* --- the target ----------------------------------------------------------- */

/* Takes the scheme off.  True: it asks for TLS. */
static bool
take_scheme(str_t *url)
{
    bool is_secure = str_istarts(*url, STR("suwsgi://"));

    if (is_secure || str_istarts(*url, STR("uwsgi://")))
        *url = str_from(*url, sizeof("uwsgi://") - 1 + is_secure);
    return is_secure;
}


static enum step
prepare(struct gateway *g)
{
    const struct pass_target *to = &((const struct app *) g->data)->to;
    bool                      is_secure = to->is_secure;
    str_t                     url;

    g->uri = STR("");
    g->group = to->group;
    g->host = to->address;
    if (!g->group) {
        if (!pass_evaluate(g, to, &url))
            return STEP_FAIL;
        is_secure = take_scheme(&url);
        if (!gateway_find_group(g, url, 0))
            return STEP_FAIL;
    }
    if (is_secure)
        gateway_tls_begin(g, &tls_place, g->host);
    return STEP_NEXT;
}


/* --- the request ---------------------------------------------------------- */

static enum step
encode_head(struct exchange *x, struct chain *out)
{
    const struct uwsgi_target *c = exchange_gateway(x)->data;
    struct http_request       *r = exchange_request(x);
    const unsigned char        modifiers[]
        = { (unsigned char) c->modifier1, (unsigned char) c->modifier2 };
    struct params params UNSET;
    size_t               n;
    str_t                head;

    params_init(&params, r->task.arena, params_put_uwsgi);
    if (!app_collect(x, &params))
        return STEP_FAIL;
    head = params_uwsgi(&params, modifiers, c->string, &n);
    if (head.n == 0) {
        log_error(r->task.log, "uwsgi request is too big: %zu", n);
        return STEP_FAIL;
    }
    chain_add(out, head);
    return STEP_NEXT;
}


static const struct gateway_protocol protocol = {
    .prefix = "uwsgi",
    .scheme = "uwsgi",
    .secure_scheme = "suwsgi",
    .fields_row = "uwsgi_param",
    .has_text_head = true,
    .state_size = sizeof(struct cgi_response),
    .prepare = prepare,
    .encode_head = encode_head,
    .describe = app_describe,
    .decode = cgi_decode,
    .decode_eof = cgi_decode_eof,
    .hidden = GATEWAY_ORDERS, /* a Status header is passed on here */
};


/* --- uwsgi_pass ----------------------------------------------------------- */

static enum step
serve(struct task *t)
{
    return pass_serve(t, &protocol, conf_of(t, &uwsgi_module),
                      conf_of(t, &uwsgi_pass_module));
}


static const struct content content = PASS_CONTENT("uwsgi_pass", serve);


static const char *
parse_pass(struct conf *cf, void *field)
{
    struct pass_target *to = field;
    str_t               url = cf->args[1];
    bool                varies = str_chr(url, '$') != NULL;

    to->is_secure = !varies && take_scheme(&url);
    if (varies || to->is_secure)
        gateway_tls_want(cf, &uwsgi_pass_module, &tls_place);
    return pass_parse(cf, to, url, &content);
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
      FIELD(C, app.to, struct pass_target), NULL, NULL,
      "[uwsgi:// | suwsgi://]address",
      "Passes requests to a uwsgi server: host:port, unix:path or the name of "
      "a group; suwsgi:// with TLS. May have variables." },
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
    .main_size = sizeof(struct gateway_tls_blocks),
    .main_ready = gateway_tls_make,
};


/* --- the other directives ------------------------------------------------- */

static const char *
ready(struct conf *cf, void *at)
{
    struct uwsgi_conf *c = at;

    return gateway_ready_cached(cf, &c->gateway, "uwsgi", &disk_index_uwsgi);
}


static const struct directive directives[] = {
    GATEWAY_BUFFER("uwsgi_buffer_size", struct uwsgi_conf),
    GATEWAY_NEXT("uwsgi_next_upstream", struct uwsgi_conf, gateway_next_cgi),
    GATEWAY_CACHE_PATH("uwsgi_cache_path", disk_index_uwsgi),
    GATEWAY_USE_STALE("uwsgi_cache_use_stale", struct uwsgi_conf,
                      gateway_next_cgi),
    TEMP_PATH("uwsgi_temp_path", IN_WEB, struct uwsgi_conf, gateway.temp_path,
              WEIR_UWSGI_TEMP_PATH, PASS_TEMP_PATH_SAYS),
    { .name = NULL },
};

static const struct template templates[] = {
    PASS_TEMPLATES("uwsgi", struct uwsgi_conf),
    PASS_ROWS("uwsgi", struct uwsgi_conf, gateway_cache_rows),
    GATEWAY_TLS_TEMPLATES("uwsgi_ssl", struct uwsgi_conf),
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
