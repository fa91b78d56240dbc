/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replaces texts in a body as it comes.  What it keeps is a copy of what may be
 * the beginning of a text, less than the longest one; everything else is passed
 * on, copied only where pieces would be too short.
 */
#pragma once

#include "core/base/chain.h"
#include "core/base/search.h"
#include "modules/filter/gather.h"

struct replacer {
    const struct search *search;
    bool   is_once; /* each text is replaced once                            */
    bool  *off;     /* ... and was: one for each text                        */
    size_t left;    /* how many texts are looked for                         */
    char  *room;    /* for twice the longest text                            */
    char  *kept;    /* in it                                                 */
    size_t n_kept;
    uint64_t turn;  /* of the search                                         */
    struct gather out;
    /* What replaces a text; lives as long as the chains. */
    str_t (*replacement)(void *arg, unsigned which);
    void  *arg;
};

/* Prepares a zeroed one for a search of n texts; replacement, arg and is_once
 * are the caller's to set.  False: there is no memory. */
bool replacer_init(struct replacer *p, struct arena *a, const struct search *s,
                   unsigned n);
/* Takes all of in, which has no files. */
void replacer_put(struct replacer *p, struct chain *in, struct chain *out,
                  bool last);
