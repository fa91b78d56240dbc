/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Media types: those of files by their extension (http_set_content_type, in
 * http/response.h), and the sets of types in directives such as charset_types.
 */
#pragma once

#include "core/conf/types.h"

struct mime_set;

/* Whether a type is in the set (ignoring case): text/html always is (of
 * conf_xml_set, text/xml), and * includes all, even a missing one. */
bool mime_set_has(const struct mime_set *s, str_t type);

/* The directive type for such sets. */
extern const struct conf_type conf_mime_set, conf_xml_set;
#define MIME_SET(n, in, S, m, preset, says) \
    { \
        n, (in) | ROW_MANY, ARGS_1_OR_MORE, &conf_mime_set, \
            FIELD(S, m, struct mime_set *), preset, NULL, "mime-type ...", \
            says \
    }

extern struct module http_types_module;
