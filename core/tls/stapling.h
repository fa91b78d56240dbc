/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OCSP responses that are sent with the certificate (RFC 6066, 8): from a file.
 * Asking the responder that a certificate names is not in this build; for a
 * certificate that names none there is nothing to ask.
 */
#pragma once

#include "core/tls/context.h"

/* What ssl_stapling means for the certificates of s, which has been read: warns
 * where there is nothing to be had, once a certificate.  False: why. */
bool tls_stapling_check(struct conf *cf, const struct tls_settings *s,
                        char *why);
/* Whether these bytes are an OCSP response; OpenSSL's queue says why not. */
bool tls_stapling_is_response(str_t der);
/* Has a context send s->staple.  While c lives, it has a copy. */
void tls_stapling_use(struct tls_context *c, str_t der);
