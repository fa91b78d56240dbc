/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Idle connections to upstreams serve only what they were opened for.
 */
#include "t/unit/framed.h"


/* The connection that something was sent over, which is read. */
static int
asked(void)
{
    int found = -1;

    for (unsigned i = 0; i < accepted; i++)
        if (recv(peers[i], got, sizeof(got), MSG_DONTWAIT) > 0) {
            CHECK(found == -1);
            found = peers[i];
        }
    return found;
}


/* Which connection a request goes over; it is kept. */
static int
used_by(const char *target)
{
    static const char http[] = "HTTP/1.1 204 No Content\r\n\r\n";
    char              request[256];
    int               fd;

    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n",
             target);
    ask(request);
    fd = asked();
    if (target[1] == 'p')
        CHECK(write(fd, http, sizeof(http) - 1) > 0);
    else
        CHECK(write(fd, "S\0\0E\0\0", 6) == 6);
    turn();
    CHECK(recv(client, got, sizeof(got), MSG_DONTWAIT) > 0);
    return fd;
}


/* Requests that ask for connections of different kinds get different ones, and
 * each its own when it is repeated. */
static void
test_kinds(void)
{
    static const char *const targets[] = { "/k/plain",
                                           "/k/rcvbuf",
                                           "/k/sndbuf",
                                           "/k/probed",
                                           "/k/from2",
                                           "/k/from3",
                                           "/k/var",
                                           "/k/var?from=127.0.0.2",
                                           "/k/var?from=127.0.0.3",
                                           "/l/one",
                                           "/l/two",
                                           "/p" };
    int                      fds[countof(targets)];

    for (unsigned i = 0; i < countof(targets); i++) {
        unsigned before = accepted;

        fds[i] = used_by(targets[i]);
        is((int) (accepted - before), 1, "%s: a connection of its own",
           targets[i]);
    }
    for (unsigned i = countof(targets); i-- > 0;)
        is(used_by(targets[i]), fds[i], "%s: the same again", targets[i]);
    is(used_by("/k/same"), fds[0], "locations that ask for the same share it");
}


int
main(void)
{
    struct generation *gen = set_up();

    test_kinds();
    tear_down(gen);
    return done();
}
