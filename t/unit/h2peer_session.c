/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A session with an HTTP/2 server: what its streams get of what it sends, whole
 * and cut at each byte.
 */
#include "core/base/check.h"
#include "modules/gateway/h2peer_session.h"
#include "t/unit/tap.h"

/* SETTINGS, a head in two frames, data, trailers. */
static const char input[] = "\0\0\0\4\0\0\0\0\0"
                            "\0\0\1\1\0\0\0\0\1"
                            "\x88"
                            "\0\0\5\11\4\0\0\0\1"
                            "\x10\1x\1y"
                            "\0\0\3\0\0\0\0\0\1"
                            "abc"
                            "\0\0\6\1\5\0\0\0\1"
                            "\x10\1t\2ok";


static void
on_input(struct h2peer_stream *t)
{
    (void) t;
}


static size_t
on_body(struct h2peer_stream *t, char *out, size_t n, bool *last)
{
    (void) t, (void) out, (void) n;
    *last = true;
    return 0;
}


static void
open_stream(struct h2peer_session *s, struct h2peer_stream *t)
{
    static const struct h2peer_field fields[]
        = { { STR_INIT(":method"), STR_INIT("GET") },
            { STR_INIT(":path"), STR_INIT("/") } };

    *t = (struct h2peer_stream){ .head_max = 1000,
                                 .field_max = 1000,
                                 .on_input = on_input,
                                 .on_body = on_body };
    ok(h2peer_open(s, t, fields, countof(fields), false), "a stream");
}


static void
drain(struct h2peer_session *s)
{
    while (h2peer_give(s).n != 0)
        continue;
}


static void
test_cut(size_t at)
{
    static const char      want[] = "HTTP/2.0 200\r\nx: y\r\n\r\nD\0\0\3"
                                    "abcT\0\0\5\0\1tokE";
    struct h2peer_session *s = h2peer_session_new();
    struct h2peer_stream   t[2];
    char                   got[256];
    size_t                 n;
    size_t                 all = sizeof(input) - 1;

    open_stream(s, &t[0]);
    open_stream(s, &t[1]);
    drain(s);
    CHECK(at == 0 || h2peer_take(s, (str_t){ input, at }));
    drain(s);
    CHECK(at == all || h2peer_take(s, (str_t){ input + at, all - at }));
    n = h2peer_read(&t[0], got, sizeof(got));
    /* Data that came in two pieces is two records. */
    ok(n >= sizeof(want) - 1 && memcmp(got, want, 23) == 0 && got[n - 1] == 'E',
       "cut at %zu", at);
    if (n == sizeof(want) - 1)
        ok(memcmp(got, want, n) == 0, "whole");
    is((int) h2peer_read(&t[1], got, sizeof(got)), 0, "nothing for another");
    h2peer_end(s);
    ok(t[1].session == NULL, "which is over with the connection");
    h2peer_leave(&t[0]);
    h2peer_leave(&t[1]);
    h2peer_session_free(s);
}


/* The owner of a stream leaves while its head comes. */
static void
test_left(size_t at)
{
    struct h2peer_session *s = h2peer_session_new();
    struct h2peer_stream   t;
    size_t                 all = sizeof(input) - 1;

    open_stream(s, &t);
    drain(s);
    CHECK(at == 0 || h2peer_take(s, (str_t){ input, at }));
    h2peer_leave(&t);
    memset(&t, 0xa5, sizeof(t));
    ok(h2peer_take(s, (str_t){ input + at, all - at }), "left at %zu", at);
    drain(s);
    h2peer_session_free(s);
}


/* What makes nginx declare its table of fields empty. */
static void
test_settings(void)
{
    static const char      table[] = "\0\1\0\0\x10\0";
    struct h2peer_session *s = h2peer_session_new();
    str_t                  out;
    bool                   found = false;

    while ((out = h2peer_give(s)).n != 0)
        found = found || memmem(out.p, out.n, table, sizeof(table) - 1) != NULL;
    ok(found, "the size of the table of fields is told");
    h2peer_session_free(s);
}


/* The server allows one stream, and there are two: one that it has not heard of is
 * for another connection, at once. */
static void
test_too_many(bool is_sent)
{
    static const char settings[] = "\0\0\6\4\0\0\0\0\0"
                                   "\0\3\0\0\0\1";
    static const char refused[] = "\0\0\4\3\0\0\0\0\3"
                                  "\0\0\0\7";
    static const char want[]
        = { 'R', H2PEER_FAULT_REFUSED, 0, 0, 0, H2PEER_TOO_MANY };
    struct h2peer_session *s = h2peer_session_new();
    struct h2peer_stream   t[2];
    char                   got[256];

    open_stream(s, &t[0]);
    open_stream(s, &t[1]);
    if (is_sent)
        drain(s);
    ok(h2peer_take(s, (str_t){ settings, sizeof(settings) - 1 }), "settings");
    drain(s);
    if (is_sent) {
        is((int) h2peer_read(&t[1], got, sizeof(got)), 0, "it has been sent");
        ok(h2peer_take(s, (str_t){ refused, sizeof(refused) - 1 }), "refused");
    }
    is((int) h2peer_read(&t[0], got, sizeof(got)), 0, "the first one goes on");
    ok(h2peer_read(&t[1], got, sizeof(got)) == sizeof(want)
           && memcmp(got, want, sizeof(want)) == 0,
       "the other one does not wait");
    ok((t[1].sent != 0) == is_sent, "and the server has not heard of it");
    h2peer_leave(&t[1]);
    drain(s);
    ok(!h2peer_has_room(s), "nor are there others");
    h2peer_leave(&t[0]);
    h2peer_session_free(s);
}


int
main(void)
{
    test_settings();
    test_too_many(false);
    test_too_many(true);
    for (size_t at = 0; at < sizeof(input); at++)
        test_cut(at);
    for (size_t at = 0; at < sizeof(input); at++)
        test_left(at);
    return done();
}
