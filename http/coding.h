/* SPDX-License-Identifier: BSD-2-Clause */
/* Accept-Encoding (RFC 9110 section 12.5.3), as a pure function. */
#pragma once

#include "core/base/str.h"

/* Whether a value of Accept-Encoding asks for a coding ("gzip", in lower
 * case) by its name and without a weight of zero. */
bool coding_is_accepted(str_t accept, str_t coding);
