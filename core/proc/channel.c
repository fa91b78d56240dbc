/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors travel as ancillary data (unix(7), SCM_RIGHTS).
 */
#include "core/proc/channel.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union room {
    struct cmsghdr header;
    char           bytes[CMSG_SPACE(CHANNEL_FDS * sizeof(int))];
};


bool
channel_open(int ends[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                      ends)
           == 0;
}


bool
channel_send(int end, const void *message, size_t n, const int *fds,
             unsigned n_fds)
{
    union room    room = { .bytes = { 0 } };
    struct iovec  iov = { .iov_base = (void *) (uintptr_t) message, n };
    struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
    ssize_t       rc;

    if (n_fds != 0) {
        struct cmsghdr *c = &room.header;

        m.msg_control = room.bytes;
        m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
        memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
    }
    do {
        rc = sendmsg(end, &m, MSG_NOSIGNAL);
    } while (rc == -1 && errno == EINTR);
    return rc == (ssize_t) n;
}


static unsigned
take_fds(struct msghdr *m, int fds[CHANNEL_FDS])
{
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    size_t          n;

    if (c == NULL || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
        return 0;
    n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(fds, CMSG_DATA(c), n * sizeof(int));
    return (unsigned) n;
}


bool
channel_receive(int end, void *message, size_t n, int fds[CHANNEL_FDS],
                unsigned *n_fds)
{
    union room    room;
    struct iovec  iov = { .iov_base = message, n };
    struct msghdr m = { .msg_iov = &iov,
                        .msg_iovlen = 1,
                        .msg_control = room.bytes,
                        .msg_controllen = sizeof(room.bytes) };
    ssize_t       rc;

    *n_fds = 0;
    do {
        rc = recvmsg(end, &m, MSG_CMSG_CLOEXEC);
    } while (rc == -1 && errno == EINTR);
    if (rc <= 0) {
        if (rc == 0)
            errno = ENOTCONN;
        return false;
    }
    *n_fds = take_fds(&m, fds);
    if (rc == (ssize_t) n && !(m.msg_flags & (MSG_CTRUNC | MSG_TRUNC)))
        return true;
    while (*n_fds > 0)
        close(fds[--*n_fds]);
    errno = EBADMSG;
    return false;
}
