/* SPDX-License-Identifier: BSD-2-Clause */
/* What the master waits for: signals and descriptors, in any mixture. */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "core/proc/await.h"
#include "t/unit/tap.h"

struct end {
    struct awaited awaited;
    int            write_fd;
    unsigned       calls;
    struct end    *victim; /* removed by the callback, or NULL             */
};

static struct await await;


static void
on_ready(struct awaited *a)
{
    struct end *e = container_of(a, struct end, awaited);
    char        byte;

    e->calls++;
    if (read(a->fd, &byte, 1) != 1)
        await_remove(&await, a);
    if (e->victim != NULL)
        await_remove(&await, &e->victim->awaited);
}


static void
begin(struct end *e)
{
    int fd[2];

    if (pipe2(fd, O_CLOEXEC | O_NONBLOCK) == -1)
        exit(1);
    *e = (struct end){
        .awaited = { .fd = fd[0], .events = POLLIN, .on_ready = on_ready },
        .write_fd = fd[1]
    };
    ok(await_add(&await, &e->awaited), "added");
}


static void
put(const struct end *e)
{
    if (write(e->write_fd, "x", 1) != 1)
        exit(1);
}


static void
test_descriptors(void)
{
    struct signal_info info;
    struct end         a, b;

    begin(&a);
    begin(&b);
    ok(!await_next(&await, &info, 1), "the time is over");
    is(a.calls + b.calls, 0u, "nothing is ready");

    put(&a);
    put(&b);
    ok(!await_next(&await, &info, (msec_t) -1), "no signal");
    is(a.calls, 1u, "the first is called");
    is(b.calls, 1u, "so is the second");

    put(&a);
    put(&b);
    a.victim = &b;
    await_next(&await, &info, (msec_t) -1);
    is(a.calls, 2u, "called again");
    is(b.calls, 1u, "not called after another one has removed it");
    await_remove(&await, &b.awaited);
    is(await.n, 1u, "removing twice does no harm");

    a.victim = NULL;
    close(a.write_fd);
    await_next(&await, &info, (msec_t) -1);
    is(a.calls, 3u, "called at the end of its input");
    is(await.n, 0u, "it has removed itself");
}


static void
test_signals(void)
{
    struct signal_info info;
    struct end         a;

    begin(&a);
    put(&a);
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGHUP);
    ok(await_next(&await, &info, (msec_t) -1), "a signal");
    is(info.number, SIGHUP, "the lowest first");
    is(info.sender, getpid(), "its sender");
    is(a.calls, 1u, "descriptors in the same turn");
    ok(await_next(&await, &info, (msec_t) -1), "another signal");
    is(info.number, SIGUSR1, "which one");
    ok(!await_next(&await, &info, 0), "no more");
    await_remove(&await, &a.awaited);
}


static void
test_limit(void)
{
    static struct awaited many[AWAIT_MAX + 1];
    unsigned              n = 0;

    for (unsigned i = 0; i <= AWAIT_MAX; i++) {
        many[i].fd = -1;
        n += await_add(&await, &many[i]);
    }
    is(n, AWAIT_MAX, "no more than the limit");
}


static void
test_leave(void)
{
    static struct await other;
    struct awaited      a = { .fd = dup(0), .events = POLLIN };

    ok(await_open(&other, &log_start), "opened");
    await_add(&other, &a);
    await_leave(&other);
    is(fcntl(a.fd, F_GETFD), -1, "leaving closes what is watched");
}


int
main(void)
{
    signals_block();
    ok(await_open(&await, &log_start), "opened");
    test_descriptors();
    test_signals();
    test_limit();
    test_leave();
    return done();
}
