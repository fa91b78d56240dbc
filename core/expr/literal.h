/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a regular expression says about both ends of all that it matches, as
 * far as that is plain text: "^/api/v\d" matches nothing that does not start
 * with "/api/v", "\.php$" nothing that does not end with ".php".  Comparing
 * these costs less than asking the matcher.  Knows no PCRE.
 */
#pragma once

#include "core/base/arena.h"

struct literal {
    str_t head, tail; /* of a subject that matches; empty: nothing is known  */
    bool  is_nocase;  /* letters of both stand for either case               */
    char  head_end;   /* the last of head, in lower case                     */
};

/* Reads a pattern.  Of whatever is not understood for certain nothing is
 * said. */
struct literal literal_of(struct arena *a, str_t pattern, bool is_nocase);

/* Whether an end of the subject is another. */
bool literal_differs(const struct literal *l, str_t s);

/* Whether the pattern may match the subject: false is final.  What a head ends
 * with tells more than what it begins with. */
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
