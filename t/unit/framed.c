/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The gateway engine with a protocol that needs all that the interface has.
 */
#include "t/unit/framed.h"

#include <errno.h>


static void
send_frame(char type, const char *data, size_t n)
{
    char head[HEAD] = { type, (char) (n >> 8), (char) n };

    CHECK(write(peer, head, HEAD) == HEAD);
    CHECK(n == 0 || write(peer, data, n) == (ssize_t) n);
    turn();
}


/* What fd has, as text: frames without the first byte of their length, the
 * second as a digit. */
static str_t
take(int fd)
{
    ssize_t n = recv(fd, got, sizeof(got), MSG_DONTWAIT);

    for (ssize_t i = 0; fd == peer && i + 2 < n; i += 3 + got[i + 2])
        got[i + 1] = ' ';
    for (ssize_t i = 0; fd == peer && i < n; i++)
        if (got[i] >= 0 && got[i] < 32)
            got[i] = (char) (got[i] < 10 ? got[i] + '0' : got[i] - 10 + 'a');
    return (str_t){ got, n > 0 ? (size_t) n : 0 };
}


static bool
is_closed(int fd)
{
    char    c;
    ssize_t n = recv(fd, &c, 1, MSG_DONTWAIT);

    return n == 0 || (n == -1 && errno == ECONNRESET);
}


static bool
ends_with(str_t s, const char *end)
{
    size_t n = strlen(end);

    return s.n >= n && memcmp(s.p + s.n - n, end, n) == 0;
}


/* --- the play ------------------------------------------------------------- */

#define BODY "0123456789abcdef"


/* The request's body goes as the window allows, whatever comes in between. */
static void
test_window(const char *where)
{
    static char notice[8192];
    char        request[256];

    snprintf(request, sizeof(request),
             "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 16\r\n\r\n" BODY,
             where);
    ask(request);
    snprintf(request, sizeof(request), "H 2%sD 801234567", where);
    is_str(take(peer), request, "%s: as much as the window allows", where);
    send_frame('P', "", 0);
    is_str(take(peer), "A 0", "%s: an answer in the middle", where);
    send_frame('W', "\0\4", 2);
    is_str(take(peer), "D 489ab", "%s: the window grows", where);
    send_frame('N', notice, sizeof(notice));
    is_str(take(peer), "", "%s: what is no head has no limit", where);
    send_frame('W', "\0\5", 2);
    is_str(take(peer), "D 4cdefE 0", "%s: the rest", where);
}


/* The frame behind the end of the response is incomplete. */
static void
answer(void)
{
    send_frame('S', "", 0);
    send_frame('D', "hello", 5);
    send_frame('P', "", 0);
    is_str(take(peer), "A 0", "an answer while the response comes");
    CHECK(write(peer, "D\0\6 worldE\0\0W\0", 14) == 14);
    turn();
    ok(ends_with(take(client),
                 "\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"),
       "the response");
}


static void
test_idle(void)
{
    ok(!is_closed(peer), "the connection is kept");
    CHECK(write(peer, "\2\0\7P\0\0", 6) == 6); /* of W: the rest, and a ping */
    turn();
    is_str(take(peer), "A 0", "an idle connection answers");
    ask("POST /f HTTP/1.1\r\nHost: x\r\nContent-Length: 16\r\n\r\n" BODY);
    is((int) accepted, 1, "it is used again");
    is_str(take(peer), "H 2/fD 801234567",
           "with the window that it was left, and what came while it was idle");
    send_frame('W', "\1\0", 2);
    is_str(take(peer), "D 889abcdefE 0", "the rest");
    CHECK(write(peer, "S\0\0E\0\0", 6) == 6);
    turn();
    ok(!is_closed(peer), "it is kept again");
    is((int) ends, 0, "its state lives");
    send_frame('G', "", 0);
    ok(is_closed(peer), "until the peer says goodbye");
    is((int) ends, 1, "its state ends with it");
}


