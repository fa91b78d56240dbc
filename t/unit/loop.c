/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event loop: order of a turn, timers, posts, and descriptors that are
 * closed by the handlers of others.
 */
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/event/bell.h"
#include "core/event/loop.h"
#include "core/log/log.h"
#include "core/os/clock.h"
#include "t/unit/tap.h"

static char   trace[256];
static size_t trace_n;


static void
note(char c)
{
    trace[trace_n++] = c;
    trace[trace_n] = '\0';
}


static const char *
noted(void)
{
    static char copy[sizeof(trace)];

    memcpy(copy, trace, sizeof(copy));
    trace_n = 0;
    trace[0] = '\0';
    return copy;
}


/* -- posts ------------------------------------------------------------- */

struct lettered {
    struct post  post;
    char         c;
    struct loop *loop;
    struct post *then; /* posted when run */
};


static void
run_lettered(struct post *p)
{
    struct lettered *x = container_of(p, struct lettered, post);

    note(x->c);
    if (x->then != NULL)
        post_add(x->loop, x->then);
}


static void
test_posts(struct loop *l)
{
    struct lettered a = { { .run = run_lettered }, 'a', l, NULL };
    struct lettered b = { { .run = run_lettered }, 'b', l, NULL };
    struct lettered c = { { .run = run_lettered }, 'c', l, &b.post };
    struct lettered d = { { .run = run_lettered }, 'd', l, NULL };
    struct lettered e = { { .run = run_lettered }, 'e', l, NULL };

    post_add_late(l, &d.post);
    post_add_late(l, &c.post);
    post_add(l, &a.post);
    post_add(l, &a.post);
    ok(post_is_added(&a.post), "is added");
    loop_reap(l, &e.post);
    loop_turn(l, 0);
    is_text(noted(), "adcbe", "posts, late ones, what they post, the tail");
    ok(!post_is_added(&a.post), "no longer added");

    post_add(l, &a.post);
    post_cancel(&a.post);
    post_cancel(&b.post);
    loop_turn(l, 0);
    is_text(noted(), "", "cancelled");

    c.then = NULL;
    post_add_next(l, &c.post);
    loop_turn(l, 10000);
    is_text(noted(), "c", "the next turn does not wait");
    post_add(l, &a.post);
    loop_reap(l, &a.post);
    loop_turn(l, 0);
    is_text(noted(), "a", "reaping cancels a post");
}


static struct lettered again;


static void
run_next_again(struct post *p)
{
    note('n');
    post_add_next(again.loop, p);
}


static void
test_next(struct loop *l)
{
    again.loop = l;
    again.post.run = run_next_again;
    post_add_next(l, &again.post);
    loop_turn(l, 10000);
    is_text(noted(), "n", "once a turn");
    loop_turn(l, 10000);
    is_text(noted(), "n", "and in the next again");
    post_cancel(&again.post);
}


/* -- timers ------------------------------------------------------------ */

struct clocked {
    struct timer  timer;
    char          c;
    struct timer *stops;
    int           rearm_ms; /* -1: not */
    struct loop  *loop;
};


static void
on_clocked(struct timer *t)
{
    struct clocked *x = container_of(t, struct clocked, timer);

    note(x->c);
    if (x->stops != NULL)
        timer_stop(x->stops);
    if (x->rearm_ms != -1)
        timer_set(x->loop, t, (msec_t) x->rearm_ms);
}


static struct clocked
clocked(struct loop *l, char c)
{
    return (struct clocked){ { .on_timeout = on_clocked }, c, NULL, -1, l };
}


/* Turns until no timer is left. */
static void
run_timers(struct loop *l)
{
    for (int i = 0; i < 1000 && timer_count(l) != 0; i++)
        loop_turn(l, 5000);
}


