/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared by the files of the proxy module.  There are two modules with a conf
 * each, so that a location with only a proxy_pass costs little memory:
 * "proxy_pass" has the target, and "proxy" all that can be tuned.
 */
#pragma once

#include "core/upstream/group.h"
#include "http/cookie.h"
#include "http/gateway/gateway.h"
#include "http/gateway/tls.h"
#include "http/h1/response.h"
#include "modules/gateway/pass.h"
#include "modules/gateway/set_headers.h"
#include "modules/module.h"

/* One proxy_redirect, proxy_cookie_path or proxy_cookie_domain. */
struct proxy_rule {
    bool          is_default; /* proxy_redirect default                      */
    struct expr  *from;       /* a text; or                                  */
    struct regex *pattern;
    struct expr  *to;
};

struct proxy_rules {
    VEC(struct proxy_rule) list;
    bool is_off;
};

struct proxy_flag_rule {
    struct expr  *name;
    struct regex *pattern;
    unsigned      flags;   /* enum cookie_flag                               */
    struct expr  *dynamic[3]; /* flags given by variables                    */
};

struct proxy_flag_rules {
    VEC(struct proxy_flag_rule) list;
    bool is_off;
};

/* proxy_http_version auto: as ALPN says. */
enum { PROXY_AUTO = 1 };

/* proxy_upgrade. */
enum proxy_upgrade { UPGRADE_AUTO, UPGRADE_ON, UPGRADE_OFF };

struct proxy_conf {
    struct gateway_conf     gateway; /* first */
    struct expr            *method, *body;
    unsigned                http_version; /* 1000, 1001, 2000, PROXY_AUTO    */
    unsigned                upgrade;      /* enum proxy_upgrade              */
    struct proxy_rules      redirects, cookie_paths, cookie_domains;
    struct proxy_flag_rules cookie_flags;
    struct gateway_tls      tls;
};

struct proxy_target {
    bool                   is_secure; /* https                               */
    struct upstream_group *group; /* NULL: depends on variables              */
    struct expr           *expr;
    str_t                  url;   /* with its scheme, as written             */
    str_t                  uri;   /* part of it, or empty                    */
    str_t                  host;  /* $proxy_host                             */
    str_t                  port;  /* $proxy_port                             */
    str_t                  location; /* is replaced by uri; or empty         */
};

/* Of a request. */
struct proxy_state {
    const struct proxy_target *target;
    str_t                      host, port, uri;
    str_t                      method;
    bool                       is_head;
    bool                       is_chunked; /* the request's body             */
    int64_t                    body_length; /* -1: none is sent              */
};

extern struct module proxy_module, proxy_pass_module, proxy_headers_module;
extern const struct gateway_protocol proxy_protocol, proxy_h2_protocol,
    proxy_auto_protocol;
extern const struct gateway_tls_place proxy_tls_place;

static inline const struct proxy_conf *
proxy_conf_of(const struct gateway *g)
{
    return (const struct proxy_conf *) (const void *) g->conf;
}

/* proxy_uri.c: the target of the upstream request.  part is the URI part of
 * proxy_pass, which takes the place of location if replaces is set. */
str_t proxy_build_uri(struct arena *a, const struct http_request *r,
                      str_t part, str_t location, bool replaces);
/* proxy_request.c */
enum step proxy_prepare(struct gateway *g);
enum step proxy_encode_head(struct exchange *x, struct chain *out);
enum step proxy_encode_body(struct exchange *x, struct chain *in,
                            struct chain *out, bool last);
str_t     proxy_cache_key(const struct gateway *g);
/* A cache may ask with GET where the client asks with HEAD. */
void proxy_convert(struct gateway *g);
/* proxy_response.c */
/* Reports an event of a head: STEP_WAIT to go on with the next one. */
enum step proxy_tell(struct exchange *x, const struct h1_response *h,
                     enum h1_event event);
enum step proxy_decode(struct exchange *x, struct buf *in);
enum step proxy_decode_eof(struct exchange *x);
#define PROXY_HIDDEN                                                           \
    (FIELD_BIT(FIELD_DATE) | FIELD_BIT(FIELD_SERVER) | GATEWAY_ORDERS)
bool proxy_hides(str_t name);
/* proxy_rewrite.c */
bool proxy_rewrite(struct gateway *g, enum field_id id, str_t *value);
/* Compiles what a rule replaces: "~pattern" or "~*pattern" sets *pattern, any
 * other text sets *from.  nocase: all patterns ignore case.  Returns an error
 * or NULL. */
const char *proxy_compile_from(struct conf *cf, str_t text, bool nocase,
                               struct expr **from, struct regex **pattern);
const char *proxy_add_rule(struct conf *cf, struct proxy_rules *rules,
                           str_t from, str_t to, bool nocase);
/* proxy_cookie.c: rewrites a Set-Cookie; true when *value was changed. */
bool proxy_rewrite_cookie(struct gateway *g, str_t *value);
extern const struct conf_type proxy_redirect_type, proxy_cookie_path_type,
    proxy_cookie_domain_type, proxy_cookie_flags_type;
