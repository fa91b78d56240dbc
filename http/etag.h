/* SPDX-License-Identifier: BSD-2-Clause */
/* Entity tags (RFC 9110 section 8.8.3), as a pure function. */
#pragma once

#include "core/base/str.h"

/* Whether a list of tags (If-Match, If-None-Match) contains etag, which may be
 * weak; is_weak: ignore W/ on both sides. */
bool etag_is_listed(str_t list, str_t etag, bool is_weak);
