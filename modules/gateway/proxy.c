/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proxy: HTTP/1 to an upstream.  The directives that tune it, and the
 * protocol's functions for the gateway engine.
 */
#include "config.h"
#include "modules/gateway/h2peer_exchange.h"
#include "modules/gateway/proxy.h"

const struct gateway_protocol proxy_protocol = {
    .prefix = "proxy",
    .scheme = "http",
    .secure_scheme = "https",
    .port = 80,
    .has_text_head = true,
    .has_own_date = true,
    .fields_row = "proxy_set_header",
    .surplus = "upstream sent more data than specified in "
               "\"Content-Length\" header",
    .state_size = sizeof(struct h1_response),
    .prepare = proxy_prepare,
    .encode_head = proxy_encode_head,
    .encode_body = proxy_encode_body,
    .decode = proxy_decode,
    .decode_eof = proxy_decode_eof,
    .hidden = PROXY_HIDDEN,
    .hides = proxy_hides,
    .key = proxy_cache_key,
    .rewrite = proxy_rewrite,
};


static const struct gateway_protocol *const choices[]
    = { &proxy_h2_protocol, &proxy_protocol, NULL };

/* Over TLS.  What is stored, and explained, is as HTTP/1 has it. */
const struct gateway_protocol proxy_auto_protocol = {
    .prefix = "proxy",
    .scheme = "http",
    .secure_scheme = "https",
    .alpn = "\2h2\10http/1.1",
    .choices = choices,
    .port = 80,
    .has_own_date = true,
    .has_text_head = true,
    .fields_row = "proxy_set_header",
    .state_size = sizeof(struct h1_response),
    .prepare = proxy_prepare,
    .encode_head = proxy_encode_head,
    .decode = proxy_decode,
    .hidden = PROXY_HIDDEN,
    .hides = proxy_hides,
    .key = proxy_cache_key,
    .rewrite = proxy_rewrite,
};


const struct gateway_tls_place proxy_tls_place
    = { &proxy_module, offsetof(struct proxy_conf, tls), "proxy_ssl" };


static const char *
ready(struct conf *cf, void *at)
{
    struct proxy_conf *c = at;

    return gateway_ready_cached(cf, &c->gateway, "proxy", &disk_index_proxy);
}


static const struct conf_word versions[] = {
    { "1.0", HTTP_10 },     { "1.1", HTTP_11 }, { "2", HTTP_20 },
    { "auto", PROXY_AUTO }, { NULL, 0 },
};

static const struct conf_word upgrades[] = {
    { "auto", UPGRADE_AUTO },
    { "on", UPGRADE_ON },
    { "off", UPGRADE_OFF },
    { NULL, 0 },
};

static const struct conf_word prefaces[] = {
    { "off", PREFACE_NONE }, { "on", PREFACE_V1 }, { "v1", PREFACE_V1 },
    { "v2", PREFACE_V2 },    { NULL, 0 },
};

#define C struct proxy_conf

