/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The io of a plain socket.  Memory is gathered into one call; files are sent
 * with sendfile, or through a buffer where that does not work.  A call that
 * took less than it was given has filled the socket: writable is cleared
 * without waiting for EAGAIN, and likewise readable after a short read.  That
 * loses nothing, as any change after the call is an edge of its own; only when
 * the peer's end has already been reported must reading go on to see it.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/net/conn.h"

enum { IOV_MANY = 64, COPY_BUFFER = 32768, JOIN_MAX = 4096 };

/* The most that sendfile takes in one call. */
static const size_t sendfile_max = 0x7ffff000;


static ssize_t
fail(struct conn *c, int errnum, const char *text)
{
    c->error = (uint16_t) errnum;
    conn_log_error(c, errnum, text);
    return CONN_ERROR;
}


static ssize_t
read_plain(struct conn *c, char *out, size_t n)
{
    ssize_t rc;

    do {
        rc = recv(c->event.fd, out, n, 0);
    } while (rc == -1 && errno == EINTR);

    if (rc == -1) {
        c->event.readable = false;
        return errno == EAGAIN ? CONN_AGAIN : fail(c, errno, "recv() failed");
    }
    if ((size_t) rc < n && rc != 0 && !c->event.hangup)
        c->event.readable = false;
    return rc;
}


ssize_t
conn_peek(struct conn *c, char *out, size_t n)
{
    ssize_t rc;

    CHECK(c->io == &conn_plain);
    if (!c->event.readable)
        return CONN_AGAIN;
    do {
        rc = recv(c->event.fd, out, n, MSG_PEEK);
    } while (rc == -1 && errno == EINTR);
    if (rc != -1)
        return rc;
    c->event.readable = false;
    return errno == EAGAIN ? CONN_AGAIN : fail(c, errno, "recv() failed");
}


