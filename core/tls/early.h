/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Early data (RFC 8446 2.3): what clients that resume a session send with
 * their ClientHello, and get answers to before the handshake is over.
 *
 * Somebody else can send the same bytes again.  So a ClientHello has its early
 * data accepted once, and soon after it was sent; after that, and when in doubt,
 * the client has to finish its handshake first, and sends the data again.
 */
#pragma once

#include "core/tls/inside.h"

/* Has it accepted by a context of a server, from sessions made by it. */
void tls_early_use(SSL_CTX *ssl);

/* The connection begins, its client offers early data or not. */
void tls_early_start(struct tls *t, bool is_offered);

/* Instead of SSL_do_handshake, with its results, in *what its name: also 1 when
 * early data is there to be read, and t->is_early then. */
int tls_early_shake(struct tls *t, const char **what);

/* SSL_read, SSL_peek of a byte, and SSL_write, with the same results, also while
 * the handshake goes on. */
int tls_early_read(struct tls *t, char *out, int n);
int tls_early_peek(struct tls *t);
int tls_early_write(struct tls *t, const char *p, size_t n);
