/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening connections.  The descriptor is watched only once connect has been
 * called, as a socket that is in no state yet looks hung up to epoll.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>

#include "core/net/conn.h"


static bool
bind_local(int fd, const struct sockaddr *to, socklen_t len, bool transparent)
{
    int on = 1;

    if (transparent) {
        int level = to->sa_family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
        int name = to->sa_family == AF_INET6 ? IPV6_TRANSPARENT
                                             : IP_TRANSPARENT;

        if (setsockopt(fd, level, name, &on, sizeof(on)) == -1)
            return false;
    }
    /* The port is then chosen by connect, for this destination alone. */
    if (to->sa_family != AF_UNIX && addr_port(to) == 0)
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    return bind(fd, to, len) == 0;
}


/* Whether a peer on this machine has accepted by now, though connect did not
 * say so: that saves a turn of the loop. */
static bool
is_connected(int fd, const struct sockaddr *to)
{
    struct pollfd p = { .fd = fd, .events = POLLOUT };

    return addr_is_loopback(to) && poll(&p, 1, 0) == 1 && p.revents == POLLOUT;
}


static bool
start(struct conn *c, const struct sockaddr *to, socklen_t len)
{
    int rc;

    do {
        rc = connect(c->event.fd, to, len);
    } while (rc == -1 && errno == EINTR);
    if (rc == -1 && errno != EINPROGRESS)
        return false;
    if (rc == -1 && is_connected(c->event.fd, to))
        rc = 0;
    c->event.readable = c->event.writable = c->event.hangup = false;
    c->event.write_first = rc == -1;
    return rc == 0 ? event_add_late(c->loop, &c->event)
                   : event_add(c->loop, &c->event);
}


/* What connect can say that another machine has no part in. */
static bool
is_shortage(int errnum)
{
    switch (errnum) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case ENOSPC:
    case EADDRNOTAVAIL:
    case EADDRINUSE:
        return true;
    default:
        return false;
    }
}


static enum connect_fault
fail(struct conn *c, enum connect_fault fault)
{
    int error = errno;

    conn_close(c);
    errno = error;
    return fault;
}


enum connect_fault
conn_connect(struct conn *c, const struct sockaddr *to, socklen_t len,
             const struct sockaddr *bind_to, socklen_t bind_len,
             bool transparent)
{
    if (!conn_open(c, to->sa_family))
        return CONNECT_NO_SOCKET;
    conn_set_peer(c, to, len);
    if (bind_to != NULL
        && !bind_local(c->event.fd, bind_to, bind_len, transparent))
        return fail(c, CONNECT_NO_BIND);
    if (start(c, to, len))
        return CONNECT_BEGUN;
    return fail(c, is_shortage(errno) ? CONNECT_SHORTAGE : CONNECT_REFUSED);
}


int
conn_connect_error(struct conn *c)
{
    int       error = 0;
    socklen_t len = sizeof(error);

    c->event.write_first = false;
    c->event.on_write = conn_on_writable;
    if (!c->event.hangup)
        return 0;
    if (getsockopt(c->event.fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
        error = errno;
    return error;
}
