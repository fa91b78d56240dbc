/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proxy: HTTP/1 to an upstream.  The tunables, and the protocol as the gateway
 * engine knows it.
 */
#include "config.h"
#include "modules/gateway/proxy.h"

const struct gateway_protocol proxy_protocol = {
    .prefix = "proxy",
    .scheme = "http",
    .port = 80,
    .state_size = sizeof(struct h1_response),
    .prepare = proxy_prepare,
    .encode_head = proxy_encode_head,
    .encode_body = proxy_encode_body,
    .decode = proxy_decode,
    .decode_eof = proxy_decode_eof,
    .hides = proxy_hides,
    .rewrite = proxy_rewrite,
};


/* The client's fields that are never passed on. */
static const enum field_id kept_back[] = {
    FIELD_HOST,           FIELD_CONNECTION, FIELD_KEEP_ALIVE,
    FIELD_CONTENT_LENGTH, FIELD_TE,         FIELD_TRANSFER_ENCODING,
    FIELD_UPGRADE,        FIELD_EXPECT,     FIELD_PROXY_CONNECTION,
};


/* The place of a field: a request has one Host only, the last that is set;
 * others may be repeated. */
static struct proxy_field *
place_for(struct conf *cf, struct proxy_fields *set, enum field_id id)
{
    if (id == FIELD_HOST)
        VEC_EACH(&set->list, f)
            if (f->id == id)
                return f;
    return vec_push(cf->arena, &set->list);
}


static const char *
parse_set_header(struct conf *cf, void *field)
{
    struct proxy_field *f = place_for(cf, field, field_id(cf->args[1]));
    const char         *error = NULL;

    f->name = cf->args[1];
    f->id = field_id(f->name);
    f->value = expr_compile(cf, cf->args[2], 0, &error);
    return f->value ? NULL : error;
}

static const struct conf_type set_header_type = {
    .name = "fields",
    .size = sizeof(struct proxy_fields),
    .parse = parse_set_header,
};


static const char *
ready(struct conf *cf, void *at)
{
    struct proxy_conf *c = at;

    for (size_t i = 0; i < countof(kept_back); i++)
        c->replaces[kept_back[i]] = true;
    VEC_EACH(&c->set.list, f) {
        c->sets[f->id] = c->replaces[f->id] = true;
        if (f->id != FIELD_UNKNOWN)
            continue;
        if (!c->replaced)
            c->replaced = hash_new(cf->arena, c->set.list.n, HASH_NOCASE);
        hash_set(c->replaced, f->name, f);
    }
    c->replaces[FIELD_UNKNOWN] = c->sets[FIELD_UNKNOWN] = false;
    return gateway_ready(cf, &c->gateway, "proxy");
}


static const struct conf_word versions[] = {
    { "1.0", HTTP_10 },
    { "1.1", HTTP_11 },
    { NULL, 0 },
};

#define C struct proxy_conf

static const struct directive directives[] = {
    { "proxy_set_header", IN_WEB | ROW_MANY, ARGS_2, &set_header_type,
      FIELD(C, set, struct proxy_fields), NULL, NULL },
    EXPR("proxy_method", IN_WEB, C, method, NULL),
    EXPR("proxy_set_body", IN_WEB, C, body, NULL),
    ENUM("proxy_http_version", IN_WEB, C, http_version, "1.1", versions),
    { "proxy_redirect", IN_WEB | ROW_MANY, ARGS_1 | ARGS_2,
      &proxy_redirect_type, FIELD(C, redirects, struct proxy_rules), NULL,
      NULL },
    { "proxy_cookie_path", IN_WEB | ROW_MANY, ARGS_1 | ARGS_2,
      &proxy_cookie_path_type, FIELD(C, cookie_paths, struct proxy_rules), NULL,
      NULL },
    { "proxy_cookie_domain", IN_WEB | ROW_MANY, ARGS_1 | ARGS_2,
      &proxy_cookie_domain_type, FIELD(C, cookie_domains, struct proxy_rules),
      NULL, NULL },
    { "proxy_cookie_flags", IN_WEB | ROW_MANY,
      ARGS_1 | ARGS_2 | ARGS_3 | ARGS_4, &proxy_cookie_flags_type,
      FIELD(C, cookie_flags, struct proxy_flag_rules), NULL, NULL },
    FLAG("proxy_pass_trailers", IN_WEB, C, gateway.pass_trailers, "off"),
    TEMP_PATH("proxy_temp_path", IN_WEB, C, gateway.temp_path,
              WEIR_PROXY_TEMP_PATH),
    ACCEPTED("proxy_headers_hash_max_size", IN_WEB, ARGS_1),
    ACCEPTED("proxy_headers_hash_bucket_size", IN_WEB, ARGS_1),
    { NULL, 0, 0, NULL, 0, NULL, NULL },
};

static const struct directive *const templates[] = {
    gateway_peer_rows,
    gateway_field_rows,
    gateway_body_rows,
    NULL,
};


struct module proxy_module = {
    .name = "proxy",
    .serves = FOR_HTTP,
    .directives = directives,
    .prefix = "proxy",
    .templates = templates,
    .conf_size = sizeof(struct proxy_conf),
    .ready = ready,
};
