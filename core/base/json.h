/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text as the inside of a JSON string (RFC 8259 section 7), whatever its
 * bytes.  Valid UTF-8 stays as it is, but for what must be escaped and for
 * DEL and U+0080 to U+009F, which terminals take as commands; a byte that is
 * part of no valid character becomes \u00XX, the character of that number, so
 * that Latin-1 can be read and no byte is lost.
 *
 * A writer takes turns: a run of what is plain, then one escape.
 */
#pragma once

#include "core/base/str.h"

enum { JSON_ESCAPE = 6 };

/* How many bytes at the start of s stand for themselves: whole characters. */
size_t json_plain(str_t s);
/* Takes what is at the start of *s and is not plain (s->n > 0) off it, and
 * writes its escape to out; returns its length. */
size_t json_escape(str_t *s, char out[JSON_ESCAPE]);
