/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving bytes between two connections: both ways, against a side that takes
 * nothing, to the end, and when one breaks; and when one is inside of another
 * connection, without a descriptor.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/net/pump.h"
#include "t/unit/tap.h"

static struct loop        *loop;
static struct arena       *arena;
static struct log_targets *targets;
static struct log          quiet;

/* Two connections with a pump between them, and what is behind each. */
static struct conn conns_of[2];
static int         far[2];
static struct pump pump;


static void
on_read(struct event *e)
{
    (void) e;
}


static void
open_side(unsigned i)
{
    int s[2], size = 4096;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s) == -1)
        abort();
    setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    memset(&conns_of[i], 0, sizeof(conns_of[i]));
    conn_init(&conns_of[i], loop, s[0], &quiet);
    chain_init(&conns_of[i].out, arena);
    conns_of[i].event.on_read = on_read;
    conn_start(&conns_of[i]);
    far[i] = s[1];
}


static void
open_both(void)
{
    open_side(0);
    open_side(1);
    pump_init(&pump, &conns_of[0], &conns_of[1], 0);
}


static void
close_both(void)
{
    for (unsigned i = 0; i < 2; i++) {
        conn_close(&conns_of[i]);
        if (far[i] != -1)
            close(far[i]);
    }
    loop_turn(loop, 0);
}


/* What comes out behind a side: how many bytes. */
static size_t
drain(int fd)
{
    static char room[65536];
    size_t      n = 0;
    ssize_t     got;

    while ((got = read(fd, room, sizeof(room))) > 0)
        n += (size_t) got;
    return n;
}


static enum step
turn(void)
{
    loop_turn(loop, 20);
    return pump_run(&pump);
}


static void
test_both_ways(void)
{
    char got[8] = "";

    open_both();
    is(pump_run(&pump), STEP_WAIT, "nothing to move");
    is(write(far[0], "up", 2) + write(far[1], "down", 4), 6, "both speak");
    is(turn(), STEP_WAIT, "all that there is moves");
    is(read(far[1], got, sizeof(got)), 2, "one way");
    is(read(far[0], got, sizeof(got)), 4, "and the other");
    is(memcmp(got, "down", 4), 0, "unchanged");
    is(pump.moved[0], 2, "counted by the side that sent them");
    is(pump.moved[1], 4, "each");
    close_both();
}


/* Writes until nothing more is taken; returns how much that was. */
static size_t
fill(int fd)
{
    static char block[16384];
    size_t      all = 0;

    for (unsigned still = 0; still < 5;) {
        ssize_t n = write(fd, block, sizeof(block));

        if (n > 0)
            all += (size_t) n;
        still = n > 0 ? 0 : still + 1;
        (void) turn();
    }
    return all;
}


static void
test_slow_side(void)
{
    size_t sent, got = 0;

    open_both();
    sent = fill(far[0]);
    ok(pump.moved[0] < sent, "reading stops when the other side takes nothing");
    ok(conns_of[1].out.n < 4 * 65536, "what waits has a limit");
    is(write(far[1], "x", 1), 1, "the slow side speaks");
    (void) turn();
    is(drain(far[0]), 1, "and is heard");
    for (unsigned i = 0; i < 10000 && got < sent; i++) {
        got += drain(far[1]);
        (void) turn();
    }
    is(got, sent, "all arrives in the end");
    close_both();
}


/* Until something is decided. */
static enum step
run_to_end(void)
{
    enum step s = STEP_WAIT;

    for (unsigned i = 0; i < 500 && (s == STEP_WAIT || s == STEP_NEXT); i++)
        s = turn();
    return s;
}


static void
test_end(void)
{
    char      got[8];
    enum step s;

    open_both();
    is(write(far[0], "bye", 3), 3, "the last words");
    shutdown(far[0], SHUT_WR);
    is(run_to_end(), STEP_DONE, "one side has ended");
    is(read(far[1], got, sizeof(got)), 3, "the other has all of it");
    close_both();

    open_both();
    is(write(far[0], "more", 4), 4, "a side speaks");
    close(far[1]);
    far[1] = -1;
    s = run_to_end();
    ok(s == STEP_FAIL || s == STEP_DONE, "to one that is gone");
    close_both();
}


