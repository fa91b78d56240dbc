/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLS towards clients: the settings of servers, the handshake with those of the
 * server that the client means (SNI), and what requests may ask for on such a
 * connection.
 */
#pragma once

#include "core/cache/threads.h"
#include "core/expr/variable.h"
#include "core/tls/rows.h"
#include "core/tls/tls.h"
#include "http/conn.h"
#include "http/server.h"
#include "http/stapling.h"

extern struct module http_tls_module;

struct http_tls_conf {
    struct tls_conf        common;
    struct tls_server_conf own;
    struct thread_pool    *threads; /* for its keys; NULL: none              */
    /* Made of these, once; NULL: there is no certificate. */
    struct tls_settings   *settings;
    bool                   is_made;
};

/* The threads that r has for keys (ssl_async), or NULL. */
struct pool *http_tls_threads(const struct http_request *r);
/* Whether there is any ssl_async, as far as the configuration has been read. */
bool http_tls_has_threads(struct conf *cf);
/* The certificates of g that have OCSP responders (ssl_stapling). */
const http_staples_t *http_tls_staples(const struct generation *g);
/* The settings of the handshake of h, once its server is known; NULL: there is
 * no certificate. */
struct tls_settings *http_tls_settings(const struct http_conn *h);
/* A connection to an address with ssl begins with a handshake. */
void http_tls_accept(struct http_conn *h);
/* The server that a name of SNI means (as it was sent, or STR_NONE). */
const struct http_server *http_tls_server(const struct http_address *a,
                                          str_t name);

/* r asks for its server by that host: 0, or 421 (logged) where the client's
 * certificate was verified for another one, or not at all. */
unsigned http_tls_check_server(const struct http_request *r, str_t host);
/* The head of r is good: 0, or 495, 496, 497 (logged). */
unsigned http_tls_check(const struct http_request *r);

/* $ssl_...  (http/tls_variables.c) */
extern const struct variable http_tls_variables[];
