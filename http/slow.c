/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clock of what is waited for.
 */
#include "http/slow.h"

#include "core/os/clock.h"

void
slow_begin(struct slow *s)
{
    if (s->since == 0)
        s->since = clock_ms();
}


void
slow_end(struct slow *s)
{
    if (s->since != 0)
        s->before += clock_ms() - s->since;
    s->since = 0;
}


msec_t
slow_left(const struct slow *s, const struct http_slow_conf *c, uint64_t moved)
{
    msec_t waited = s->before, may;

    if (c->rate == 0 || moved > UINT64_MAX / 2000)
        return UINT64_MAX;
    if (s->since != 0)
        waited += clock_ms() - s->since;
    may = c->after_ms + moved * 1000 / c->rate;
    return may > waited ? may - waited : 0;
}
