/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A body on its way through a coder: what filters that compress or decompress
 * share.  What comes out is collected in blocks, and handed over when a block
 * is full, or when the filter says so.
 */
#pragma once

#include "core/base/chain.h"
#include "modules/filter/coder.h"

struct recoder {
    struct coder *coder; /* from the first byte to the last one              */
    struct block *block; /* output; NULL: none so far                        */
    char         *from, *at; /* in block: not handed over from there to here */
    size_t        block_size;
    uint64_t      until; /* total_out at which to stop, about; 0: never      */
    uint64_t      total_in, total_out;
};

/* False: there is no memory. */
bool recoder_begin(struct recoder *c, const struct coder_plan *plan,
                   size_t block_size);
/* Puts all of in through the coder.  *in is what is left: behind the end that a
 * decoder has seen (CODER_ENDED), or because enough has come out (CODER_FULL:
 * call again, even where nothing is left). */
enum coder_said recoder_put(struct recoder *c, str_t *in,
                            enum coder_mode mode, struct chain *out);
/* Hands over what is there.  The block stays for what comes next, but not for a
 * pause. */
void recoder_emit(struct recoder *c, struct chain *out);
void recoder_pause(struct recoder *c, struct chain *out);
/* Gives the coder and the block back; what was not handed over is lost. */
void recoder_end(struct recoder *c);
