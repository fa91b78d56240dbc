/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Invariant: every round of the loop takes input or fills a block, or is the
 * last one.
 */
#include "modules/filter/recoder.h"

enum {
    BLOCK_LEAST = 64,  /* zlib needs room for the marks of a flush         */
    PUT_MAX = 1 << 30, /* the most bytes that a coder gets at once         */
};


bool
recoder_begin(struct recoder *c, const struct coder_plan *plan,
              size_t block_size)
{
    c->coder = coder_get(plan);
    c->block_size = block_size > BLOCK_LEAST ? block_size : BLOCK_LEAST;
    return c->coder != NULL;
}


static void
drop_block(struct recoder *c)
{
    block_put(c->block);
    c->block = NULL;
}


static size_t
room(struct recoder *c)
{
    if (c->block == NULL) {
        c->block = block_new(c->block_size);
        c->from = c->at = c->block->data;
    }
    return (size_t) (c->block->data + c->block->size - c->at);
}


void
recoder_emit(struct recoder *c, struct chain *out)
{
    if (c->block == NULL)
        return;
    if (c->at > c->from)
        chain_add_block(out, c->block, str_span(c->from, c->at));
    c->from = c->at;
    if (room(c) == 0)
        drop_block(c);
}


void
recoder_pause(struct recoder *c, struct chain *out)
{
    recoder_emit(c, out);
    drop_block(c);
}


enum coder_said
recoder_put(struct recoder *c, str_t *in, enum coder_mode mode,
            struct chain *out)
{
    enum coder_said said;

    do {
        size_t          n = in->n < PUT_MAX ? in->n : PUT_MAX, n_out = room(c);
        struct coder_io io = { in->p, n, c->at, n_out };

        if (c->until != 0 && c->total_out >= c->until)
            return CODER_FULL;
        said = c->coder->codec->work(c->coder, &io,
                                     n < in->n ? CODER_RUN : mode);
        *in = str_from(*in, n - io.n_in);
        c->total_in += n - io.n_in;
        c->total_out += n_out - io.n_out;
        c->at = io.out;
        if (io.n_out == 0)
            recoder_emit(c, out);
        else if (said == CODER_FULL) /* it would never end               */
            return CODER_BROKEN;
    } while (said == CODER_FULL || (said == CODER_READY && in->n != 0));
    return said;
}


void
recoder_end(struct recoder *c)
{
    coder_put(c->coder);
    c->coder = NULL;
    drop_block(c);
}
