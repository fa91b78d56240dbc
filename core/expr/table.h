/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables that map a text to a value: exact keys without regard to case, host
 * names with a wildcard at one end, and regular expressions in their order.
 * Used by map.
 */
#pragma once

#include "core/expr/regex.h"

struct table;

struct table *table_new(struct arena *a);

/* Keys are copied, in lower case.  With is_hostname "*.name", ".name" (the
 * name and all below it) and "name.*" are wildcards.  NULL, or nginx's
 * message, made in cf. */
const char *table_add(struct conf *cf, struct table *t, str_t key,
                      bool is_hostname, void *value);
/* A regular expression without the "~"; with a leading "*" case does not
 * matter. */
const char *table_add_regex(struct conf *cf, struct table *t, str_t pattern,
                            void *value);

/* The value of key: of an exact key, else of the longest wildcard, leading ones
 * first, else of the first regular expression that matches (it sets the task's
 * captures; an empty key is not matched); NULL: none.  False: a match ended in
 * an error (logged), so the value is unknown. */
bool table_find(const struct table *t, struct task *task, str_t key,
                void **value);
