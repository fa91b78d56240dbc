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

/* Of a request, in its arena. */
struct gateway_secure {
    const struct tls_settings *settings;
    struct gateway            *gateway;
    str_t                      name; /* to be verified, and sent             */
    bool                       sends_name, verifies, reuses_sessions;
    struct tls_pair            pair; /* chain.p NULL: that of the settings   */
    str_t                      key;  /* of all that depends on the request   */
};

/* When the configuration has been read: reads the files.  NULL, or a message
 * that has been reported; prefix is that of the directives ("proxy_ssl"). */
void gateway_tls_make(struct conf *cf, struct gateway_tls *t,
                      const char *prefix);

/* The connections of g speak TLS.  host is the upstream's, with its port. */
void gateway_tls_begin(struct gateway *g, const struct gateway_tls *t,
                       str_t host);
/* Before the first connection: false: logged, the request fails with 500. */
bool gateway_tls_prepare(struct gateway *g);
/* For link_options: arg is the struct gateway_secure. */
bool gateway_tls_wrap(struct conn *c, void *arg);
/* After the handshake: whether the peer is who it has to be; false: logged. */
bool gateway_tls_check(const struct exchange *x);
/* The handshake has failed, which was logged: says what may help. */
void gateway_tls_failed(const struct exchange *x);
