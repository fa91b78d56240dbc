/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Certificates that are at their end.
 */
#pragma once

#include <openssl/x509.h>
#include <time.h>

#include "core/conf/generation.h"

enum { TLS_EXPIRY_DAYS = 14 };

/* "it has expired on 2026-11-30", or "it expires on ..." when less than
 * TLS_EXPIRY_DAYS are left, or less than a third of its lifetime if that is
 * shorter.  STR_NONE: neither. */
str_t tls_expiry_text(struct arena *a, const X509 *x, time_t now);

/* Warns of each such certificate that g has read, of servers and of upstreams,
 * and of those above them in their files. */
void tls_expiry_warn(const struct generation *g, const struct log *log);
