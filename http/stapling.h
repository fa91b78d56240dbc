/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ssl_stapling: asks responders for the certificates of the current generation,
 * in the background, whenever it is time to (core/tls/stapling.h).
 */
#pragma once

#include "core/base/step.h"
#include "core/base/vec.h"

struct conn;
struct generation;
struct http_server;
struct tls_staple;
struct worker;

/* What a generation has: its certificates for which something is to be had. */
struct http_staple {
    const struct tls_staple  *staple;
    const struct http_server *server; /* whose resolver and log are used     */
};
typedef VEC(struct http_staple) http_staples_t;

/* This worker is about to serve g, as soon as all else is ready for it. */
void http_stapling_start(struct worker *w, struct generation *g);
/* For struct tls_server: STEP_WAIT, for a few seconds at most, while the response
 * of a certificate is asked for that clients do not take without. */
enum step http_stapling_await(struct conn *c);
/* The worker ends. */
void http_stapling_stop(struct worker *w);