static const struct directive directives[] = {
    EXPR("proxy_method", IN_WEB, C, method, NULL, "method",
         "The method of the request to the upstream, instead of the client's. "
         "May have variables."),
    EXPR("proxy_set_body", IN_WEB, C, body, NULL, "value",
         "The body of the request to the upstream, instead of the client's. "
         "May have variables."),
    ENUM("proxy_http_version", IN_WEB, C, http_version, "1.1", versions,
         "The HTTP version of requests to the upstream; connections are "
         "reused with 1.1 and 2. With 2 it has to speak HTTP/2 at once, over "
         "TLS as ALPN says (h2). auto: over TLS the version that it chooses, "
         "else 1.1."),
    ENUM("proxy_upgrade", IN_WEB, C, upgrade, "auto", upgrades,
         "Whether an upgrade that the client asks for, such as a WebSocket, is "
         "passed on. auto: where no proxy_set_header names Upgrade or "
         "Connection; on: instead of these; off: by proxy_set_header only. An "
         "upgrade to h2c never is."),
    MSEC("proxy_upgrade_timeout", IN_WEB, C, gateway.upgrade_timeout, "0",
         "How long nothing may pass, either way, after an upgrade; 0: as "
         "proxy_read_timeout says."),
    { "proxy_redirect", IN_WEB | ROW_MANY | ROW_OFF_ALONE, ARGS_1 | ARGS_2,
      &proxy_redirect_type, FIELD(C, redirects, struct proxy_rules), NULL, NULL,
      "default | off\n"
      "redirect replacement",
      "Rewrites the start of Location and Refresh of the upstream. default, "
      "which applies unless another is set, replaces the URL of proxy_pass by "
      "the location." },
    { "proxy_cookie_path", IN_WEB | ROW_MANY | ROW_OFF_ALONE, ARGS_1 | ARGS_2,
      &proxy_cookie_path_type, FIELD(C, cookie_paths, struct proxy_rules), NULL,
      NULL,
      "off\n"
      "path replacement",
      "Rewrites the start of the path attribute of cookies that the upstream "
      "sets. The first one that matches applies." },
    { "proxy_cookie_domain", IN_WEB | ROW_MANY | ROW_OFF_ALONE, ARGS_1 | ARGS_2,
      &proxy_cookie_domain_type, FIELD(C, cookie_domains, struct proxy_rules),
      NULL, NULL,
      "off\n"
      "domain replacement",
      "Rewrites the domain attribute of cookies that the upstream sets. The "
      "first one that matches applies." },
    { "proxy_cookie_flags", IN_WEB | ROW_MANY | ROW_OFF_ALONE,
      ARGS_1 | ARGS_2 | ARGS_3 | ARGS_4, &proxy_cookie_flags_type,
      FIELD(C, cookie_flags, struct proxy_flag_rules), NULL, NULL,
      "off\n"
      "cookie flag ...",
      "Adds or removes attributes of cookies that the upstream sets: "
      "secure, httponly, samesite=strict, lax or none, or these with "
      "no in front." },
    ENUM("proxy_protocol", IN_WEB, C, gateway.preface, "off", prefaces,
         "The header of the PROXY protocol, which connections to the upstream "
         "begin with: it says who the client is. on is version 1; v2 has a "
         "checksum. A connection serves one connection of a client only."),
    FLAG(
        "proxy_pass_trailers", IN_WEB, C, gateway.pass_trailers, "off",
        "Whether trailers of the upstream's response are passed on, and, to an "
        "upstream of HTTP/2, those of the client's request, but for names that "
        "steer a request or that proxy_set_header sets."),
    GATEWAY_BUFFER("proxy_buffer_size", C),
    GATEWAY_NEXT("proxy_next_upstream", C, gateway_next_http),
    GATEWAY_CACHE_PATH("proxy_cache_path", disk_index_proxy),
    GATEWAY_USE_STALE("proxy_cache_use_stale", C, gateway_next_http),
    FLAG("proxy_cache_convert_head", IN_WEB, C, gateway.cache.converts_head,
         "on",
         "Asks the upstream with GET where the client asks with HEAD, so that "
         "the response can be stored. off needs $request_method in the key."),
    TEMP_PATH("proxy_temp_path", IN_WEB, C, gateway.temp_path,
              WEIR_PROXY_TEMP_PATH,
              "The folder for responses that do not fit into the buffers, "
              "with up to three levels of subfolders, each named by this many "
              "digits of the file's number."),
    { .name = NULL },
};

#define SHARED(rows) \
    { \
        rows, "proxy", FIELD(C, gateway, struct gateway_conf), IN_WEB \
    }

static const struct template templates[] = {
    SHARED(gateway_peer_rows),
    SHARED(gateway_field_rows),
    SHARED(gateway_body_rows),
    SHARED(gateway_cache_rows),
    SHARED(gateway_lowat_rows),
    SHARED(h2peer_rows),
    GATEWAY_TLS_TEMPLATES("proxy_ssl", C),
    { .rows = NULL },
};


struct module proxy_module = {
    .name = "proxy",
    .serves = FOR_HTTP,
    .directives = directives,
    .templates = templates,
    .conf_size = sizeof(struct proxy_conf),
    .ready = ready,
};