static enum probe
probe_plain(struct conn *c)
{
    char    byte;
    ssize_t rc;

    do {
        rc = recv(c->event.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    } while (rc == -1 && errno == EINTR);
    if (rc > 0)
        return PROBE_INPUT;
    return rc == -1 && errno == EAGAIN ? PROBE_QUIET : PROBE_END;
}


static size_t
unread_plain(const struct conn *c)
{
    int n;

    return ioctl(c->event.fd, SIOCOUTQ, &n) == 0 && n > 0 ? (size_t) n : 0;
}


/* What is sent with one call. */
struct batch {
    struct iovec iov[IOV_MANY];
    unsigned     n;
    size_t       bytes;
    bool         file_follows;
};


static void
gather(struct batch *b, const struct chain *out, size_t limit)
{
    const struct piece *p = out->head;

    b->n = 0;
    b->bytes = 0;
    for (; p != NULL && b->n < IOV_MANY && b->bytes < limit; p = p->next) {
        size_t n = limit - b->bytes < p->n ? limit - b->bytes : p->n;

        if (p->n == 0)
            continue;
        if (p->p == NULL)
            break;
        b->iov[b->n++] = (struct iovec){ (char *) (uintptr_t) p->p, n };
        b->bytes += n;
    }
    b->file_follows = p != NULL && p->p == NULL && p->n != 0
                      && b->bytes < limit;
}


/* The end of every send: rc is the result of the call, n the bytes that it was
 * given (0 for a file: one that has been truncated also sends less than was
 * asked for, and then no edge would follow). */
static ssize_t
sent(struct conn *c, struct chain *out, ssize_t rc, size_t n, const char *text)
{
    if (rc == -1) {
        if (errno != EAGAIN)
            return fail(c, errno, text);
        event_blocked(c->loop, &c->event);
        return CONN_AGAIN;
    }
    if ((size_t) rc < n)
        event_blocked(c->loop, &c->event);
    chain_skip(out, (uint64_t) rc);
    return rc;
}


/* Joins several small pieces into one: copying them is cheaper than passing a
 * vector to the kernel. */
static void
join(struct batch *b, char *together)
{
    char *p = together;

    for (unsigned i = 0; i < b->n; i++) {
        memcpy(p, b->iov[i].iov_base, b->iov[i].iov_len);
        p += b->iov[i].iov_len;
    }
    b->iov[0] = (struct iovec){ together, b->bytes };
    b->n = 1;
}


static ssize_t
send_memory(struct conn *c, struct chain *out, struct batch *b)
{
    struct msghdr m = { .msg_iov = b->iov, .msg_iovlen = b->n };
    bool          holds = b->file_follows && c->nopush;
    int           flags = MSG_NOSIGNAL | (holds ? MSG_MORE : 0);
    char          together[JOIN_MAX] UNSET;
    ssize_t       rc;

    if (b->n > 1 && b->bytes <= sizeof(together))
        join(b, together);
    do {
        rc = b->n == 1 ? send(c->event.fd, b->iov[0].iov_base,
                              b->iov[0].iov_len, flags)
                       : sendmsg(c->event.fd, &m, flags);
    } while (rc == -1 && errno == EINTR);
    return sent(c, out, rc, b->bytes, "writev() failed");
}


static ssize_t
truncated(struct conn *c, off_t at)
{
    log_at(c->lines, LEVEL_ALERT, 0, "file was truncated at %lld while sending",
           (long long) at);
    c->error = EIO;
    return CONN_ERROR;
}


/* The end of a file is only sent together with what follows it if the caller
 * gathers.  n is at most what one call can send. */
static ssize_t
send_copied(struct conn *c, struct chain *out, const struct piece *p, size_t n)
{
    char    copy[COPY_BUFFER] UNSET;
    bool    is_last = n <= sizeof(copy);
    size_t  want = is_last ? n : sizeof(copy);
    ssize_t got, rc;

    do {
        got = pread(p->file->fd, copy, want, p->at);
    } while (got == -1 && errno == EINTR);
    if (got == -1) {
        log_at(c->lines, LEVEL_CRIT, errno, "pread() failed");
        c->error = EIO;
        return CONN_ERROR;
    }
    if (got == 0)
        return truncated(c, p->at);

    do {
        rc = send(c->event.fd, copy, (size_t) got,
                  MSG_NOSIGNAL | (is_last ? 0 : MSG_MORE));
    } while (rc == -1 && errno == EINTR);
    return sent(c, out, rc, (size_t) got, "send() failed");
}


static ssize_t
send_file(struct conn *c, struct chain *out, const struct piece *p, size_t n)
{
    off_t   at = p->at;
    ssize_t rc;

    if (c->no_sendfile)
        return send_copied(c, out, p, n);
    do {
        rc = sendfile(c->event.fd, p->file->fd, &at, n);
    } while (rc == -1 && errno == EINTR);
    if (rc == 0)
        return truncated(c, p->at);
    if (rc == -1 && (errno == EINVAL || errno == ENOSYS)) {
        c->no_sendfile = true; /* not supported by the file system */
        return send_copied(c, out, p, n);
    }
    return sent(c, out, rc, 0, "sendfile() failed");
}


static ssize_t
send_plain(struct conn *c, struct chain *out, size_t limit)
{
    const struct piece *p = out->head;
    struct batch b      UNSET;
    size_t              n;

    gather(&b, out, limit);
    if (b.n != 0)
        return send_memory(c, out, &b);
    while (p != NULL && p->n == 0)
        p = p->next;
    if (p == NULL)
        return 0;
    n = p->n < limit ? p->n : limit;
    return send_file(c, out, p, n < sendfile_max ? n : sendfile_max);
}


static void
shutdown_plain(struct conn *c)
{
    if (shutdown(c->event.fd, SHUT_WR) == -1 && errno != ENOTCONN)
        conn_log_error(c, errno, "shutdown() failed");
}


static void
close_plain(struct conn *c)
{
    if (close(c->event.fd) == -1 && errno != ECONNRESET)
        log_at(c->lines, LEVEL_ALERT, errno, "close() socket %d failed",
               c->event.fd);
}


const struct conn_io conn_plain = {
    .name = "plain",
    .read = read_plain,
    .probe = probe_plain,
    .unread = unread_plain,
    .send = send_plain,
    .shutdown = shutdown_plain,
    .close = close_plain,
};
