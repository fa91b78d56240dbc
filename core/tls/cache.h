/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Certificates whose names have variables.  They are loaded when a handshake
 * asks for them, and PREFIX_certificate_cache keeps some: each process has its
 * own, which end with the generation.
 */
#pragma once

#include <openssl/ssl.h>

#include "core/tls/settings.h"

struct tls_pair_cache;

/* Directive type over struct tls_pair_cache *, NULL being off. */
extern const struct conf_type conf_tls_pair_cache;

/* A certificate, those above it, and its key, as OpenSSL has them; counted. */
struct tls_identity;

/* That of these names, from the cache of s, or loaded (tls_pair_load), for
 * which it takes memory from a; with a reference.  NULL: why. */
struct tls_identity *tls_identity_get(const struct tls_settings *s,
                                      struct arena *a, str_t certificate,
                                      str_t key, char *why);
void                 tls_identity_put(struct tls_identity *i);

/* Gives a connection a certificate of its own; false: OpenSSL's queue says
 * why. */
bool tls_identity_use(SSL *ssl, const struct tls_identity *i);
