/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections: long chains through small socket buffers, file pieces, limits,
 * ends and errors, opening, and the list of idle ones.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/net/pressure.h"
#include "core/os/clock.h"
#include "t/unit/tap.h"

static struct loop        *loop;
static struct arena       *arena;
static struct log_targets *targets;
static struct log          quiet;
static struct log_file     log_file;

/* A connection, its peer's descriptor, and what the peer has read. */
struct pair {
    struct conn conn;
    int         peer;
    int         flushed, reads;
    char       *got;
    size_t      n, room;
};


static void
on_flushed(struct conn *c)
{
    container_of(c, struct pair, conn)->flushed++;
}


static void
on_read(struct event *e)
{
    struct conn *c = container_of(e, struct conn, event);

    container_of(c, struct pair, conn)->reads++;
}


static struct pair *
pair_new(int small)
{
    struct pair *p = calloc(1, sizeof(*p));
    int          s[2], size = 4096;

    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s);
    if (small)
        setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    conn_init(&p->conn, loop, s[0], &quiet);
    p->conn.event.on_read = on_read;
    p->conn.on_flushed = on_flushed;
    chain_init(&p->conn.out, arena);
    p->peer = s[1];
    p->room = 1 << 22;
    p->got = malloc(p->room);
    if (!conn_start(&p->conn))
        exit(1);
    return p;
}


static void
pair_free(struct pair *p)
{
    conn_close(&p->conn);
    if (p->peer != -1)
        close(p->peer);
    free(p->got);
    free(p);
    loop_turn(loop, 0);
}


static void
drain(struct pair *p)
{
    ssize_t rc;

    while ((rc = read(p->peer, p->got + p->n, p->room - p->n)) > 0)
        p->n += (size_t) rc;
}


/* Turns until on_flushed was called; the peer reads along. */
static void
run_until_flushed(struct pair *p)
{
    for (int i = 0; i < 100000 && p->flushed == 0; i++) {
        drain(p);
        loop_turn(loop, 10);
    }
    drain(p);
}


static char *
pattern(size_t n, unsigned seed)
{
    char *p = arena_bytes(arena, n);

    for (size_t i = 0; i < n; i++)
        p[i] = (char) (seed = seed * 1103515245 + 12345, seed >> 16);
    return p;
}


static struct chain_file *
temp_file(const char *bytes, size_t n)
{
    struct chain_file *f = arena_make(arena, struct chain_file);
    FILE              *t = tmpfile();

    f->refs = 1;
    f->fd = dup(fileno(t));
    fclose(t);
    if (write(f->fd, bytes, n) != (ssize_t) n)
        exit(1);
    return f;
}


static void
test_short(void)
{
    struct pair *p = pair_new(0);

    chain_add(&p->conn.out, STR("hello "));
    chain_flush(&p->conn.out);
    chain_add(&p->conn.out, STR("world"));
    chain_flush(&p->conn.out);
    is(conn_flush(&p->conn, 0), FLUSH_DONE, "done at once");
    ok(chain_empty(&p->conn.out), "and empty, flush marks and all");
    is(conn_flush(&p->conn, 0), FLUSH_DONE, "nothing to do");
    drain(p);
    is_bytes(p->got, p->n, "hello world", 11, "the bytes");
    is(p->conn.sent, 11, "counted");
    loop_turn(loop, 0);
    is(p->flushed, 0, "nobody is called back");

    chain_add(&p->conn.out, STR("late"));
    conn_flush_late(&p->conn);
    is(p->flushed, 0, "not yet");
    loop_turn(loop, 0);
    drain(p);
    is_bytes(p->got + 11, p->n - 11, "late", 4, "late bytes");
    is(p->flushed, 1, "called back once");
    conn_flush_late(&p->conn);
    is(conn_flush(&p->conn, 0), FLUSH_DONE, "told here");
    loop_turn(loop, 0);
    is(p->flushed, 1, "and not again");
    pair_free(p);
}


