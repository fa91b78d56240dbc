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
    do {
        n = recv(c->event.fd, t->in->data + t->in_at + t->in_n, room, 0);
    } while (n == -1 && errno == EINTR);
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


/* Keeps what the socket has not taken. */
static void
keep(struct tls *t, const char *p, size_t n)
{
    t->out = block_new(n > HELD_LEAST ? n : HELD_LEAST);
    memcpy(t->out->data, p, n);
    t->out_at = 0;
    t->out_n = (uint32_t) n;
}


static void
drop_out(struct tls *t)
{
    block_put(t->out);
    t->out = NULL;
    t->out_n = 0;
}


/* Bytes sent, fewer than n where the socket takes no more; CONN_ERROR: not
 * logged. */
ssize_t
wire_push(struct conn *c, const char *p, size_t n)
{
    ssize_t rc;

    do {
        rc = send(c->event.fd, p, n, MSG_NOSIGNAL);
    } while (rc == -1 && errno == EINTR);
    if (rc == -1 && errno != EAGAIN) {
        c->error = (uint16_t) errno;
        return CONN_ERROR;
    }
    if (rc == -1)
        rc = 0;
    if ((size_t) rc < n)
        c->event.writable = false;
    return rc;
}


/* --- what OpenSSL reads and writes --------------------------------------------- */

static int
bio_read(BIO *b, char *out, int n)
{
    struct conn *c = BIO_get_data(b);
    struct tls  *t = c->tls;
    ssize_t      got = 1;

    BIO_clear_retry_flags(b);
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
        return c->tls->is_eof && c->tls->in_n == 0;
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


/* --- calls into OpenSSL ------------------------------------------------------------ */

/* What is held goes first. */
void
wire_enter(struct tls *t)
{
    DCHECK(ERR_peek_error() == 0);
    made.n = 0;
    if (t->out == NULL)
        return;
    CHECK(made.room >= t->out_n);
    memcpy(made.p, t->out->data + t->out_at, t->out_n);
    made.n = t->out_n;
    drop_out(t);
}


/* Sends what was made, unless it may wait; what is left is held.  False: the
 * connection is broken, which is not logged. */
bool
wire_leave(struct conn *c, bool may_wait)
{
    struct tls *t = c->tls;
    ssize_t     n = 0;

    DCHECK(ERR_peek_error() == 0);
    if (made.n != 0 && !may_wait && c->event.writable) {
        n = wire_push(c, made.p, made.n);
        if (n == CONN_ERROR)
            return false;
    }
    if ((size_t) n < made.n)
        keep(t, made.p + n, made.n - (size_t) n);
    made.n = 0;
    c->has_unsent = t->out != NULL;
    return true;
}


size_t
wire_made(void)
{
    return made.n;
}