static void
test_timers(struct loop *l)
{
    struct clocked a = clocked(l, 'a'), b = clocked(l, 'b');
    struct clocked c = clocked(l, 'c'), d = clocked(l, 'd');
    msec_t         before;

    timer_set(l, &c.timer, 30);
    timer_set(l, &a.timer, 10);
    timer_set(l, &b.timer, 20);
    is(timer_count(l), 3, "three are set");
    run_timers(l);
    is_text(noted(), "abc", "in order");
    ok(!timer_is_set(&a.timer), "not set any more");
    is(timer_left(&a.timer), 0, "nothing left");

    /* Far apart: of two that are overdue the one that was moved goes first. */
    timer_set(l, &a.timer, 10);
    timer_set(l, &b.timer, 20);
    timer_set(l, &a.timer, 500);
    ok(a.timer.at > a.timer.node.key, "moved to later: a store");
    run_timers(l);
    is_text(noted(), "ba", "moved to later");

    timer_set(l, &a.timer, 60000);
    timer_set(l, &b.timer, 20);
    timer_set(l, &a.timer, 5);
    run_timers(l);
    is_text(noted(), "ab", "moved to earlier");

    timer_set(l, &a.timer, 5);
    timer_set(l, &b.timer, 5);
    timer_set(l, &c.timer, 50);
    a.stops = &c.timer;
    run_timers(l);
    is_same(strchr(noted(), 'c'), NULL, "stopped by another");
    a.stops = NULL;

    /* Each of two due at once stops the other: one of them runs. */
    a.stops = &b.timer;
    b.stops = &a.timer;
    timer_set(l, &a.timer, 1);
    timer_set(l, &b.timer, 1);
    run_timers(l);
    is(strlen(noted()), 1, "stopped when due already");
    a.stops = b.stops = NULL;

    d.rearm_ms = 0;
    timer_set(l, &d.timer, 0);
    loop_turn(l, 0);
    is_text(noted(), "d", "delay 0, set again with 0: once a turn");
    timer_stop(&d.timer);
    timer_stop(&d.timer);

    before = clock_fresh_ms();
    timer_set(l, &a.timer, 50);
    ok(timer_left(&a.timer) <= 50 && timer_left(&a.timer) > 0, "left");
    run_timers(l);
    ok(clock_fresh_ms() - before >= 49, "not before its time");
    is_text(noted(), "a", "ran");
}


static void
test_idle_timers(struct loop *l)
{
    struct clocked a = clocked(l, 'a');

    a.timer.is_idle = true;
    timer_set(l, &a.timer, 1);
    is(timer_count(l), 0, "idle timers do not count");
    timer_stop(&a.timer);
    is(timer_count(l), 0, "nor when stopped");
    timer_set(l, &a.timer, 1);
    for (int i = 0; i < 100 && timer_is_set(&a.timer); i++)
        loop_turn(l, 100);
    is_text(noted(), "a", "but they expire");
}


static void
test_many_timers(struct loop *l)
{
    enum { MANY = 500 };
    static struct clocked many[MANY];
    unsigned              state = 1;

    for (int i = 0; i < MANY; i++) {
        many[i] = clocked(l, 'x');
        timer_set(l, &many[i].timer, 100000);
    }
    for (int i = 0; i < 20000; i++) {
        struct clocked *x;

        state = state * 1103515245 + 12345;
        x = &many[(state >> 16) % MANY];
        if ((state >> 8) % 4 == 0)
            timer_stop(&x->timer);
        else
            timer_set(l, &x->timer, 50000 + (state >> 12) % 100000);
    }
    loop_turn(l, 0);
    is_text(noted(), "", "none is due");
    for (int i = 0; i < MANY; i++)
        timer_stop(&many[i].timer);
    is(timer_count(l), 0, "all stopped");
}


/* -- descriptors ------------------------------------------------------- */

struct end {
    struct event event;
    char         c;
    struct loop *loop;
    struct end  *closes; /* when read */
    bool         reopen; /* the closed one, with a fresh descriptor          */
    int          spare;
};


static void
shut(struct end *e)
{
    event_forget(e->loop, &e->event);
    close(e->event.fd);
    e->event.fd = -1;
}


static void
on_read(struct event *ev)
{
    struct end *e = container_of(ev, struct end, event);

    note(e->c);
    if (e->closes != NULL && e->closes->event.fd != -1) {
        shut(e->closes);
        if (e->reopen) {
            e->closes->event.fd = e->spare;
            event_add(e->loop, &e->closes->event);
        }
    }
}


static void
on_write(struct event *ev)
{
    note((char) (container_of(ev, struct end, event)->c - 'a' + 'A'));
}


static struct end
end_of(struct loop *l, char c, int fd)
{
    return (struct end){ { .fd = fd, .on_read = on_read, .on_write = on_write },
                         c,
                         l,
                         NULL,
                         false,
                         -1 };
}


