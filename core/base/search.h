/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Searches for several texts in one pass, ignoring ASCII case.  Of those that
 * begin at the same place, the first one of the list is found.  A text may be
 * cut anywhere: a place where one of them may begin, and go on behind the end,
 * is told.
 */
#pragma once

#include "core/base/arena.h"

struct search;

enum { SEARCH_PART = UINT32_MAX }; /* one may begin here                     */

struct search_hit {
    size_t   at;    /* offset                                                */
    unsigned which; /* number of the text, or SEARCH_PART                    */
};

/* n texts, none of them empty, in lower case; they live as long as a. */
struct search *search_new(struct arena *a, const str_t *texts, unsigned n);
/* The bytes of the longest text. */
size_t search_longest(const struct search *s);
/* ... and of that one. */
size_t search_length(const struct search *s, unsigned which);

/* Before searches, unless no text is longer than 32 bytes: goes on with those of the same turn, or begins, if somebody
 * else has searched since.  *turn is the caller's, 0 at first. */
void search_go_on(const struct search *s, uint64_t *turn);
/* What is searched next begins so many bytes behind the beginning of what was
 * searched last. */
void search_move(const struct search *s, size_t n);
/* The first hit at from or behind it, which is not before the last hit in the
 * same bytes; false: there is none.  Texts for which
 * off (NULL: none) is set are not looked for.  is_whole: nothing follows in, so
 * that there are no parts.  Costs a few instructions for 16 bytes where no text
 * begins with what stands there, and never more than a few for each byte and
 * text: also where a part is searched again together with what follows it. */
bool search_find(const struct search *s, str_t in, size_t from, const bool *off,
                 bool is_whole, struct search_hit *hit);