/* Memory pieces of odd sizes and file ranges between them. */
static void
test_long(bool no_sendfile, size_t limit)
{
    struct pair       *p = pair_new(1);
    size_t             size = 1500000, at = 0;
    const char        *bytes = pattern(size, 7);
    struct chain_file *f = temp_file(bytes, size);
    enum flush         how;
    int                i = 0;

    p->conn.no_sendfile = no_sendfile;
    while (at < size) {
        size_t n = (size_t) (i * 37 % 9000 + 1);

        if (n > size - at)
            n = size - at;
        if (i % 90 < 80)
            chain_add(&p->conn.out, (str_t){ bytes + at, n });
        else
            chain_add_file(&p->conn.out, f, (off_t) at, n);
        at += n;
        i++;
    }
    how = conn_flush(&p->conn, limit);
    is(how, FLUSH_WAIT, "more than fits (%s, limit %zu)",
       no_sendfile ? "copied" : "sendfile", limit);
    is(p->flushed, 0, "not called from within");
    run_until_flushed(p);
    is(p->flushed, 1, "flushed once");
    is(p->n, size, "all bytes");
    ok(memcmp(p->got, bytes, size) == 0, "the right ones");
    is(p->conn.sent, size, "counted");
    close(f->fd);
    pair_free(p);
}


/* A limit that the socket could take at once: a turn for each part. */
static void
test_limit(void)
{
    struct pair *p = pair_new(0);
    const char  *bytes = pattern(10000, 3);

    chain_add(&p->conn.out, (str_t){ bytes, 10000 });
    is(conn_flush(&p->conn, 4000), FLUSH_WAIT, "the first part");
    is(p->conn.sent, 4000, "no more than that");
    loop_turn(loop, 10000);
    is(p->conn.sent, 8000, "the second part");
    loop_turn(loop, 10000);
    is(p->conn.sent, 10000, "the rest");
    is(p->flushed, 1, "and the word");
    pair_free(p);
}


static void
test_truncated(bool no_sendfile)
{
    struct pair       *p = pair_new(0);
    struct chain_file *f = temp_file("0123456789", 10);

    p->conn.no_sendfile = no_sendfile;
    chain_add_file(&p->conn.out, f, 5, 100);
    is(conn_flush(&p->conn, 0), FLUSH_ERROR, "a file that is too short");
    drain(p);
    is_bytes(p->got, p->n, "56789", 5, "what there was");
    ok(p->conn.flush_failed && p->conn.error == EIO, "remembered");
    is(conn_flush(&p->conn, 0), FLUSH_ERROR, "again");
    close(f->fd);
    pair_free(p);
}


static void
test_read(void)
{
    struct pair *p = pair_new(0);
    char         in[16];

    is(conn_read(&p->conn, in, sizeof(in)), CONN_AGAIN, "nothing yet");
    is(write(p->peer, "abcdef", 6), 6, "sent");
    is(conn_read(&p->conn, in, sizeof(in)), CONN_AGAIN, "not known yet");
    loop_turn(loop, 1000);
    is(p->reads, 1, "called");
    is(conn_read(&p->conn, in, 4), 4, "a full read");
    ok(p->conn.event.readable, "may be more");
    is(conn_read(&p->conn, in, 4), 2, "a short read");
    ok(!p->conn.event.readable, "no more");
    is(write(p->peer, "gh", 2), 2, "sent");
    is(conn_read(&p->conn, in, 4), CONN_AGAIN, "without a call");
    loop_turn(loop, 1000);
    is(p->reads, 2, "called again");
    is(conn_read(&p->conn, in, 2), 2, "exactly as many");
    is(conn_read(&p->conn, in, 2), CONN_AGAIN, "asked the system");

    is(write(p->peer, "ij", 2), 2, "sent");
    shutdown(p->peer, SHUT_WR);
    loop_turn(loop, 1000);
    is(conn_read(&p->conn, in, 16), 2, "a short read before the end");
    is(conn_read(&p->conn, in, 16), 0, "the end is not lost");
    ok(p->conn.is_eof, "remembered");
    is(p->conn.received, 10, "counted");

    chain_add(&p->conn.out, STR("answer"));
    is(conn_flush(&p->conn, 0), FLUSH_DONE, "the other half is open");
    drain(p);
    is_bytes(p->got, p->n, "answer", 6, "and works");
    pair_free(p);
}


