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
#include "modules/module.h"

struct scgi_conf {
    struct gateway_conf gateway; /* first */
};


extern struct module scgi_module, scgi_pass_module;


static enum step
encode_head(struct exchange *x, struct chain *out)
{
    struct arena        *a = exchange_request(x)->task.arena;
    int64_t              n = exchange_gateway(x)->upload.length;
    struct params params UNSET;

    params_init(&params, a, params_put_scgi);
    params_add(&params, STR("CONTENT_LENGTH"),
               arena_number(a, n > 0 ? (uint64_t) n : 0));
    if (!app_collect(x, &params))
        return STEP_FAIL;
    chain_add(out, params_scgi(&params));
    return STEP_NEXT;
}


static const struct gateway_protocol protocol = {
    .prefix = "scgi",
    .scheme = "scgi",
    .fields_row = "scgi_param",
    .has_text_head = true,
    .state_size = sizeof(struct cgi_response),
    .prepare = app_prepare,
    .encode_head = encode_head,
    .describe = app_describe,
    .decode = cgi_decode,
    .decode_eof = cgi_decode_eof,
    .hidden = CGI_HIDDEN,
};


/* --- scgi_pass ------------------------------------------------------------ */

static enum step
serve(struct task *t)
{
    return pass_serve(t, &protocol, conf_of(t, &scgi_module),
                      conf_of(t, &scgi_pass_module));
}


static const struct content content = PASS_CONTENT("scgi_pass", serve);


static const struct directive pass_directives[] = {
    PASS("scgi_pass", struct app, to, &content,
         "Passes requests to an SCGI application: host:port, unix:path or "
         "the name of a group. May have variables."),
    PARAMS("scgi_param", struct app, params, APP_PARAM_SAYS),
    { .name = NULL },
};


struct module scgi_pass_module = {
    .name = "scgi",
    .serves = FOR_HTTP,
    .directives = pass_directives,
    .conf_size = sizeof(struct app),
    .ready = app_ready,
};


/* --- the other directives ------------------------------------------------- */

static const char *
ready(struct conf *cf, void *at)
{
    struct scgi_conf *c = at;

    return gateway_ready_cached(cf, &c->gateway, "scgi", &disk_index_scgi);
}


static const struct directive directives[] = {
    GATEWAY_BUFFER("scgi_buffer_size", struct scgi_conf),
    GATEWAY_NEXT("scgi_next_upstream", struct scgi_conf, gateway_next_cgi),
    GATEWAY_CACHE_PATH("scgi_cache_path", disk_index_scgi),
    GATEWAY_USE_STALE("scgi_cache_use_stale", struct scgi_conf,
                      gateway_next_cgi),
    TEMP_PATH("scgi_temp_path", IN_WEB, struct scgi_conf, gateway.temp_path,
              WEIR_SCGI_TEMP_PATH, PASS_TEMP_PATH_SAYS),
    { .name = NULL },
};

static const struct template templates[] = {
    PASS_TEMPLATES("scgi", struct scgi_conf),
    PASS_ROWS("scgi", struct scgi_conf, gateway_cache_rows),
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
