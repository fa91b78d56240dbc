/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving bytes between two connections.  A side that takes nothing stops the
 * reading from the other one once its queue is full.
 */
#include "core/net/pump.h"

enum { QUEUE_MAX = 65536, READ = 16384, ROUNDS = 16 };


void
pump_init(struct pump *p, struct conn *one, struct conn *other, size_t read)
{
    *p = (struct pump){ .side = { one, other }, .read = read ? read : READ };
}


/* From one side into the queue of the other.  False: it is broken. */
static bool
move(struct pump *p, int from)
{
    struct conn *in = p->side[from], *out = p->side[!from];

    while (!p->has_ended[from] && out->out.n < QUEUE_MAX && in->event.readable)
    {
        struct block *b = block_new(p->read);
        ssize_t       n = conn_read(in, b->data, p->read);

        if (n > 0) {
            chain_add_block(&out->out, b, (str_t){ b->data, (size_t) n });
            p->moved[from] += (uint64_t) n;
        }
        block_put(b);
        if (n == 0)
            p->has_ended[from] = true;
        else if (n == CONN_AGAIN)
            break;
        else if (n == CONN_ERROR)
            return false;
    }
    return true;
}


static bool
is_over(const struct pump *p, int from)
{
    return p->has_ended[from] && p->side[!from]->out.n == 0;
}


enum step
pump_run(struct pump *p)
{
    for (unsigned left = ROUNDS; left != 0; left--) {
        uint64_t before = p->moved[0] + p->moved[1];

        if (!move(p, 0) || !move(p, 1)
            || conn_flush(p->side[1], 0) == FLUSH_ERROR
            || conn_flush(p->side[0], 0) == FLUSH_ERROR)
            return STEP_FAIL;
        if (is_over(p, 0) || is_over(p, 1))
            return STEP_DONE;
        if (p->moved[0] + p->moved[1] == before)
            return STEP_WAIT;
    }
    return STEP_NEXT;
}
