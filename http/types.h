/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Media types: of files by their extension (http_set_content_type, in
 * http/response.h), and sets of them that directives such as charset_types
 * list.
 */
#pragma once

#include "core/conf/types.h"

struct mime_set;

/* Whether a type is in the set (case ignored): text/html always is, and * has
 * all, even none. */
bool mime_set_has(const struct mime_set *s, str_t type);

/* The directive type of such lists. */
extern const struct conf_type conf_mime_set;
#define MIME_SET(n, in, S, m, preset, says)                                    \
    { n, (in) | ROW_MANY, ARGS_1_OR_MORE, &conf_mime_set,                      \
      FIELD(S, m, struct mime_set *), preset, NULL, "mime-type ...",           \
      says }

extern struct module http_types_module;
