/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text to numbers and back.  Parsers take the whole string or fail: no sign,
 * no blanks, no overflow.
 */
#pragma once

#include "core/base/str.h"

typedef uint64_t msec_t; /* milliseconds: a duration, or a monotonic moment */

bool number_parse(str_t s, uint64_t max, uint64_t *out);
bool number_hex(str_t s, uint64_t max, uint64_t *out);

/* "8k", "1m", "512": bytes, with k, K, m, M; g, G where allowed. */
bool number_size(str_t s, bool giga, uint64_t *out);

/* nginx's times: "1h30m", "5s", "100ms", "1y 2M"; a number without a unit is
 * seconds (is_sec) or milliseconds.  The result is in milliseconds, or, with
 * is_sec, in seconds and "ms" is refused. */
bool number_time(str_t s, bool is_sec, uint64_t *out);

/* Writes decimal digits without a NUL to out (room for 20) and returns how
 * many there are. */
size_t number_put(char *out, uint64_t n);
