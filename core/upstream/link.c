/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Links: connecting, reading, waiting, and being given back.  The pieces of a
 * link's output come from the arena of the task that uses it, so there must be
 * none left when it is given back.
 */
#include "core/upstream/link.h"

#include <errno.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "core/net/worker.h"
#include "core/os/clock.h"
#include "core/upstream/build.h"

enum {
    BLOCK = 32768,       /* a size that blocks are recycled in               */
    LARGE_BLOCK = 65536, /* if that much is known to follow                  */
    ROOM_MIN = 4096,     /* less is not worth a system call                  */
};


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


/* The peer has not timed out if something came while this process was busy: that
 * is read after the timers have expired. */
static void
on_read(struct event *e)
{
    struct link *l = link_of(container_of(e, struct conn, event));

    if (timer_is_set(&l->conn.read_timer)
        && timer_left(&l->conn.read_timer) == 0)
        link_wait_read(l, l->read_timeout);
    wake(l);
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


/* The peer has not timed out if it has taken some bytes meanwhile. */
static void
on_write_timeout(struct timer *t)
{
    struct link *l = link_of(container_of(t, struct conn, write_timer));

    if (l->conn.sent != l->sent_at_timer) {
        link_wait_write(l, l->send_timeout);
        return;
    }
    l->timed_out = l->is_send_late = true;
    wake(l);
}


void
link_wait_read(struct link *l, msec_t timeout)
{
    l->read_timeout = timeout;
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
    l->timed_out = l->is_send_late = l->is_doubtful = false;
    l->sent_before = c->sent;
    l->received_before = c->received;
    l->requests++;
    c->log = *t->log;
    c->lines = &c->log;
    c->is_quiet = l->was_idle;
    c->event.on_read = on_read;
    c->on_flushed = on_flushed;
    c->read_timer.on_timeout = on_read_timeout;
    c->write_timer.on_timeout = on_write_timeout;
    chain_init(&c->out, t->arena);
}


/* Not calloc, which does not take from what this thread has just freed. */
static void *
zalloc(size_t n)
{
    void *p = malloc(n);

    if (p == NULL)
        check_memory(n);
    return memset(p, 0, n);
}


void
link_speak(struct link *l, const struct link_protocol *protocol)
{
    if (l->is_announced && (protocol == NULL || protocol->enter == NULL)) {
        idle_note_single(l->pool, l->name, true);
        link_opened(l, AWAIT_VAIN);
    }
    l->kind.protocol = protocol;
    if (protocol != NULL && protocol->state_size != 0 && l->state == NULL)
        l->state = zalloc(protocol->state_size);
}


/* The texts have their place behind the link. */
static void
set_kind(struct link *l, str_t name, const struct link_kind *kind)
{
    char *text = (char *) (l + 1);

    l->name = (str_t){ memcpy(text, name.p, name.n), name.n };
    l->kind = *kind;
    l->kind.added.p = text + name.n;
    if (kind->added.n != 0)
        memcpy(text + name.n, kind->added.p, kind->added.n);
    link_speak(l, kind->protocol);
}


struct link *
link_new(struct task *t, str_t name, const struct link_kind *kind)
{
    struct link *l = zalloc(sizeof(*l) + name.n + kind->added.n);

    conn_init(&l->conn, t->loop, -1, t->log);
    l->conn.event.on_write = on_opening;
    l->opened_at = clock_ms();
    set_kind(l, name, kind);
    use(l, t);
    return l;
}


struct link *
link_new_inner(struct link *outer, struct task *t, const struct conn_io *io,
               const struct link_protocol *protocol)
{
    struct link_kind kind = { .protocol = protocol, .added = STR("") };
    struct link     *l = link_new(t, outer->name, &kind);

    conn_init_inner(&l->conn, t->loop, io, t->log);
    l->conn.is_client = false;
    l->conn.event.on_write = conn_on_writable;
    l->outer = outer;
    l->has_outcome = l->is_connected = true;
    l->was_idle = outer->requests > 1;
    return l;
}


void
link_carry(struct link *l, struct chain *links,
           void (*on_read_outer)(struct event *),
           void (*on_flushed_outer)(struct conn *))
{
    struct conn *c = &l->conn;

    l->task = NULL;
    timer_stop(&c->read_timer);
    timer_stop(&c->write_timer);
    chain_init(&c->out, links->arena);
    chain_take_links(&c->out, links);
    c->log = worker->log;
    c->lines = &worker->log;
    c->is_quiet = true;
    c->event.on_read = on_read_outer;
    c->on_flushed = on_flushed_outer;
    conn_set_nodelay(c);
}


struct link *
link_join(struct upstream_group *g, const struct peer *peer,
          const struct link_kind *kind)
{
    struct link *l = idle_find_shared(g, peer, kind);

    if (l != NULL)
        l->requests++;
    return l;
}


struct link *
link_take(struct task *t, struct upstream_group *g, const struct peer *peer,
          const struct link_kind *kind)
{
    struct link *l = link_join(g, peer, kind);

    if (l != NULL)
        return l;
    l = idle_take(g, peer, kind);
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
    if ((o->keepalive | o->rcvbuf | o->sndbuf) == 0)
        return;
    set_option(c, SO_KEEPALIVE, "SO_KEEPALIVE", o->keepalive);
    set_option(c, SO_RCVBUF, "SO_RCVBUF", o->rcvbuf);
    set_option(c, SO_SNDBUF, "SO_SNDBUF", o->sndbuf);
}


/* Errors that a peer may cause are not logged as faults of this machine. */
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
        l->error = errno;
        l->is_untried = fault != CONNECT_REFUSED;
        log_fault(l, fault, from);
        return STEP_FAIL;
    }
    log_debug(l->task->log, "connect to " STR_F ", fd:%d", STR_A(l->name),
              l->conn.event.fd);
    set_options(&l->conn, o);
    l->preface = o->preface;
    l->is_untried = o->wrap != NULL && !o->wrap(&l->conn, o->arg);
    if (l->is_untried)
        return STEP_FAIL;
    l->read_timeout = timeout;
    l->is_pending = true;
    l->has_outcome = l->conn.event.writable;
    if (l->has_outcome)
        return STEP_NEXT;
    link_wait_read(l, timeout);
    return STEP_WAIT;
}


