/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The literal text with which everything that a regular expression matches
 * begins or ends: "^/api/v\d" only matches what begins with "/api/v", "\.php$"
 * only what ends with ".php".  Comparing these is cheaper than running the
 * matcher.  Independent of PCRE.
 */
#pragma once

#include "core/base/arena.h"

struct literal {
    str_t head, tail; /* of a subject that matches; empty: nothing is known  */
    bool  is_nocase;  /* both are compared without case                      */
    char  head_end;   /* the last of head, in lower case                     */
};

/* Analyses a pattern.  Where it is not sure, head and tail stay empty. */
struct literal literal_of(struct arena *a, str_t pattern, bool is_nocase);

/* Whether the subject ends differently. */
bool literal_differs(const struct literal *l, str_t s);

/* Whether the pattern may match the subject; false is certain.  The end of the
 * head is compared first, since it differs more often than the start. */
static inline bool
literal_allows(const struct literal *l, str_t s)
{
    size_t n = l->head.n;

    if (n != 0
        && (s.n < n
            || ascii_lower(s.p[n - 1]) != l->head_end))
        return false;
    return (n == 0 && l->tail.n == 0) || !literal_differs(l, s);
}
