/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ClientHellos are taken for new once, for as long as they could be sent again,
 * and none is forgotten for others.
 */
#include "core/tls/replay.h"

#include "core/conf/module.h"
#include "t/unit/tap.h"

struct module *const weir_modules[] = { NULL };

enum { START = 1000000, RANDOM = 32 };


static bool
is_first(unsigned i, msec_t at)
{
    char random[RANDOM] = "of some client";

    memcpy(random + RANDOM - sizeof(i), &i, sizeof(i));
    return tls_replay_is_first((str_t){ random, RANDOM }, at);
}


static void
test_one(void)
{
    ok(is_first(1, START), "new");
    ok(!is_first(1, START), "not again");
    ok(!is_first(1, START + 11000), "while OpenSSL takes it for fresh");
    ok(is_first(2, START), "another one");
    ok(is_first(1, START + 60000), "long after it is forgotten");
    ok(!is_first(1, START + 60000), "and remembered again");
}


/* More than there is room for: some are refused, none is taken twice. */
static void
test_full(void)
{
    enum { MANY = 400000 };
    static bool taken[MANY];
    unsigned    twice = 0, n = 0;
    msec_t      at = START + 200000;

    for (unsigned i = 0; i < MANY; i++) {
        taken[i] = is_first(i, at);
        n += taken[i];
    }
    for (unsigned i = 0; i < MANY; i++)
        twice += is_first(i, at + 10000) && taken[i];
    is(twice, 0, "none is forgotten for others");
    ok(n > 100000, "%u were taken", n);
    ok(n < MANY, "and some not");
    for (unsigned i = n = 0; i < 1000; i++)
        n += is_first(i, at + 60000);
    is(n, 1000, "later there is room again");
}


int
main(void)
{
    str_t instance = tls_replay_instance();

    is(instance.n, 0, "no memory");
    ok(!is_first(1, START), "nothing is known to be new");
    ok(tls_replay_init(), "memory");
    instance = tls_replay_instance();
    ok(instance.n >= 16, "its name");
    test_one();
    test_full();
    return done();
}
