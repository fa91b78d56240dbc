/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Things in a zone: kept, claimed, replaced, expired, dropped, and the longest unused
 * ones gone when there is no room; compared with a simple table.
 */
#include "core/shm/registry.h"
#include "core/tls/kept.h"
#include "core/conf/module.h"
#include "t/unit/tap.h"

struct module *const weir_modules[] = { NULL };

enum { SIZE = 32 * ZONE_PAGE, NAMES = 500, LONGEST = TLS_KEPT_MAX };

static struct zone *zone;
static char         out[LONGEST];


static str_t
id_of(unsigned i)
{
    static char text[TLS_KEPT_ID];

    memset(text, 0, sizeof(text));
    memcpy(text, &i, sizeof(i));
    text[31] = (char) (i * 7);
    return (str_t){ text, sizeof(text) };
}


/* Of n bytes, which tell of whom they are. */
static str_t
bytes_of(unsigned i, size_t n)
{
    static char text[LONGEST + 1];

    for (size_t k = 0; k < n; k++)
        text[k] = (char) (i * 31 + k * k / 3);
    return (str_t){ text, n };
}


static bool
has(unsigned i, size_t n, time_t now)
{
    size_t got = tls_kept_get(zone, id_of(i), now, out, LONGEST);

    return got == n && memcmp(out, bytes_of(i, n).p, n) == 0;
}


static void
test_one(void)
{
    ok(tls_kept_get(zone, id_of(1), 10, out, LONGEST) == 0, "nothing there");
    ok(tls_kept_put(zone, id_of(1), bytes_of(1, 100), 20), "put");
    ok(has(1, 100, 10), "there");
    ok(has(1, 100, 20), "to the end of its time");
    ok(tls_kept_put(zone, id_of(1), bytes_of(1, 5000), 20), "a longer one");
    ok(has(1, 5000, 10), "in its place");
    ok(tls_kept_get(zone, id_of(1), 21, out, LONGEST) == 0, "its time is over");
    ok(tls_kept_put(zone, id_of(1), bytes_of(1, LONGEST), 20), "the longest");
    ok(has(1, LONGEST, 10), "as it was");
    tls_kept_drop(zone, id_of(1));
    ok(tls_kept_get(zone, id_of(1), 10, out, LONGEST) == 0, "dropped");
    tls_kept_drop(zone, id_of(1));
    ok(!tls_kept_put(zone, id_of(2), bytes_of(2, LONGEST + 1), 20), "too long");
    ok(!tls_kept_put(zone, STR(""), bytes_of(2, 10), 20), "no id");
    ok(tls_kept_get(zone, STR(""), 10, out, LONGEST) == 0, "of nobody");
}


static void
test_claims(void)
{
    time_t until = 30;

    ok(tls_kept_claim(zone, id_of(1), 10, &until), "the first one has it");
    until = 40;
    ok(!tls_kept_claim(zone, id_of(1), 11, &until), "the second one has not");
    is(until, 30, "and hears how long");
    until = 50;
    ok(tls_kept_claim(zone, id_of(1), 30, &until), "its time is over");
    ok(tls_kept_get(zone, id_of(1), 40, out, LONGEST) == 0, "it has no bytes");
    ok(tls_kept_put(zone, id_of(1), STR(""), 45), "another time for it");
    ok(!tls_kept_claim(zone, id_of(1), 44, &until) && until == 45, "holds");
    ok(tls_kept_put(zone, id_of(1), bytes_of(1, 100), 45), "bytes");
    ok(tls_kept_get(zone, id_of(1), 40, out, 99) == 0, "no room for them");
    tls_kept_drop(zone, id_of(1));
}


/* Whatever happens: what is there is right, and what was used last is there. */
static void
test_many(void)
{
    size_t   sizes[NAMES] = { 0 };
    unsigned seed = 1, wrong = 0, lost = 0;

    for (unsigned round = 0; round < 30000; round++) {
        unsigned i = (seed = seed * 1103515245 + 12345) >> 8, what = i % 10;
        size_t   n = 50 + (seed >> 4) % ((seed >> 12) % 20 == 0 ? 8000 : 400);

        i = i / 10 % NAMES;
        if (what < 5) {
            if (!tls_kept_put(zone, id_of(i), bytes_of(i, n), 100))
                lost++;
            sizes[i] = n;
            lost += !has(i, n, 50);
        } else if (what < 9) {
            n = tls_kept_get(zone, id_of(i), 50, out, LONGEST);
            wrong
                += n != 0
                   && (n != sizes[i] || memcmp(out, bytes_of(i, n).p, n) != 0);
        } else {
            tls_kept_drop(zone, id_of(i));
            sizes[i] = 0;
        }
    }
    is(wrong, 0, "nothing is wrong");
    is(lost, 0, "nothing new is lost");
    for (unsigned i = 0; i < NAMES; i++)
        tls_kept_drop(zone, id_of(i));
    ok(tls_kept_put(zone, id_of(3), bytes_of(3, LONGEST), 100),
       "in the end all is free");
    ok(has(3, LONGEST, 50), "and of use");
}


int
main(void)
{
    zone = aligned_alloc(ZONE_PAGE, SIZE);
    memset(zone, 0, SIZE);
    ok(zone_init(zone, SIZE, STR("S"), "test"), "a zone");
    ok(tls_kept_sessions.init(zone), "for sessions");
    test_one();
    test_claims();
    test_many();
    free(zone);
    return done();
}
