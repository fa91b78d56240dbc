/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Images of generations, and the channel on which descriptors travel: a child
 * that was there before maps what its parent has made.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/conf/image.h"
#include "core/proc/channel.h"
#include "t/unit/tap.h"

struct thing {
    struct arena *arena;
    char         *text;
    struct thing *next;
};

struct message {
    unsigned      slot;
    size_t        size;
    struct thing *things;
};


static struct thing *
make_things(struct arena *a, unsigned n)
{
    struct thing *first = NULL;

    for (unsigned i = 0; i < n; i++) {
        struct thing *t = arena_make(a, struct thing);

        t->arena = a;
        t->text = str_z(a, arena_printf(a, "thing %u", i));
        t->next = first;
        first = t;
    }
    return first;
}


static void
await(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };

    poll(&p, 1, 10000);
}


/* In the child: an exit code. */
static int
use(int end)
{
    struct message m;
    int            fds[CHANNEL_FDS];
    unsigned       n;
    struct image  *i;

    await(end);
    if (!channel_receive(end, &m, sizeof(m), fds, &n) || n != 1)
        return 1;
    i = image_map(m.slot, m.size, fds[0]);
    close(fds[0]);
    if (i == NULL)
        return 2;
    if (strcmp(m.things->text, "thing 9999") != 0)
        return 3;
    m.things->text[0] = 'T';
    /* it grows by memory of this process */
    make_things(m.things->arena, 10000);
    channel_send(end, "x", 1, NULL, 0);
    await(end);
    arena_free(m.things->arena);
    image_put(i);
    if (image_map(m.slot + 100000, m.size, 0) != NULL || errno != EINVAL)
        return 4;
    return 0;
}


static pid_t
start_child(int ends[2], int holder)
{
    pid_t pid;

    ok(channel_open(ends), "a channel");
    pid = fork();
    if (pid != 0) {
        close(ends[1]);
        return pid;
    }
    close(ends[0]);
    images_become(holder);
    _exit(use(ends[1]));
}


static void
test_image(void)
{
    int            ends[2], holder = images_holder_new(), status = -1, fd;
    pid_t          pid = start_child(ends, holder);
    struct image  *i = image_new(), *other;
    struct message m;
    struct arena  *a = arena_new_in(image_room(i), 65536);
    char           byte;
    int            fds[CHANNEL_FDS];
    unsigned       n;

    m.things = make_things(a, 10000);
    ok(image_seal(i), "sealed");
    m.slot = image_slot(i);
    m.size = image_size(i);
    ok(m.size > 10000 * sizeof(struct thing) && m.size < 4 << 20, "its size");
    fd = image_fd(i);
    ok(pwrite(fd, "x", 1, 0) == -1, "not to be written to");
    ok(channel_send(ends[0], &m, sizeof(m), &fd, 1), "sent");
    await(ends[0]);
    ok(channel_receive(ends[0], &byte, 1, fds, &n) && byte == 'x', "used");
    is_str(str_of(m.things->text), "thing 9999", "each has its own");

    arena_free(a);
    image_put(i);
    ok(fcntl(fd, F_GETFD) == -1, "the file is closed");
    other = image_new();
    ok(other != NULL && image_slot(other) != m.slot, "in use in the child");
    image_put(other);
    ok(channel_send(ends[0], "x", 1, NULL, 0), "the child may end");
    waitpid(pid, &status, 0);
    is(status, 0, "it did all");
    images_holder_free(holder);
    other = image_new();
    is(image_slot(other), m.slot, "free again");
    image_put(other);
    close(ends[0]);
}


static void
test_too_large(void)
{
    struct image *i = image_new();
    struct arena *a = arena_new_in(image_room(i), 0);

    memset(arena_alloc(a, (size_t) 1 << 30), 0, 4096);
    ok(!image_seal(i), "too large");
    arena_free(a);
    image_put(i);
}


static void
test_channel(void)
{
    int      ends[2], some[CHANNEL_FDS], fds[CHANNEL_FDS];
    char     text[8] = "";
    unsigned n;

    ok(channel_open(ends), "a channel");
    for (unsigned i = 0; i < CHANNEL_FDS; i++)
        some[i] = ends[0];
    ok(!channel_receive(ends[1], text, 4, fds, &n) && errno == EAGAIN, "none");
    ok(channel_send(ends[0], "1234", 4, some, CHANNEL_FDS),
       "as many as can be");
    ok(channel_receive(ends[1], text, 4, fds, &n), "received");
    is(n, CHANNEL_FDS, "all");
    is_str(str_of(text), "1234", "with the message");
    ok(fcntl(fds[0], F_GETFD) == FD_CLOEXEC, "close-on-exec");
    for (unsigned i = 0; i < n; i++)
        close(fds[i]);
    channel_send(ends[0], "12345", 5, some, 2);
    ok(!channel_receive(ends[1], text, 4, fds, &n) && errno == EBADMSG,
       "of another length");
    is(n, 0, "nothing of it stays");
    close(ends[0]);
    ok(!channel_receive(ends[1], text, 4, fds, &n) && errno == ENOTCONN,
       "closed");
    ok(!channel_send(ends[1], "1234", 4, NULL, 0), "nobody to send to");
    close(ends[1]);
}


int
main(void)
{
    test_channel();
    if (images_reserve()) {
        test_image();
        test_too_large();
    } else {
        pass("no images in this build");
    }
    return done();
}
