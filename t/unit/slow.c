/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * client_min_rate: what time counts, and when a client is too slow.
 */
#include "http/slow.h"

#include "core/os/clock.h"
#include "t/unit/tap.h"

static const struct http_slow_conf usual = { .rate = 100, .after_ms = 5000 };
static const struct http_slow_conf none = { .rate = 0, .after_ms = 0 };


static void
test_clock(void)
{
    struct slow s = { 0 };

    clock_update();
    slow_end(&s);
    is(s.before, 0, "an end without a beginning");
    slow_begin(&s);
    ok(s.since == clock_ms(), "it begins now");
    s.since -= 700;
    slow_begin(&s);
    ok(s.since == clock_ms() - 700, "another beginning changes nothing");
    slow_end(&s);
    is(s.before, 700, "the time is counted");
    slow_end(&s);
    is(s.before, 700, "once");
    slow_begin(&s);
    s.since -= 50;
    slow_end(&s);
    is(s.before, 750, "and more of it");
}


static void
test_left(void)
{
    struct slow s = { 0 };

    clock_update();
    is(slow_left(&s, &usual, 0), 5000, "what is free");
    is(slow_left(&s, &usual, 100), 6000,
       "a second for what it has to move in it");
    s.before = 4000;
    is(slow_left(&s, &usual, 0), 1000, "less, later");
    s.since = clock_ms() - 600;
    is(slow_left(&s, &usual, 0), 400, "with the time that passes");
    s.before = 4400;
    is(slow_left(&s, &usual, 0), 0, "none");
    is(slow_left(&s, &usual, 10), 100, "ten bytes more");
    s.before = 100000;
    is(slow_left(&s, &usual, 50), 0, "far too slow");
    ok(slow_left(&s, &usual, UINT64_MAX) == UINT64_MAX,
       "no number is too large");
    ok(slow_left(&s, &none, 0) == UINT64_MAX, "any rate will do");
    is(slow_timer(&none, 60000, 5), 60000, "timers: the timeout");
    is(slow_timer(&usual, 60000, 5), 5, "or less");
    is(slow_timer(&usual, 60000, 70000), 60000, "or not");
}


int
main(void)
{
    test_clock();
    test_left();
    return done();
}
