/* SPDX-License-Identifier: BSD-2-Clause */
/* Entity tags (RFC 9110 section 8.8.3), as a pure function. */
#pragma once

#include "core/base/str.h"

/* Whether a list of tags (If-Match, If-None-Match) contains etag, which may be
 * weak; is_weak: ignore W/ on both sides. */
bool etag_is_listed(str_t list, str_t etag, bool is_weak);

/* Cuts the first element off a list, with the blanks and the comma around it. */
str_t etag_cut(str_t *list);
/* The tag in such an element ("W/\"x\""); STR_NONE: it is none. */
str_t etag_of(str_t element);
