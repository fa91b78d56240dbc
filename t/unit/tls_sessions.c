/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sessions in a zone: kept, replaced, expired, dropped, and the longest unused
 * ones gone when there is no room; compared with a simple table.
 */
#include "core/shm/registry.h"
#include "core/tls/sessions.h"
#include "core/conf/module.h"
#include "t/unit/tap.h"

struct module *const weir_modules[] = { NULL };

enum { SIZE = 32 * ZONE_PAGE, NAMES = 500 };

static struct zone *zone;
static char         out[TLS_SESSION_MAX];


static str_t
id_of(unsigned i)
{
    static char text[TLS_SESSION_ID_MAX];

    memset(text, 0, sizeof(text));
    memcpy(text, &i, sizeof(i));
    text[31] = (char) (i * 7);
    return (str_t){ text, sizeof(text) };
}


/* Of n bytes, which tell of whom they are. */
static str_t
session_of(unsigned i, size_t n)
{
    static char text[TLS_SESSION_MAX + 1];

    for (size_t k = 0; k < n; k++)
        text[k] = (char) (i * 31 + k * k / 3);
    return (str_t){ text, n };
}


static bool
has(unsigned i, size_t n, time_t now)
{
    size_t got = tls_sessions_get(zone, id_of(i), now, out);

    return got == n && memcmp(out, session_of(i, n).p, n) == 0;
}


static void
test_one(void)
{
    ok(tls_sessions_get(zone, id_of(1), 10, out) == 0, "nothing there");
    ok(tls_sessions_put(zone, id_of(1), session_of(1, 100), 20), "put");
    ok(has(1, 100, 10), "there");
    ok(has(1, 100, 20), "to the end of its time");
    ok(tls_sessions_put(zone, id_of(1), session_of(1, 5000), 20),
       "a longer one");
    ok(has(1, 5000, 10), "in its place");
    ok(tls_sessions_get(zone, id_of(1), 21, out) == 0, "its time is over");
    ok(tls_sessions_put(zone, id_of(1), session_of(1, TLS_SESSION_MAX), 20),
       "the longest");
    ok(has(1, TLS_SESSION_MAX, 10), "as it was");
    tls_sessions_drop(zone, id_of(1));
    ok(tls_sessions_get(zone, id_of(1), 10, out) == 0, "dropped");
    tls_sessions_drop(zone, id_of(1));
    ok(!tls_sessions_put(zone, id_of(2), session_of(2, TLS_SESSION_MAX + 1),
                         20),
       "too long");
    ok(!tls_sessions_put(zone, STR(""), session_of(2, 10), 20), "no id");
    ok(tls_sessions_get(zone, STR(""), 10, out) == 0, "of nobody");
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
            if (!tls_sessions_put(zone, id_of(i), session_of(i, n), 100))
                lost++;
            sizes[i] = n;
            lost += !has(i, n, 50);
        } else if (what < 9) {
            n = tls_sessions_get(zone, id_of(i), 50, out);
            wrong += n != 0
                     && (n != sizes[i]
                         || memcmp(out, session_of(i, n).p, n) != 0);
        } else {
            tls_sessions_drop(zone, id_of(i));
            sizes[i] = 0;
        }
    }
    is(wrong, 0, "nothing is wrong");
    is(lost, 0, "nothing new is lost");
    for (unsigned i = 0; i < NAMES; i++)
        tls_sessions_drop(zone, id_of(i));
    ok(tls_sessions_put(zone, id_of(3), session_of(3, TLS_SESSION_MAX), 100),
       "in the end all is free");
    ok(has(3, TLS_SESSION_MAX, 50), "and of use");
}


int
main(void)
{
    zone = aligned_alloc(ZONE_PAGE, SIZE);
    memset(zone, 0, SIZE);
    ok(zone_init(zone, SIZE, STR("S"), "test"), "a zone");
    ok(tls_sessions_use.init(zone), "for sessions");
    test_one();
    test_many();
    free(zone);
    return done();
}
