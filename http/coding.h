/* SPDX-License-Identifier: BSD-2-Clause */
/* Accept-Encoding (RFC 9110 section 12.5.3), as a pure function. */
#pragma once

#include "core/base/str.h"

/* Whether a value of Accept-Encoding lists a coding ("gzip", in lower case) by
 * name and with a weight other than zero. */
bool coding_is_accepted(str_t accept, str_t coding);