/* The end comes after the short read, in an event of its own. */
static void
test_end_later(void)
{
    struct pair *p = pair_new(0);
    char         in[16];

    is(write(p->peer, "x", 1), 1, "sent");
    loop_turn(loop, 1000);
    shutdown(p->peer, SHUT_WR);
    is(conn_read(&p->conn, in, 16), 1, "short");
    is(conn_read(&p->conn, in, 16), CONN_AGAIN, "again");
    loop_turn(loop, 1000);
    is(conn_read(&p->conn, in, 16), 0, "the end");
    pair_free(p);
}


static const char *
logged(void)
{
    static char out[4096];
    ssize_t     n = pread(log_file.fd, out, sizeof(out) - 1, 0);

    out[n > 0 ? n : 0] = '\0';
    if (ftruncate(log_file.fd, 0) == -1)
        exit(1);
    return out;
}


static void
test_errors(void)
{
    struct pair *p = pair_new(1);
    const char  *bytes = pattern(1000000, 5), *line;

    logged();
    chain_add(&p->conn.out, (str_t){ bytes, 1000000 });
    is(conn_flush(&p->conn, 0), FLUSH_WAIT, "waiting");
    close(p->peer);
    p->peer = -1;
    for (int i = 0; i < 100 && p->flushed == 0; i++)
        loop_turn(loop, 100);
    is(p->flushed, 1, "told");
    ok(p->conn.flush_failed, "that it failed");
    is(p->conn.error, EPIPE, "how");
    line = logged();
    ok(strstr(line, " [info] ")
           && strstr(line, ": writev() failed (32: Broken"
                           " pipe)"),
       "logged at info: %s", line);
    pair_free(p);

    p = pair_new(0);
    p->conn.is_client = false;
    close(p->peer);
    p->peer = -1;
    chain_add(&p->conn.out, STR("x"));
    conn_flush_late(&p->conn);
    loop_turn(loop, 0);
    is(p->flushed, 1, "told of a late failure");
    line = logged();
    ok(strstr(line, " [error] "), "logged at error: %s", line);
    pair_free(p);
}


/* What is under way when a connection is closed goes silently. */
static void
test_close(void)
{
    struct pair  *p = pair_new(1);
    struct block *b = block_new(8192);

    chain_add_block(&p->conn.out, b, (str_t){ b->data, 8192 });
    chain_add_block(&p->conn.out, b, (str_t){ b->data, 8192 });
    conn_flush_late(&p->conn);
    conn_close(&p->conn);
    is(b->refs, 1, "blocks are given back");
    block_put(b);
    loop_turn(loop, 0);
    is(p->flushed, 0, "nobody is called");
    conn_close(&p->conn);
    pass("closed twice");
    pair_free(p);
}


/* -- opening ----------------------------------------------------------- */

static int outcome = -1;


static void
on_outcome(struct event *e)
{
    outcome = conn_connect_error(container_of(e, struct conn, event));
}


static int
listen_somewhere(struct sockaddr_in *at)
{
    int       fd = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t len = sizeof(*at);

    memset(at, 0, sizeof(*at));
    at->sin_family = AF_INET;
    at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(fd, (struct sockaddr *) at, sizeof(*at));
    listen(fd, 5);
    getsockname(fd, (struct sockaddr *) at, &len);
    return fd;
}


static void
wait_outcome(struct conn *c)
{
    if (c->event.writable)
        outcome = conn_connect_error(c);
    for (int i = 0; i < 100 && outcome == -1; i++)
        loop_turn(loop, 100);
}


