/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is wrong with a certificate for a server.
 */
#pragma once

#include <time.h>

#include "core/base/arena.h"

enum { CERTIFICATE_DAYS = 14 };

/* Looks at the first certificate of a PEM text.  A sentence, or STR_NONE when
 * nothing is wrong or it is not understood: it has expired, or will within
 * CERTIFICATE_DAYS of now. */
str_t certificate_expiry(struct arena *a, str_t pem, time_t now);

/* Whether it covers a server name as server_name has it; true for names that
 * no certificate can hold (regular expressions, "_", "example.*"), and where
 * the text is not understood. */
bool certificate_covers(struct arena *a, str_t pem, str_t name);
