/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A leaky bucket that is a moment.
 */
#include "modules/gate/limit_bucket.h"

#include "t/unit/tap.h"

static const uint64_t HOUR = 3600000;


/* How many requests get through at once, at most so many. */
static uint64_t
through(uint64_t *empty, uint64_t rate, uint64_t burst, msec_t now, uint64_t n)
{
    uint64_t cost = limit_cost(rate), at = limit_moment(now), passed = 0;

    while (n-- != 0) {
        uint64_t next = limit_with_one(*empty, cost, at);

        if (limit_excess(next, cost, at) > burst)
            break;
        *empty = next;
        passed++;
    }
    return passed;
}


static void
test_burst(void)
{
    uint64_t empty = 0, total = 0;

    is(through(&empty, 600000, 0, 0, 10), 1, "the first one, without a burst");
    is(through(&empty, 600000, 0, 99, 10), 0, "10r/s: none within 100 ms");
    is(through(&empty, 600000, 0, 100, 10), 1, "... but then");
    is(through(&empty, 600000, 5000, HOUR, 10), 6, "a burst of 5");
    for (msec_t ms = 1; ms <= 10000; ms++)
        total += through(&empty, 600000, 5000, HOUR + ms, 10);
    is(total, 100, "the rate is kept to the request");
}


/* A rate that does not fit the unit. */
static void
test_rates(void)
{
    static const uint64_t rates[]
        = { 1000, 7000, 60000, 180000, 700020, 60000000, 600000000 };

    for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
        uint64_t empty = 0, total = 0, wanted = rates[i] * 10 / 1000;

        for (msec_t ms = 0; ms < 600000; ms += 100)
            total += through(&empty, rates[i], rates[i] / 60, HOUR + ms,
                             UINT64_MAX);
        ok(total >= wanted
               && total <= wanted + wanted / 1000 + rates[i] / 59000 + 1,
           "%ju requests in ten minutes at %ju thousandths a minute",
           (uintmax_t) total, (uintmax_t) rates[i]);
    }
}


static void
test_excess(void)
{
    uint64_t cost = limit_cost(60000), now = limit_moment(0);

    is(limit_excess(0, cost, now), 0, "nothing, long ago");
    is(limit_excess(now, cost, now), 0, "nothing now");
    is(limit_excess(now + 5 * cost, cost, now), 5000, "five requests");
    is(limit_excess(now + 5 * cost, cost, limit_moment(500)), 4500,
       "half a second later");
    is(limit_excess(now + 1, cost, now), 1, "rounded up");
}


static void
test_extremes(void)
{
    uint64_t now = limit_moment(0), cost = limit_cost(1000), empty;
    uint64_t most = (uint64_t) INT64_MAX / 1000 / 60 * 60000;

    ok(cost <= now,
       "a key that is new is empty, also at the start of the clock");
    is(limit_with_one(0, cost, now), now, "... at the slowest rate");
    is(limit_excess(now, limit_cost(most), now), 0, "the highest rate");
    empty = limit_with_one(now + LIMIT_FULL, cost, now);
    is(empty, now + LIMIT_FULL, "a bucket that takes years to drain is full");
    is(limit_excess(empty, cost, now), (LIMIT_FULL * 1000 + cost - 1) / cost,
       "so much is in it");
    empty = limit_with_one(now + (UINT64_C(1) << 54), cost, now);
    ok(empty <= now + LIMIT_FULL, "never more");
}


int
main(void)
{
    test_burst();
    test_rates();
    test_excess();
    test_extremes();
    return done();
}
