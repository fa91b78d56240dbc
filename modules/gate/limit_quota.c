/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bucket that is empty takes burst + 1 requests at once, which is the quota.
 * The window is the time in which a full one drains: who sends no more than the
 * quota in any window is never refused.  The reset is when the whole quota is
 * there again, or if nothing is left, when the next request is let through.
 */
#include "modules/gate/limit_quota.h"

#include "core/base/number.h"

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


enum { DIGITS = 20 };


/* A string of a structured field (RFC 9651 section 3.3.3) has only what ASCII
 * can print. */
static char *
put_quoted(char *p, str_t text)
{
    *p++ = '"';
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (c == '"' || c == '\\')
            *p++ = '\\';
        *p++ = c >= ' ' && c <= '~' ? c : '?';
    }
    *p++ = '"';
    return p;
}


static char *
put_param(char *p, char name, uint64_t n)
{
    *p++ = ';';
    *p++ = name;
    *p++ = '=';
    return p + number_put(p, n);
}


/* The name with two parameters. */
static str_t
item(struct arena *a, const struct limit_quota *q, char x, uint64_t of_x,
     char y, uint64_t of_y)
{
    size_t most = 2 * q->name.n + 2 + 2 * (3 + DIGITS);
    char  *p = arena_bytes(a, most), *end = put_quoted(p, q->name);

    end = put_param(end, x, of_x);
    return str_span(p, put_param(end, y, of_y));
}


str_t
limit_quota_policy(struct arena *a, const struct limit_quota *q)
{
    return item(a, q, 'q', clamp(q->burst / 1000 + 1), 'w',
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

    return item(a, q, 'r', clamp(left), 't',
                is_over ? limit_quota_wait(q)
                        : seconds_for(q, q->excess + 1000));
}


uint64_t
limit_quota_wait(const struct limit_quota *q)
{
    uint64_t s = seconds_for(q, surplus(q));

    return s != 0 ? s : 1;
}
