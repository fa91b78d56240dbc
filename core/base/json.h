/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as the content of a JSON string (RFC 8259 section 7).  Valid UTF-8
 * is kept, except for what must be escaped, and for DEL and U+0080 to U+009F,
 * which terminals interpret.  A byte that is not part of a valid character
 * becomes \u00XX, the character of that number, so that no byte is lost and
 * Latin-1 can be read.  Writers alternate between two calls: a run of plain
 * characters, then one escape.
 */
#pragma once

#include "core/base/str.h"

enum { JSON_ESCAPE = 6 };

/* How many bytes at the start of s need no escape; always whole characters. */
size_t json_plain(str_t s);
/* Removes the first, not plain character or byte from *s (s->n > 0), and writes
 * its escape to out; returns the length of that. */
size_t json_escape(str_t *s, char out[JSON_ESCAPE]);
