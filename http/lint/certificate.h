/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks a certificate for use by a server.
 */
#pragma once

#include <time.h>

#include "core/base/arena.h"

enum { CERTIFICATE_DAYS = 14 };

/* Checks the first certificate of a PEM text.  Returns a sentence when it has
 * expired or will expire within CERTIFICATE_DAYS of now, else STR_NONE, also
 * for a text that cannot be parsed. */
str_t certificate_expiry(struct arena *a, str_t pem, time_t now);

/* Whether it covers a name of server_name.  Also true for names that no
 * certificate can contain (regular expressions, "_", "example.*"), and for a
 * text that cannot be parsed. */
bool certificate_covers(struct arena *a, str_t pem, str_t name);