/* What the io does before the first byte of a request, such as TLS. */
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


/* A new socket has room for it.  It is no part of a request. */
static bool
send_preface(struct link *l)
{
    ssize_t n;

    if (l->preface.n == 0)
        return true;
    n = send(l->conn.event.fd, l->preface.p, l->preface.n, MSG_NOSIGNAL);
    if (n == (ssize_t) l->preface.n)
        return true;
    log_at(l->task->log, LEVEL_ERROR, n == -1 ? errno : 0, "send() failed");
    return false;
}


static enum step
go_on(struct link *l)
{
    int errnum;

    if (l->is_connected)
        return shake_hands(l);
    errnum = conn_connect_error(&l->conn);
    if (errnum != 0) {
        l->error = errnum;
        timer_stop(&l->conn.read_timer);
        log_errno(l->task->log, errnum, "connect() failed");
        return STEP_FAIL;
    }
    l->is_connected = true;
    return send_preface(l) ? shake_hands(l) : STEP_FAIL;
}


enum step
link_connected(struct link *l)
{
    enum step s = l->has_outcome ? go_on(l) : STEP_WAIT;

    l->is_pending = s == STEP_WAIT;
    if (l->is_pending && !timer_is_set(&l->conn.read_timer))
        link_wait_read(l, l->read_timeout); /* it was connected at once */
    return s;
}


/* Makes room for a read, in the same block as long as there is some; bytes
 * that have not been taken are moved along. */
static void
make_room(struct link *l, size_t want)
{
    size_t        kept = buf_len(&l->in);
    struct block *b = l->block;

    if (b && b->refs == 1) /* no part of it is in use elsewhere */
        l->in.start = b->data;
    if (b && (b->refs == 1 || buf_room(&l->in) < ROOM_MIN))
        buf_compact(&l->in);
    if (b && buf_room(&l->in) >= (want < ROOM_MIN ? want : ROOM_MIN))
        return;
    l->block = block_new((want > BLOCK ? LARGE_BLOCK : BLOCK)
                         + (kept > BLOCK / 2 ? kept : 0));
    if (kept)
        memcpy(l->block->data, l->in.read, kept);
    buf_init(&l->in, l->block->data, l->block->size);
    l->in.write += kept;
    block_put(b);
}


ssize_t
link_read(struct link *l, size_t want)
{
    ssize_t n;

    if (!l->conn.event.readable)
        return CONN_AGAIN;
    make_room(l, want);
    if (want > buf_room(&l->in))
        want = buf_room(&l->in);
    n = conn_read(&l->conn, l->in.write, want);
    if (n > 0)
        l->in.write += n;
    return n;
}


void
link_drop_input(struct link *l)
{
    block_put(l->block);
    l->block = NULL;
    l->in = (struct buf){ .start = NULL };
}


static void
free_link(struct post *p)
{
    struct link *l = container_of(p, struct link, reap);

    free(l->state);
    free(l);
}


void
link_discard(struct link *l)
{
    /* Who has only left has not found out anything about the peer. */
    link_opened(l, l->is_pending && !l->timed_out ? AWAIT_OVER : AWAIT_VAIN);
    idle_unshare(l);
    conn_close(&l->conn);
    link_drop_input(l);
    if (l->kind.protocol != NULL && l->kind.protocol->end != NULL)
        l->kind.protocol->end(l);
    l->reap.run = free_link;
    loop_reap(l->conn.loop, &l->reap);
}


void
link_release(struct link *l, struct upstream_group *g, bool may_be_idle)
{
    struct conn *c = &l->conn;

    if (l->kind.protocol != NULL && l->kind.protocol->leave != NULL) {
        l->kind.protocol->leave(l, g);
        return;
    }
    l->task = NULL;
    c->log = worker->log;
    c->on_flushed = NULL;
    timer_stop(&c->read_timer);
    timer_stop(&c->write_timer);
    link_settle(l, g, may_be_idle);
}


void
link_settle(struct link *l, struct upstream_group *g, bool may_be_idle)
{
    link_opened(l, AWAIT_OVER);
    idle_unshare(l);
    if (may_be_idle && !l->conn.flush_failed && g != NULL)
        idle_keep(g, l);
    else
        link_discard(l);
}


void
link_share(struct link *l, struct upstream_group *g)
{
    if (l->is_shared || g->idle == NULL || worker == NULL)
        return;
    link_opened(l, AWAIT_OVER);
    idle_note_single(g->idle, l->name, false);
    idle_share(g, l);
}
