/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads JSON (RFC 8259) that is in memory as a whole, without a tree: a value
 * is the part of the text that it stands in.  Nothing is checked that is not
 * asked for; whatever the text is, calls end, and stay within it.
 */
#pragma once

#include "core/base/arena.h"

/* The value of the first member with that name (which has no escapes) of an
 * object; false: there is none, or it is no object. */
bool json_member(str_t object, const char *name, str_t *value);

/* The next value of an array; *rest begins as the array.  False: no more. */
bool json_item(str_t *rest, str_t *value);

/* The text of a string, in a; false: it is no string, or not a valid one. */
bool json_string(struct arena *a, str_t value, str_t *out);

/* A number without sign, fraction and exponent. */
bool json_number(str_t value, uint64_t *out);
