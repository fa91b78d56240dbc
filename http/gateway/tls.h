/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLS to upstreams: the settings PREFIX_ssl_... of a location, and what a
 * connection is opened with for one request.
 */
#pragma once

#include "core/tls/rows.h"
#include "core/tls/tls.h"

struct exchange;
struct gateway;

/* Part of a protocol's conf, the base of the templates tls_rows and
 * tls_client_rows. */
struct gateway_tls {
    struct tls_conf        common;
    struct tls_client_conf own;
    /* Made of these once, by gateway_tls_make. */
    struct tls_settings   *settings;
    bool                   is_made;
};

/* The templates for C, whose member tls is one. */
#define GATEWAY_TLS_TEMPLATES(prefix, C)                                       \
    { tls_rows, prefix, FIELD(C, tls.common, struct tls_conf), IN_WEB },       \
    {                                                                          \
        tls_client_rows, prefix, FIELD(C, tls.own, struct tls_client_conf),    \
            IN_WEB                                                             \
    }

/* Of a request, in its arena. */
struct gateway_secure {
    const struct tls_settings *settings;
    struct gateway            *gateway;
    str_t                      name; /* to be verified, and sent             */
    bool                       sends_name, verifies, reuses_sessions;
    struct pool               *threads;  /* for its key, or NULL             */
    struct tls_identity       *identity; /* NULL: that of the settings       */
    str_t                      key;  /* of all that depends on the request   */
};

/* Where the settings of a protocol stand, whose conf begins with a struct
 * gateway_conf, and the prefix of their directives. */
struct gateway_tls_place {
    const struct module *module;
    size_t               offset; /* of the struct gateway_tls in its conf    */
    const char          *prefix; /* "proxy_ssl"                              */
};

/* The blocks whose connections may need TLS: the main conf of a module that has
 * PREFIX_pass, with gateway_tls_make as its main_ready. */
struct gateway_tls_blocks {
    VEC(struct conf_block *) list;
    const struct gateway_tls_place *place;
};

/* The block that is being read is one of them; pass is that module. */
void gateway_tls_want(struct conf *cf, const struct module *pass,
                      const struct gateway_tls_place *place);
/* When the configuration has been read: reads the files of the settings where
 * they are used.  Errors are reported. */
const char *gateway_tls_make(struct conf *cf, void *blocks);

/* The connections of g speak TLS.  host is the upstream's, with its port. */
void gateway_tls_begin(struct gateway *g, const struct gateway_tls_place *place,
                       str_t host);
/* Before the first connection: false: logged, the request fails with 500. */
bool gateway_tls_prepare(struct gateway *g);
/* For link_options: arg is the struct gateway_secure. */
bool gateway_tls_wrap(struct conn *c, void *arg);
/* After the handshake: whether the peer is who it has to be; false: logged. */
bool gateway_tls_check(const struct exchange *x);
/* The handshake has failed, which was logged: says what may help. */
void gateway_tls_failed(const struct exchange *x);