/* --- inside of another connection -------------------------------------------- */

/* What has come for it, and what it has sent, as far as its window allowed. */
struct stream {
    struct conn conn;
    str_t       in;
    bool        ends, was_shut, was_closed;
    size_t      window;
    char        out[64];
    size_t      n_out;
};


static struct stream *
stream_of(const struct conn *c)
{
    return container_of(c, struct stream, conn);
}


static ssize_t
read_stream(struct conn *c, char *out, size_t n)
{
    struct stream *s = stream_of(c);

    if (s->in.n == 0) {
        c->event.readable = s->ends;
        return s->ends ? 0 : CONN_AGAIN;
    }
    if (n > s->in.n)
        n = s->in.n;
    memcpy(out, s->in.p, n);
    s->in = str_from(s->in, n);
    return (ssize_t) n;
}


static ssize_t
send_stream(struct conn *c, struct chain *out, size_t limit)
{
    struct stream *s = stream_of(c);
    size_t         n = limit < s->window ? limit : s->window;

    if (n == 0) {
        c->event.writable = false;
        return CONN_AGAIN;
    }
    n = chain_peek(out, s->out + s->n_out, n);
    chain_skip(out, n);
    s->n_out += n;
    s->window -= n;
    return (ssize_t) n;
}


static void
shut_stream(struct conn *c)
{
    stream_of(c)->was_shut = true;
}


static void
close_stream(struct conn *c)
{
    stream_of(c)->was_closed = true;
}


static const struct conn_io stream_io = { .name = "stream",
                                          .read = read_stream,
                                          .send = send_stream,
                                          .shutdown = shut_stream,
                                          .close = close_stream };


/* What the outer connection does when a frame has come. */
static void
comes(struct stream *s, str_t in, size_t window)
{
    s->in = in;
    s->window += window;
    s->conn.event.readable = s->conn.event.writable = true;
}


static void
test_inner(void)
{
    struct stream s = { .ends = false };
    size_t        before = conns.active;
    char          got[8] = "";

    open_side(1);
    conn_init_inner(&s.conn, loop, &stream_io, &quiet);
    chain_init(&s.conn.out, arena);
    s.conn.event.on_read = on_read;
    ok(s.conn.is_open, "a connection without a descriptor is open");
    is(conns.active, before + 1, "only the one that has a descriptor counts");
    pump_init(&pump, &s.conn, &conns_of[1], 0);

    comes(&s, STR("up"), 0);
    is(write(far[1], "down", 4), 4, "both speak");
    is(turn(), STEP_WAIT, "to a stream that may send nothing now");
    is(read(far[1], got, sizeof(got)), 2, "what came on the stream arrives");
    is(s.n_out, 0, "nothing went out on it");
    is(s.conn.out.n, 4, "that waits");
    comes(&s, STR(""), 3);
    is(turn(), STEP_WAIT, "its window opens");
    is_bytes(s.out, s.n_out, "dow", 3, "as far as that goes");
    comes(&s, STR(""), 9);
    s.ends = true;
    is(turn(), STEP_DONE, "the rest, and then it ends");
    is_bytes(s.out, s.n_out, "down", 4, "nothing is lost");
    conn_set_nodelay(&s.conn);
    conn_reset_on_close(&s.conn);
    conn_shutdown(&s.conn);
    conn_close(&s.conn);
    ok(s.was_shut && s.was_closed, "what ends it goes to its io");
    ok(!s.conn.is_open, "it is open no more");
    s.was_closed = false;
    conn_close(&s.conn);
    ok(!s.was_closed, "once");
    conn_close(&conns_of[1]);
    close(far[1]);
    is(conns.active, before, "every place is given back");
    loop_turn(loop, 0);
}


int
main(void)
{
    log_to_stderr = false;
    arena = arena_new(0);
    targets = arena_make(arena, struct log_targets);
    targets->level = LEVEL_STDERR;
    quiet.targets = targets;
    loop = loop_new(&quiet, 16);

    test_both_ways();
    test_slow_side();
    test_end();
    test_inner();

    loop_free(loop);
    arena_free(arena);
    return done();
}
