/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What memcached answers to several requests: as a whole, and in pieces whose
 * length the third byte says.  Both ways, each turn has to get the same bytes,
 * which are an answer to its key, and the order has to hold or break at the
 * same place.  The first byte says which turns leave before anything comes, the
 * second which one leaves behind how many answers.
 */
#include "core/base/check.h"
#include "modules/gateway/memcached_order.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TURNS = 8, HEAD = 3 };

struct told {
    uint32_t sum;
    size_t   n;
};

struct run {
    struct memcached_order order;
    struct memcached_turn  turn[TURNS];
    struct told            told[TURNS];
    enum memcached_part    last;
    unsigned               answers; /* so far */
    size_t                 used;
};

static const char keys[TURNS + 1] = "abcdefgh";


static void
add(struct told *to, str_t s)
{
    for (size_t i = 0; i < s.n; i++)
        to->sum = to->sum * 31 + (unsigned char) s.p[i];
    to->n += s.n;
}


static void
leave(struct run *r, unsigned i)
{
    struct memcached_turn *t = &r->turn[i];

    if (t->is_whole || list_empty(&t->place))
        return;
    memcached_order_leave(&r->order, t);
}


static void
begin(struct run *r, uint8_t leavers)
{
    *r = (struct run){ .last = MEMCACHED_COMPLETE };
    memcached_order_init(&r->order);
    for (unsigned i = 0; i < TURNS; i++) {
        r->turn[i].key = (str_t){ &keys[i], 1 };
        memcached_order_ask(&r->order, &r->turn[i]);
    }
    for (unsigned i = 0; i < TURNS; i++)
        if (leavers & 1u << i)
            leave(r, i);
    CHECK(r->order.n == TURNS);
}


/* The input so far, from r->used on. */
static void
take(struct run *r, str_t in, uint8_t leaver)
{
    do {
        struct memcached_turn *t = memcached_order_current(&r->order);
        const char            *from = in.p;
        unsigned               n = r->order.n;

        r->last = memcached_order_take(&r->order, &in);
        if (r->last == MEMCACHED_BROKEN)
            return;
        if (t != NULL)
            add(&r->told[t - r->turn], str_span(from, in.p));
        r->used += (size_t) (in.p - from);
        if (r->last != MEMCACHED_COMPLETE)
            return;
        CHECK(r->order.n == n - 1 && (t == NULL || t->is_whole));
        if (++r->answers == leaver / TURNS)
            leave(r, leaver % TURNS);
    } while (in.n != 0);
}


static void
run(struct run *r, const uint8_t *head, str_t in, size_t step)
{
    begin(r, head[0]);
    for (size_t end = 0; end < in.n && r->last != MEMCACHED_BROKEN;) {
        end = in.n - end > step ? end + step : in.n;
        take(r, str_span(in.p + r->used, in.p + end), head[1]);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct run whole, parts;
    str_t             in;

    if (size < HEAD)
        return 0;
    in = (str_t){ (const char *) data + HEAD, size - HEAD };
    run(&whole, data, in, SIZE_MAX);
    run(&parts, data, in, data[2] + 1u);
    CHECK((whole.last == MEMCACHED_BROKEN) == (parts.last == MEMCACHED_BROKEN));
    CHECK(whole.answers == parts.answers && whole.order.n == parts.order.n);
    for (unsigned i = 0; i < TURNS; i++) {
        CHECK(whole.turn[i].is_whole == parts.turn[i].is_whole);
        if (whole.last == MEMCACHED_BROKEN && !whole.turn[i].is_whole)
            continue;
        CHECK(whole.told[i].n == parts.told[i].n);
        CHECK(whole.told[i].sum == parts.told[i].sum);
    }
    return 0;
}