/* A peer that never stops talking. */
static void
test_flood(void)
{
    unsigned i;

    ask("GET /f HTTP/1.1\r\nHost: x\r\n\r\n");
    is((int) accepted, 2, "another connection");
    is_str(take(peer), "H 2/fE 0", "a request without a body");
    CHECK(write(peer, "S\0\0E\0\0", 6) == 6);
    turn();
    for (i = 0; i < 40000 && !is_closed(peer); i++) {
        if (write(peer, "N\0\0", 3) != 3)
            break;
        loop_turn(self.loop, 0);
        if (i % 64 == 0)
            turn();
    }
    ok(i > 20000 && i < 22200, "closed after %u frames of 3 bytes", i);
}


/* Asks for something of a location with sources, which wait at first. */
static str_t
ask_sources(const char *path)
{
    char request[256];

    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n",
             path);
    ask(request);
    is_str(take(client), "", "%s: nothing yet", path);
    CHECK(waiting != NULL);
    task_wake(waiting);
    turn();
    return take(client);
}


static void
test_sources(void)
{
    unsigned before = accepted;
    str_t    answer = ask_sources("/c/hit");

    is((int) looks, 1, "each source is asked once");
    ok(ends_with(answer, "\r\n\r\nstored"), "the second one has the response");
    got[answer.n] = '\0';
    ok(strstr(got, "X-From: source\r\n") != NULL
           && strstr(got, "Content-Length: 6\r\n") != NULL,
       "with its fields");
    ok(strstr(got, "X-Tried: [] source\r\n") != NULL, "no peer was tried");
    ok(str_starts(ask_sources("/c/fails"), STR("HTTP/1.1 503 ")),
       "a source may fail the request");
    is((int) accepted, (int) before, "no peer was asked");

    answer = ask_sources("/c/x");
    is_str(answer, "", "no source has it");
    is((int) looks, 3, "the first one goes on");
    is_str(take(peer), "H 4/c/xE 0", "a peer is asked");
    CHECK(write(peer, "S\0\0D\0\2okE\0\0", 11) == 11);
    turn();
    ok(ends_with(take(client), "ok\r\n0\r\n\r\n"), "its response");
}


/* A connection over which a request without a body was answered. */
static void
open_kept(void)
{
    ask("GET /f HTTP/1.1\r\nHost: x\r\n\r\n");
    is_str(take(peer), "H 2/fE 0", "a request");
    CHECK(write(peer, "S\0\0E\0\0", 6) == 6);
    turn();
    ok(str_starts(take(client), STR("HTTP/1.1 200 ")), "its response");
}


/* The peer says goodbye while the next request is on its way: that goes to
 * another connection, whatever its method is, but not for ever. */
static void
test_goodbye(void)
{
    static const char post[]
        = "POST /f HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n0123";
    unsigned before;

    open_kept();
    before = accepted;
    ask(post);
    is_str(take(peer), "H 2/fD 40123E 0", "a request over it");
    send_frame('G', "", 0);
    is((int) (accepted - before), 1, "goodbye: another connection");
    is_str(take(peer), "H 2/fD 40123E 0", "the same request over that");
    is_str(take(client), "", "the client does not notice");
    send_frame('G', "", 0);
    is((int) (accepted - before), 1, "goodbye again: that is a failure");
    ok(str_starts(take(client), STR("HTTP/1.1 502 ")), "and an error");
}


/* A window that stays closed. */
static void
test_timeout(void)
{
    str_t answer = STR("");

    ask("POST /w HTTP/1.1\r\nHost: x\r\nContent-Length: 16\r\n\r\n" BODY);
    is_str(take(peer), "H 2/wD 801234567", "a window that stays closed");
    for (unsigned i = 0; i < 1000 && answer.n == 0; i++) {
        turn();
        answer = take(client);
    }
    ok(str_starts(answer, STR("HTTP/1.1 504 ")), "is a timeout");
    ok(is_closed(peer), "which closes the connection");
}


int
main(void)
{
    struct generation *gen = set_up();

    test_window("/f");
    answer();
    test_idle();
    test_flood();
    test_window("/s");
    test_sources();
    test_goodbye();
    test_timeout();
    tear_down(gen);
    return done();
}