static void
test_edges(struct loop *l)
{
    int        s[2];
    struct end a;
    char       in[8];

    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s);
    a = end_of(l, 'a', s[0]);
    ok(event_add(l, &a.event), "added");
    loop_turn(l, 1000);
    is_text(noted(), "A", "writable at once");
    is(write(s[1], "x", 1), 1, "sent");
    loop_turn(l, 1000);
    is_text(noted(), "a", "readable, and not writable again");
    ok(a.event.readable, "flag");
    is(write(s[1], "y", 1), 1, "sent more");
    loop_turn(l, 0);
    is_text(noted(), "", "no change, no call");
    is(read(s[0], in, sizeof(in)), 2, "read both");
    a.event.readable = false;
    loop_turn(l, 0);
    is_text(noted(), "", "quiet");
    close(s[1]);
    loop_turn(l, 1000);
    is_text(noted(), "a", "the end");
    ok(a.event.hangup && a.event.readable, "flags of the end");
    event_remove(l, &a.event);
    event_remove(l, &a.event);
    ok(!a.event.added, "removed");
    close(s[0]);
}


/* Calls for room only when some was wanted. */
static void
test_writable(struct loop *l)
{
    static char data[65536];
    int         s[2];
    struct end  a;

    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s);
    a = end_of(l, 'a', s[0]);
    ok(event_add_writable(l, &a.event) && a.event.writable, "writable");
    is(write(s[0], "x", 1), 1, "sent");
    is(read(s[1], data, sizeof(data)), 1, "received");
    loop_turn(l, 0);
    is_text(noted(), "", "not told of room that nobody waits for");
    while (write(s[0], data, sizeof(data)) > 0)
        continue;
    event_blocked(l, &a.event);
    ok(!a.event.writable, "full");
    loop_turn(l, 0);
    is_text(noted(), "", "no room yet");
    while (read(s[1], data, sizeof(data)) > 0)
        continue;
    loop_turn(l, 1000);
    is_text(noted(), "A", "told of room");
    event_blocked(l, &a.event);
    while (write(s[0], data, sizeof(data)) > 0)
        continue;
    while (read(s[1], data, sizeof(data)) > 0)
        continue;
    loop_turn(l, 1000);
    is_text(noted(), "A", "and again");
    event_remove(l, &a.event);
    close(s[0]);
    close(s[1]);
}


/* Added by the next turn: with what was found meanwhile, or not at all. */
static void
test_late(struct loop *l)
{
    static char data[65536];
    int         s[2];
    struct end  a;

    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s);
    a = end_of(l, 'a', s[0]);
    ok(event_add_late(l, &a.event) && a.event.writable, "writable");
    ok(!a.event.added, "not added");
    is(write(s[1], "x", 1), 1, "the peer is quick");
    while (write(s[0], data, sizeof(data)) > 0)
        continue;
    event_blocked(l, &a.event);
    loop_turn(l, 1000);
    is_text(noted(), "a", "told of what had come");
    ok(a.event.added && !a.event.writable, "added, and full");
    while (read(s[1], data, sizeof(data)) > 0)
        continue;
    loop_turn(l, 1000);
    is_text(noted(), "A", "told of room");
    event_remove(l, &a.event);

    a = end_of(l, 'a', s[0]);
    ok(event_add_late(l, &a.event), "again");
    event_remove(l, &a.event);
    is(write(s[1], "x", 1), 1, "sent");
    loop_turn(l, 0);
    is_text(noted(), "", "removed before");
    ok(!a.event.added, "never added");
    close(s[0]);
    close(s[1]);
}


static void
test_half_close(struct loop *l)
{
    int        s[2];
    struct end a;

    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s);
    a = end_of(l, 'a', s[0]);
    a.event.writable = true;
    event_add(l, &a.event);
    is(write(s[1], "x", 1), 1, "sent");
    shutdown(s[1], SHUT_WR);
    loop_turn(l, 1000);
    is_text(noted(), "a", "data and the end in one event");
    ok(a.event.hangup, "hangup");
    shut(&a);
    close(s[1]);
}


/* Whichever of the two comes first closes the other. */
static void
test_close_in_batch(struct loop *l, bool reopen)
{
    int        s[2], t[2], u[2];
    struct end a, b;

    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s);
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, t);
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, u);
    a = end_of(l, 'a', s[0]);
    b = end_of(l, 'b', t[0]);
    a.closes = &b;
    b.closes = &a;
    a.spare = b.spare = u[0];
    a.reopen = b.reopen = reopen;
    event_add(l, &a.event);
    event_add(l, &b.event);
    close(s[1]);
    close(t[1]);
    loop_turn(l, 1000);
    if (reopen) {
        struct end *new = a.event.fd == u[0] ? &a : &b;

        ok(!new->event.hangup && !new->event.readable,
           "a stale event does not reach the new descriptor");
        a.closes = b.closes = NULL;
        noted();
        is(write(u[1], "x", 1), 1, "sent");
        loop_turn(l, 1000);
        ok(new->event.readable && !new->event.hangup, "but its own does");
    } else {
        const char *said = noted();

        is((strchr(said, 'a') != NULL) + (strchr(said, 'b') != NULL), 1,
           "only one of them was called");
        close(u[0]);
    }
    noted();
    if (a.event.fd != -1)
        shut(&a);
    if (b.event.fd != -1)
        shut(&b);
    close(u[1]);
}


