/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bucket that is empty takes burst + 1 requests at once, which is the quota.
 * The window is the time in which a full one drains: who sends no more than the
 * quota in any window is never refused.  The reset is when the whole quota is
 * there again, or if nothing is left, when the next request is let through.
 */
#include "modules/gate/limit_quota.h"

#include <inttypes.h>

/* The largest integer of a structured field (RFC 9651 section 3.3.1). */
#define FIELD_INTEGER_MAX UINT64_C(999999999999999)


static uint64_t
clamp(uint64_t n)
{
    return n < FIELD_INTEGER_MAX ? n : FIELD_INTEGER_MAX;
}


/* The seconds in which so much drains, rounded up. */
static uint64_t
seconds_for(const struct limit_quota *q, uint64_t thousandths)
{
    uint64_t most = FIELD_INTEGER_MAX / 60;
    uint64_t n = thousandths < most ? thousandths : most;

    return (n * 60 + q->rate - 1) / q->rate;
}


/* A string of a structured field (RFC 9651 section 3.3.3) has only what ASCII
 * can print. */
static str_t
quoted(struct arena *a, str_t text)
{
    char  *p = arena_bytes(a, 2 * text.n + 2), *end = p;
    size_t i;

    *end++ = '"';
    for (i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (c == '"' || c == '\\')
            *end++ = '\\';
        *end++ = c >= ' ' && c <= '~' ? c : '?';
    }
    *end++ = '"';
    return str_span(p, end);
}


str_t
limit_quota_policy(struct arena *a, const struct limit_quota *q)
{
    str_t name = quoted(a, q->name);

    return arena_printf(a, STR_F ";q=%" PRIu64 ";w=%" PRIu64, STR_A(name),
                        clamp(q->burst / 1000 + 1),
                        seconds_for(q, q->burst + 1000));
}


/* What has to drain before the next request is let through. */
static uint64_t
surplus(const struct limit_quota *q)
{
    uint64_t next = q->is_refused ? q->excess : q->excess + 1000;

    return next > q->burst ? next - q->burst : 0;
}


str_t
limit_quota_left(struct arena *a, const struct limit_quota *q)
{
    bool     is_over = surplus(q) != 0;
    uint64_t left = is_over ? 0 : (q->burst - q->excess) / 1000;
    str_t    name = quoted(a, q->name);

    return arena_printf(
        a, STR_F ";r=%" PRIu64 ";t=%" PRIu64, STR_A(name), clamp(left),
        is_over ? limit_quota_wait(q) : seconds_for(q, q->excess + 1000));
}


uint64_t
limit_quota_wait(const struct limit_quota *q)
{
    uint64_t s = seconds_for(q, surplus(q));

    return s != 0 ? s : 1;
}
