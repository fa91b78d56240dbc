/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks a certificate for use by a server.
 */
#pragma once

#include <time.h>

#include "core/base/arena.h"

/* What tls_expiry_text says of the first certificate of a PEM text; STR_NONE also
 * for a text that cannot be parsed. */
str_t certificate_expiry(struct arena *a, str_t pem, time_t now);

/* Whether the first one is good only with an OCSP response (must-staple). */
bool certificate_wants_staple(str_t pem);

/* Whether it covers a name of server_name.  Also true for names that no
 * certificate can contain (regular expressions, "_", "example.*"), and for a
 * text that cannot be parsed. */
bool certificate_covers(struct arena *a, str_t pem, str_t name);