static void
test_urgent(void)
{
    struct loop *l = loop_new(&log_start, 4);
    struct end   ends[9], urgent;
    int          s[9][2], bell = eventfd(0, EFD_NONBLOCK);
    const char  *said;

    for (int i = 0; i < 9; i++) {
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s[i]);
        ends[i] = end_of(l, 'a', s[i][0]);
        ends[i].event.writable = true;
        event_add(l, &ends[i].event);
        is(write(s[i][1], "x", 1), 1, "sent");
    }
    urgent = end_of(l, 'u', bell);
    urgent.event.is_urgent = true;
    urgent.event.writable = true;
    event_add(l, &urgent.event);
    is(eventfd_write(bell, 1), 0, "rung");
    loop_turn(l, 1000);
    said = noted();
    is(said[0], 'u', "urgent first, though the batch was full without it");
    is(strlen(said), 5, "and then the batch");
    for (int i = 0; i < 5; i++)
        loop_turn(l, 0);
    said = noted();
    is_same(strchr(said, 'u'), NULL, "urgent once");
    is(strlen(said), 5, "all the others");
    for (int i = 0; i < 9; i++) {
        shut(&ends[i]);
        close(s[i][1]);
    }
    shut(&urgent);
    loop_free(l);
}


/* --- the bell that all processes hear ----------------------------------------- */

static struct bell some_bells[3];
static unsigned    heard[3];


/* The second one has heard enough, and so has the third then. */
static void
on_ring(struct bell *b)
{
    heard[b - some_bells]++;
    if (b == &some_bells[1]) {
        bell_ignore(&some_bells[1]);
        bell_ignore(&some_bells[2]);
    }
}


static void
test_bells(struct loop *l)
{
    pid_t other;

    ok(bell_hang(&log_start), "a bell");
    for (int i = 0; i < 3; i++) {
        some_bells[i].on_ring = on_ring;
        bell_listen(&some_bells[i], l);
    }
    loop_turn(l, 0);
    memset(heard, 0, sizeof(heard));
    for (int i = 1; i < 3; i++)
        bell_listen(&some_bells[i], l);
    other = fork();
    if (other == 0) {
        bell_ring();
        _exit(0);
    }
    waitpid(other, NULL, 0);
    loop_turn(l, 1000);
    is(heard[0], 1, "rung in another process: one hears it");
    is(heard[1], 1, "... as does another");
    is(heard[2], 0, "... but not who has been told to ignore it");
    bell_ring();
    loop_turn(l, 1000);
    is(heard[0], 2, "rung here: who listens hears it, too");
    is(heard[1], 1, "... who does not does not");
    bell_ignore(&some_bells[0]);
    bell_ring();
    loop_turn(l, 0);
    is(heard[0], 2, "nobody listens");
}


static void
test_write_first(struct loop *l)
{
    int        s[2];
    struct end a;

    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s);
    a = end_of(l, 'a', s[0]);
    a.event.write_first = true;
    event_add(l, &a.event);
    close(s[1]);
    loop_turn(l, 1000);
    is_text(noted(), "Aa", "connecting: the outcome before reading");
    shut(&a);
}


/* -- running ----------------------------------------------------------- */

static int turns;


static void
count_turn(void *arg)
{
    if (++turns == 3)
        loop_stop(arg);
}


static void
test_run(struct loop *l)
{
    struct clocked a = clocked(l, 'a');

    a.rearm_ms = 1;
    timer_set(l, &a.timer, 1);
    loop_each_turn(l, count_turn, l);
    loop_run(l);
    ok(turns >= 3, "runs until it is stopped");
    timer_stop(&a.timer);
    loop_each_turn(l, NULL, NULL);
    noted();
}


int
main(void)
{
    struct loop *l = loop_new(&log_start, 64);

    ok(l != NULL, "a loop");
    test_posts(l);
    test_next(l);
    test_timers(l);
    test_idle_timers(l);
    test_many_timers(l);
    test_edges(l);
    test_writable(l);
    test_late(l);
    test_half_close(l);
    test_close_in_batch(l, false);
    test_close_in_batch(l, true);
    test_urgent();
    test_bells(l);
    test_write_first(l);
    test_run(l);
    loop_free(l);
    return done();
}
