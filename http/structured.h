/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Structured fields (RFC 9651), as pure functions: what is read here is a
 * dictionary, member by member, or a byte sequence.  Parameters are checked and
 * skipped.  Nothing is copied: strings stay escaped.
 */
#pragma once

#include "core/base/parse.h"
#include "core/base/str.h"

#include <stdbool.h>

enum structured_kind {
    STRUCTURED_NUMBER, /* integers, decimals, dates                          */
    STRUCTURED_STRING, /* text is what stands between the quotes             */
    STRUCTURED_TOKEN,
    STRUCTURED_BYTES, /* ... between the colons                              */
    STRUCTURED_BOOL,  /* text is 0 or 1                                      */
    STRUCTURED_LIST,  /* an inner list: ... between the parentheses          */
};

struct structured_member {
    str_t                key;
    enum structured_kind kind;
    str_t                text;
};

/* Takes the next member of a dictionary off *rest.  PARSE_END: there is none;
 * PARSE_BAD: then the whole field is to be ignored. */
enum parse structured_next(str_t *rest, struct structured_member *m);

/* Whether the whole value is one item of that kind; then *text is what it
 * says. */
bool structured_item(str_t value, enum structured_kind kind, str_t *text);
