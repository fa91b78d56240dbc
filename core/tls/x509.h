/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Certificates as OpenSSL has them.  Parsing one costs about as much as a
 * handshake, and those above many certificates are the same few, so the last
 * ones of the process are kept.
 */
#pragma once

#include <openssl/x509.h>

#include "core/base/arena.h"

/* As d2i_X509(NULL, at, n), but the certificate may be one that others have,
 * too: it is not to be changed. */
X509 *tls_x509_read(const unsigned char **at, long n);

/* x was made of der: it is the next one that is read of these bytes. */
void tls_x509_keep(X509 *x, str_t der);

/* Whether clients do not take it without an OCSP response: its TLS feature
 * status_request ("must-staple", RFC 7633). */
bool tls_x509_wants_staple(X509 *x);