static void
test_connect(void)
{
    struct conn        c = { 0 };
    struct sockaddr_in to, from = { .sin_family = AF_INET };
    struct addr_any    local;
    int                fd = listen_somewhere(&to), got;
    char               in[8];

    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    conn_init(&c, loop, -1, &quiet);
    c.event.on_write = on_outcome;
    c.event.on_read = on_read;
    chain_init(&c.out, arena);
    is(conn_connect(&c, (struct sockaddr *) &to, sizeof(to),
                    (struct sockaddr *) &from, sizeof(from), false),
       CONNECT_BEGUN, "on its way");
    wait_outcome(&c);
    is(outcome, 0, "connected");
    ok(c.is_tcp && !c.is_client, "an upstream, by TCP");
    conn_set_nodelay(&c);
    ok(c.nodelay, "nodelay");
    ok(conn_local(&c, &local) && addr_port(&local.sa) != 0, "local address");
    chain_add(&c.out, STR("hi"));
    is(conn_flush(&c, 0), FLUSH_DONE, "writes");
    got = accept(fd, NULL, NULL);
    is(read(got, in, sizeof(in)), 2, "arrived");
    conn_reset_on_close(&c);
    conn_close(&c);
    is(read(got, in, sizeof(in)), -1, "closed by a reset");
    is(errno, ECONNRESET, "really");
    close(got);
    close(fd);

    outcome = -1;
    c = (struct conn){ 0 };
    conn_init(&c, loop, -1, &quiet);
    c.event.on_write = on_outcome;
    if (conn_connect(&c, (struct sockaddr *) &to, sizeof(to), NULL, 0, false)
        == CONNECT_BEGUN)
        wait_outcome(&c);
    else
        outcome = errno;
    is(outcome, ECONNREFUSED, "refused");
    conn_close(&c);
    loop_turn(loop, 0);

    from.sin_addr.s_addr = htonl(0xc0000201); /* TEST-NET-1: nobody's */
    conn_init(&c, loop, -1, &quiet);
    is(conn_connect(&c, (struct sockaddr *) &to, sizeof(to),
                    (struct sockaddr *) &from, sizeof(from), false),
       CONNECT_NO_BIND, "an address that this machine lacks");
    is(c.event.fd, -1, "nothing open");
}


static void
test_connect_unix(void)
{
    struct sockaddr_un to
        = { .sun_family = AF_UNIX, .sun_path = "/nonexistent/socket" };
    struct conn c = { 0 };

    conn_init(&c, loop, -1, &quiet);
    is(conn_connect(&c, (struct sockaddr *) &to, sizeof(to), NULL, 0, false),
       CONNECT_REFUSED, "no such socket");
    is(errno, ENOENT, "the reason");
    is(c.event.fd, -1, "nothing open");
    is(conns.active, 0, "nothing counted");
}


static void
test_connect_at_once(void)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    socklen_t          len = sizeof(to);
    struct conn        c = { 0 };
    int                fd = socket(AF_UNIX, SOCK_STREAM, 0), got;
    char               in[8];

    bind(fd, (struct sockaddr *) &to, sizeof(to.sun_family)); /* any name */
    listen(fd, 5);
    getsockname(fd, (struct sockaddr *) &to, &len);

    outcome = -1;
    conn_init(&c, loop, -1, &quiet);
    c.event.on_write = on_outcome;
    chain_init(&c.out, arena);
    is(conn_connect(&c, (struct sockaddr *) &to, len, NULL, 0, false),
       CONNECT_BEGUN, "to a Unix socket");
    ok(c.event.writable, "there at once");
    is(conn_connect_error(&c), 0, "no error");
    loop_turn(loop, 0);
    is(outcome, -1, "and not told of it later");
    chain_add(&c.out, STR("hi"));
    is(conn_flush(&c, 0), FLUSH_DONE, "writes");
    got = accept(fd, NULL, NULL);
    is(read(got, in, sizeof(in)), 2, "arrived");
    conn_close(&c);
    close(got);
    close(fd);
}


