/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between OpenSSL and the socket: a BIO that reads from a block, which is there
 * only while it holds something, and writes to the process' buffer, from which
 * wire_leave sends.
 */
#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "core/tls/inside.h"

enum { HELD_LEAST = 16384 };

/* Of the process: records between wire_enter and wire_leave. */
static struct {
    char  *p;
    size_t n, room;
} made;


/* --- the socket --------------------------------------------------------------- */

void
wire_drop_in(struct tls *t)
{
    if (t->in != NULL && t->in_n == 0) {
        block_put(t->in);
        t->in = NULL;
    }
}


/* Reads what there is into t->in, which has room behind what it holds.  As for
 * conn_io.read. */
ssize_t
wire_receive(struct conn *c)
{
    struct tls *t = c->tls;
    size_t      room;
    ssize_t     n;

    if (t->in == NULL) {
        t->in = block_new(WIRE_IN);
        t->in_at = t->in_n = 0;
    }
    room = WIRE_IN - t->in_at - t->in_n;
    CHECK(room != 0);
    c->event.is_told = false;
    do {
        n = recv(c->event.fd, t->in->data + t->in_at + t->in_n, room, 0);
    } while (n == -1 && errno == EINTR);
    t->is_drained = n != 0 && (n == -1 || (size_t) n < room);
    if (n == -1) {
        c->event.readable = false;
        if (errno == EAGAIN)
            return CONN_AGAIN;
        c->error = (uint16_t) errno;
        return CONN_ERROR;
    }
    if (n == 0)
        t->is_eof = true;
    else if ((size_t) n < room && !c->event.hangup)
        c->event.readable = false;
    t->in_n += (uint32_t) n;
    return n;
}


/* Sends what is held, then n bytes of p, as wire_push. */
static ssize_t
push(struct conn *c, const char *p, size_t n)
{
    const struct tls *t = c->tls;
    struct iovec      iov[2];
    struct msghdr     m = { .msg_iov = iov };
    ssize_t           rc;

    if (t->out != NULL)
        iov[m.msg_iovlen++]
            = (struct iovec){ t->out->data + t->out_at, t->out_n };
    if (n != 0)
        iov[m.msg_iovlen++] = (struct iovec){ (char *) (uintptr_t) p, n };
    do {
        rc = m.msg_iovlen == 1
                 ? send(c->event.fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL)
                 : sendmsg(c->event.fd, &m, MSG_NOSIGNAL);
    } while (rc == -1 && errno == EINTR);
    if (rc == -1 && errno != EAGAIN) {
        c->error = (uint16_t) errno;
        return CONN_ERROR;
    }
    if (rc == -1)
        rc = 0;
    if ((size_t) rc < t->out_n + n)
        event_blocked(c->loop, &c->event);
    return rc;
}


static void
drop_out(struct tls *t)
{
    if (t->out != NULL)
        block_put(t->out);
    t->out = NULL;
    t->out_n = t->out_at = 0;
}


/* Keeps what the socket has not taken: the rest of what is held, and p. */
static void
keep(struct tls *t, const char *p, size_t n)
{
    size_t        all = t->out_n + n;
    struct block *b;

    if (n == 0)
        return;
    b = block_new(all > HELD_LEAST ? all : HELD_LEAST);
    if (t->out_n != 0)
        memcpy(b->data, t->out->data + t->out_at, t->out_n);
    memcpy(b->data + t->out_n, p, n);
    drop_out(t);
    t->out = b;
    t->out_n = (uint32_t) all;
}


void
wire_alert(struct conn *c, const char *record, size_t n)
{
    (void) push(c, record, n);
}


/* --- what OpenSSL reads and writes --------------------------------------------- */

static int
bio_read(BIO *b, char *out, int n)
{
    struct conn *c = BIO_get_data(b);
    struct tls  *t;
    ssize_t      got = 1;

    BIO_clear_retry_flags(b);
    if (c == NULL)
        return -1;
    t = c->tls;
    if (t->in_n == 0) {
        if (t->is_eof)
            return 0;
        if (t->in != NULL)
            t->in_at = 0;
        got = c->event.readable ? wire_receive(c) : CONN_AGAIN;
    }
    if (got <= 0) {
        wire_drop_in(t);
        if (got == CONN_AGAIN)
            BIO_set_retry_read(b);
        return got == 0 ? 0 : -1;
    }
    if ((uint32_t) n > t->in_n)
        n = (int) t->in_n;
    memcpy(out, t->in->data + t->in_at, (size_t) n);
    t->in_at += (uint32_t) n;
    t->in_n -= (uint32_t) n;
    wire_drop_in(t);
    return n;
}


static int
bio_write(BIO *b, const char *p, int n)
{
    BIO_clear_retry_flags(b);
    if (BIO_get_data(b) == NULL)
        return -1;
    if (made.room - made.n < (size_t) n) {
        made.room = made.n + (size_t) n + WIRE_ENOUGH;
        made.p = realloc(made.p, made.room);
        if (made.p == NULL)
            check_memory(made.room);
    }
    memcpy(made.p + made.n, p, (size_t) n);
    made.n += (size_t) n;
    return n;
}


static long
bio_ctrl(BIO *b, int command, long n, void *arg)
{
    const struct conn *c = BIO_get_data(b);

    (void) n;
    (void) arg;
    switch (command) {
    case BIO_CTRL_FLUSH:
        return 1;
    case BIO_CTRL_EOF:
        return c == NULL || (c->tls->is_eof && c->tls->in_n == 0);
    default:
        return 0;
    }
}


BIO *
wire_bio_new(struct conn *c)
{
    static BIO_METHOD *method;
    BIO               *b;

    if (method == NULL) {
        method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
                              "connection");
        if (method == NULL)
            check_memory(1);
        BIO_meth_set_read(method, bio_read);
        BIO_meth_set_write(method, bio_write);
        BIO_meth_set_ctrl(method, bio_ctrl);
    }
    b = BIO_new(method);
    if (b == NULL)
        check_memory(1);
    BIO_set_data(b, c);
    BIO_set_init(b, 1);
    return b;
}


void
wire_bio_leave(BIO *b)
{
    BIO_set_data(b, NULL);
}


/* --- calls into OpenSSL ------------------------------------------------------------ */

void
wire_enter(void)
{
    DCHECK(ERR_peek_error() == 0);
    made.n = 0;
}


bool
wire_leave(struct conn *c, enum wire_when when)
{
    struct tls *t = c->tls;
    size_t      n = 0, old;
    ssize_t     sent;

    DCHECK(ERR_peek_error() == 0);
    if (when == WIRE_NOW || (when == WIRE_NEW && made.n != 0)) {
        if (t->out_n + made.n != 0 && c->event.writable) {
            sent = push(c, made.p, made.n);
            if (sent == CONN_ERROR)
                return false;
            n = (size_t) sent;
        }
    }
    old = n < t->out_n ? n : t->out_n;
    t->out_at += (uint32_t) old;
    t->out_n -= (uint32_t) old;
    if (t->out_n == 0)
        drop_out(t);
    keep(t, made.p + (n - old), made.n - (n - old));
    made.n = 0;
    c->has_unsent = t->out != NULL;
    return true;
}


size_t
wire_made(const struct tls *t)
{
    return t->out_n + made.n;
}


void
wire_note_rest(struct conn *c, bool has_more)
{
    const struct tls *t = c->tls;

    c->event.readable = t->in_n != 0 || t->has_ahead || !t->is_drained
                        || has_more || c->event.is_told || c->event.hangup;
}
