/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes JSON (RFC 8259) into an arena, as a single line.  A name is that of
 * a member; NULL within arrays, and for the outermost value.
 */
#pragma once

#include <sys/types.h>

#include "core/base/vec.h"

struct json_text {
    struct arena *arena;
    VEC(char)     out;       /* what was written so far                      */
    bool          has_value; /* in the object or array at hand               */
};

/* bracket is '{' or '['; then the values, then the closing one. */
void json_open(struct json_text *t, const char *name, char bracket);
void json_close(struct json_text *t, char bracket);

/* s.p NULL: null. */
void json_put(struct json_text *t, const char *name, str_t s);
void json_put_number(struct json_text *t, const char *name, uint64_t number);
void json_put_bool(struct json_text *t, const char *name, bool value);