/* -- idle ones --------------------------------------------------------- */


static int rooms;
static void
on_room(void *arg)
{
    (void) arg;
    rooms++;
}


static struct conn *refuses;


static void
close_unwanted(struct conn *c)
{
    if (c != refuses)
        conn_close(c);
}


static const struct conn_owner idle_owner = { .on_unwanted = close_unwanted };


static void
test_reusable(void)
{
    struct pair *p[3];

    conns.max = 3;
    conns.on_room = on_room;
    for (int i = 0; i < 3; i++) {
        p[i] = pair_new(0);
        conn_set_owner(&p[i]->conn, &idle_owner);
        conn_set_reusable(&p[i]->conn, true);
    }
    conn_set_reusable(&p[0]->conn, true);
    conn_set_reusable(&p[2]->conn, false);
    is(conns.active, 3, "counted");
    is(rooms, 2, "when it is full, each idle one may make room");
    is(conns_evict(CONN_IDLE, 1), 1, "one goes");
    is(rooms, 3, "room");
    is(p[1]->conn.event.fd, -1, "the longest idle");
    refuses = &p[0]->conn;
    is(conns_evict(CONN_IDLE, 10), 0, "one that has work to do does not count");
    refuses = NULL;
    is(conns_evict(CONN_IDLE, 10), 0, "and is not asked again");
    conn_set_reusable(&p[0]->conn, true);
    is(conns_evict(CONN_IDLE, 10), 1, "the other");
    is(conns_evict(CONN_IDLE, 10), 0, "none is left");
    is(conns.active, 1, "one stays");
    conns.max = 0;
    conns.on_room = NULL;
    for (int i = 0; i < 3; i++)
        pair_free(p[i]);
    is(conns.active, 0, "all gone");
}


static unsigned cut;


static void
on_cut(struct conn *c)
{
    cut++;
    conn_set_reusable(c, false); /* the owner may do anything with it */
    if (cut != 2)
        conn_close(c);
}


static const struct conn_owner cut_owner
    = { .on_unwanted = close_unwanted, .on_cut = on_cut };


static void
test_cut(void)
{
    struct pair *p[4];

    for (int i = 0; i < 4; i++) {
        p[i] = pair_new(0);
        conn_set_owner(&p[i]->conn, i != 3 ? &cut_owner : &idle_owner);
        conn_set_reusable(&p[i]->conn, true);
    }
    conn_set_reusable(&p[1]->conn, false);
    conn_set_reusable(&p[2]->conn, false);
    conns_cut(NULL);
    is(cut, 2, "those that are not idle, each once");
    is(p[1]->conn.event.fd, -1, "closed by its owner");
    conns_release();
    is(conns.active, 1, "the idle ones are closed otherwise");
    is(conns.active, 1, "what the owner keeps, stays");
    conns_cut(NULL);
    is(cut, 2, "nobody is left");
    for (int i = 0; i < 4; i++)
        pair_free(p[i]);
    is(conns.active, 0, "all gone");
}


static unsigned adopted, dropped;


static void
on_adopt(struct conn *c)
{
    adopted++;
    if (adopted % 3 == 0) {
        dropped++;
        conn_close(c);
    }
}


static const struct conn_owner adopt_owner
    = { .on_unwanted = close_unwanted, .on_adopt = on_adopt };


