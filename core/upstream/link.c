/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Links: connecting, waiting, and being given back.  The pieces of a link's
 * output come from the arena of the task that uses it, which is why nothing
 * may be left in it when it is given back.
 */
#include "core/upstream/link.h"

#include <errno.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "core/net/worker.h"
#include "core/os/clock.h"
#include "core/upstream/build.h"


static struct link *
link_of(struct conn *c)
{
    return container_of(c, struct link, conn);
}


static void
wake(struct link *l)
{
    if (l->task != NULL)
        task_wake(l->task);
}


static void
on_read(struct event *e)
{
    wake(link_of(container_of(e, struct conn, event)));
}


/* Connected, or not; and while its io shakes hands. */
static void
on_opening(struct event *e)
{
    struct link *l = link_of(container_of(e, struct conn, event));

    l->has_outcome = true;
    wake(l);
}


static void
on_flushed(struct conn *c)
{
    wake(link_of(c));
}


static void
on_read_timeout(struct timer *t)
{
    struct link *l = link_of(container_of(t, struct conn, read_timer));

    l->timed_out = true;
    wake(l);
}


/* The peer has time as long as it takes some. */
static void
on_write_timeout(struct timer *t)
{
    struct link *l = link_of(container_of(t, struct conn, write_timer));

    if (l->conn.sent != l->sent_at_timer) {
        link_wait_write(l, l->send_timeout);
        return;
    }
    l->timed_out = true;
    wake(l);
}


void
link_wait_read(struct link *l, msec_t timeout)
{
    timer_set(l->conn.loop, &l->conn.read_timer, timeout);
}


void
link_wait_write(struct link *l, msec_t timeout)
{
    l->send_timeout = timeout;
    l->sent_at_timer = l->conn.sent;
    timer_set(l->conn.loop, &l->conn.write_timer, timeout);
}


/* Makes the link the task's. */
static void
use(struct link *l, struct task *t)
{
    struct conn *c = &l->conn;

    l->task = t;
    l->timed_out = false;
    l->sent_before = c->sent;
    l->received_before = c->received;
    l->requests++;
    c->log = *t->log;
    c->is_quiet = l->was_idle;
    c->event.on_read = on_read;
    c->on_flushed = on_flushed;
    c->read_timer.on_timeout = on_read_timeout;
    c->write_timer.on_timeout = on_write_timeout;
    chain_init(&c->out, t->arena);
}


struct link *
link_new(struct task *t, str_t name, uint64_t kind)
{
    struct link *l = calloc(1, sizeof(*l) + name.n);

    if (l == NULL)
        check_memory(sizeof(*l));
    conn_init(&l->conn, t->loop, -1, t->log);
    l->conn.event.on_write = on_opening;
    l->opened_at = clock_ms();
    l->kind = kind;
    l->name = (str_t){ memcpy(l + 1, name.p, name.n), name.n };
    use(l, t);
    return l;
}


struct link *
link_take(struct task *t, struct upstream_group *g, const struct peer *peer,
          uint64_t kind)
{
    struct link *l = idle_take(g, peer, kind);

    if (l == NULL)
        return NULL;
    l->was_idle = true;
    l->conn.event.on_write = conn_on_writable;
    use(l, t);
    return l;
}


static void
set_option(struct conn *c, int option, const char *name, size_t value)
{
    int n = value > INT32_MAX ? INT32_MAX : (int) value;

    if (value != 0
        && setsockopt(c->event.fd, SOL_SOCKET, option, &n, sizeof(n)) == -1)
        log_at(&c->log, LEVEL_ALERT, errno, "setsockopt(%s) failed", name);
}


static void
set_options(struct conn *c, const struct link_options *o)
{
    if (o->io != NULL)
        c->io = o->io;
    set_option(c, SO_KEEPALIVE, "SO_KEEPALIVE", o->keepalive);
    set_option(c, SO_RCVBUF, "SO_RCVBUF", o->rcvbuf);
    set_option(c, SO_SNDBUF, "SO_SNDBUF", o->sndbuf);
}


/* What a peer can bring about is no fault of this machine. */
static enum log_level
level_of(int errnum)
{
    switch (errnum) {
    case ECONNREFUSED:
    case EAGAIN:
    case ECONNRESET:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
        return LEVEL_ERROR;
    default:
        return LEVEL_CRIT;
    }
}


static void
log_fault(const struct link *l, enum connect_fault fault,
          const struct addr_any *from)
{
    const struct log *log = l->task->log;
    int               errnum = errno;
    char              text[ADDR_TEXT];
    size_t            n;

    switch (fault) {
    case CONNECT_BEGUN:
        break;
    case CONNECT_NO_SOCKET:
        log_at(log, LEVEL_ALERT, errnum, "socket() failed");
        break;
    case CONNECT_NO_BIND:
        n = addr_text(text, &from->sa, from->len, addr_port(&from->sa) != 0);
        log_at(log, LEVEL_CRIT, errnum, "bind(%.*s) failed", (int) n, text);
        break;
    case CONNECT_SHORTAGE:
    case CONNECT_REFUSED:
        log_at(log, level_of(errnum), errnum, "connect() to " STR_F " failed",
               STR_A(l->name));
        break;
    }
}


enum step
link_connect(struct link *l, const struct addr_any *to,
             const struct link_options *o, msec_t timeout)
{
    const struct addr_any *from = o->from;
    enum connect_fault     fault;

    l->is_untried = !worker_has_room(l->task->log);
    if (l->is_untried)
        return STEP_FAIL;
    fault = conn_connect(&l->conn, &to->sa, to->len, from ? &from->sa : NULL,
                         from ? from->len : 0, from && o->is_transparent);
    if (fault != CONNECT_BEGUN) {
        l->is_untried = fault != CONNECT_REFUSED;
        log_fault(l, fault, from);
        return STEP_FAIL;
    }
    log_debug(l->task->log, "connect to " STR_F ", fd:%d", STR_A(l->name),
              l->conn.event.fd);
    set_options(&l->conn, o);
    link_wait_read(l, timeout);
    return STEP_WAIT;
}


/* Whatever comes before the first byte of a request. */
static enum step
shake_hands(struct link *l)
{
    struct conn *c = &l->conn;
    enum step    s = STEP_NEXT;

    if (c->io->handshake != NULL)
        s = c->io->handshake(c);
    if (s == STEP_WAIT) {
        c->event.on_write = on_opening;
        return s;
    }
    c->event.on_write = conn_on_writable;
    timer_stop(&c->read_timer);
    return s;
}


enum step
link_connected(struct link *l)
{
    int errnum;

    if (!l->has_outcome)
        return STEP_WAIT;
    if (l->is_connected)
        return shake_hands(l);
    errnum = conn_connect_error(&l->conn);
    if (errnum != 0) {
        timer_stop(&l->conn.read_timer);
        log_errno(l->task->log, errnum, "connect() failed");
        return STEP_FAIL;
    }
    l->is_connected = true;
    return shake_hands(l);
}


static void
free_link(struct post *p)
{
    free(container_of(p, struct link, reap));
}


void
link_discard(struct link *l)
{
    conn_close(&l->conn);
    l->reap.run = free_link;
    loop_reap(l->conn.loop, &l->reap);
}


void
link_release(struct link *l, struct upstream_group *g, bool may_be_idle)
{
    struct conn *c = &l->conn;

    l->task = NULL;
    c->log = worker->log;
    c->on_flushed = NULL;
    timer_stop(&c->read_timer);
    timer_stop(&c->write_timer);
    if (may_be_idle && !c->flush_failed && g != NULL)
        idle_keep(g, l);
    else
        link_discard(l);
}
