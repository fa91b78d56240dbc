/* SPDX-License-Identifier: BSD-2-Clause */
/* Accept-Encoding (RFC 9110 section 12.5.3), as a pure function. */
#pragma once

#include "core/base/str.h"

enum { CODING_WEIGHT_MAX = 1000 };

/* How much a client with this value of Accept-Encoding wants a coding ("gzip",
 * in lower case), in thousandths; 0: not at all, or less than an uncompressed
 * response, of which it says so ("identity;q=1").  "*" is not taken for any
 * coding, since a client that does not list what it knows may know nothing,
 * unless it wants that more than an uncompressed response ("identity;q=0, *"). */
unsigned coding_weight(str_t accept, str_t coding);
/* Whether it is named. */
bool coding_is_listed(str_t accept, str_t coding);