/* Slices, between which connections end, also the last of a slice. */
static void
test_adopt(void)
{
    enum { MANY = 400 };
    struct pair *p[MANY];
    unsigned     slices = 1;

    for (int i = 0; i < MANY; i++) {
        p[i] = pair_new(0);
        conn_set_owner(&p[i]->conn, &adopt_owner);
        conn_set_reusable(&p[i]->conn, true);
    }
    conns_adopt_start();
    ok(!conns_adopt_slice(), "not all at once");
    is(adopted, 256, "a slice");
    conn_close(&p[255]->conn);
    conn_set_reusable(&p[254]->conn, false);
    conn_set_reusable(&p[300]->conn, false);
    conn_close(&p[301]->conn);
    while (!conns_adopt_slice())
        slices++;
    is(slices, 1, "then the rest");
    is(adopted, MANY - 2, "each once, but for those that are not idle");
    ok(conns_adopt_slice(), "nothing to do");
    for (int i = 0; i < MANY; i++)
        pair_free(p[i]);
    is(conns.active, 0, "all gone");
    ok(dropped > 100, "also those that did not move over");
}


static struct pace  paces[6];
static struct pair *pressed[6];


/* The last of them is held up by something else. */
static struct pace *
pace(struct conn *c)
{
    for (int i = 0; i < 5; i++)
        if (&pressed[i]->conn == c)
            return &paces[i];
    return NULL;
}


static const struct conn_owner slow_owner = { .on_unwanted = conn_close,
                                              .on_cut = conn_close,
                                              .pace = pace,
                                              .on_slow = conn_close };


static void
test_press(void)
{
    static const enum conn_use uses[6] = { CONN_HEAD,   CONN_BUSY, CONN_BUSY,
                                           CONN_TUNNEL, CONN_HEAD, CONN_BUSY };
    bool                       soon;

    for (int i = 0; i < 6; i++) {
        pressed[i] = pair_new(0);
        conn_set_owner(&pressed[i]->conn, &slow_owner);
        conn_set_use(&pressed[i]->conn, uses[i]);
        pace_start(&paces[i]);
        if (i != 4)
            paces[i].since -= 2 * PACE_WINDOW;
    }
    pressed[2]->conn.received = 3 * PACE_FLOOR;
    is(conns_press(1, &soon), 1, "one goes");
    is(pressed[0]->conn.event.fd, -1, "whose head has been coming for long");
    is(conns_press(9, &soon), 1, "another one");
    is(pressed[1]->conn.event.fd, -1, "that did not get on");
    ok(soon, "and more may follow");
    paces[2].since -= 2 * PACE_WINDOW;
    is(conns_press(9, &soon), 0, "who got on has more time");
    usleep(20000);
    clock_update();
    paces[2].since -= 2 * PACE_WINDOW;
    is(conns_press(9, &soon), 0, "twice as much");
    usleep(20000);
    clock_update();
    paces[2].since -= 2 * PACE_WINDOW;
    is(conns_press(9, &soon), 1, "and no more");
    is(conns.active, 3, "a tunnel, a new head, and who waits stay");
    for (int i = 0; i < 6; i++)
        pair_free(pressed[i]);
}


int
main(void)
{
    FILE       *t = tmpfile();
    const char *error;

    log_to_stderr = false;
    arena = arena_new(0);
    log_file.fd = fileno(t);
    fcntl(log_file.fd, F_SETFL, O_APPEND);
    targets = arena_make(arena, struct log_targets);
    targets->level = LEVEL_INFO;
    targets->n = 1;
    targets->at = arena_array(arena, struct log_target *, 1);
    targets->at[0]
        = log_target_new(arena, STR("/x"), &log_file, LEVEL_INFO, &error);
    quiet.targets = targets;
    loop = loop_new(&quiet, 64);

    ok(sizeof(struct conn) <= 336, "small: %zu bytes", sizeof(struct conn));
    test_short();
    test_long(false, 0);
    test_long(true, 0);
    test_long(false, 10000);
    test_long(true, 10000);
    test_limit();
    test_truncated(false);
    test_truncated(true);
    test_read();
    test_end_later();
    test_errors();
    test_close();
    test_connect();
    test_connect_unix();
    test_connect_at_once();
    test_reusable();
    test_cut();
    test_adopt();
    test_press();
    loop_free(loop);
    arena_free(arena);
    fclose(t);
    return done();
}
