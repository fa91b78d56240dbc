/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections: life, reading, flushing.  What differs by transport is behind
 * c->io; plain.c has the io of a bare socket.
 *
 * on_flushed is called from the loop only (an event, or the post c->late), so
 * that an owner that calls conn_flush is never called back from within.
 */
#include "core/net/conn.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "core/net/worker.h"

enum {
    EVICT_MORE = 16,
    SLICE = 256, /* of conns_adopt_slice                                     */
};

#define EMPTY(use) [use] = { &conns.of[use], &conns.of[use] }
struct conns conns
    = { .of = { EMPTY(CONN_BUSY), EMPTY(CONN_IDLE), EMPTY(CONN_HEAD),
                EMPTY(CONN_NEW), EMPTY(CONN_TUNNEL) } };
#undef EMPTY


static void
count(struct conn *c)
{
    c->is_counted = true;
    conns.active++;
}


static void
uncount(struct conn *c)
{
    if (!c->is_counted)
        return;
    c->is_counted = false;
    conns.active--;
    if (conns.active + 1 == conns.max && conns.on_room != NULL)
        conns.on_room(conns.arg);
}


static bool
is_idle(enum conn_use use)
{
    return use == CONN_IDLE || use == CONN_NEW;
}


static bool
is_listed(const struct conn *c)
{
    return is_idle(c->use) || c->is_cuttable;
}


static void
unlist(struct conn *c)
{
    if (conns.adopted == &c->link)
        conns.adopted = c->link.prev;
    list_remove(&c->link);
}


void
conn_set_use(struct conn *c, enum conn_use use)
{
    if (is_listed(c))
        unlist(c);
    c->use = (uint8_t) (use & 7);
    if (is_listed(c))
        list_append(&conns.of[use], &c->link);
    /* Who waits for room may have an idle one's. */
    if (is_idle(use) && conns.active >= conns.max && conns.on_room != NULL)
        conns.on_room(conns.arg);
}


/* Asks the longest idle one to go; false: there is none. */
static bool
ask_oldest(enum conn_use use)
{
    struct conn *c;

    if (list_empty(&conns.of[use]))
        return false;
    c = container_of(conns.of[use].next, struct conn, link);
    conn_set_use(c, CONN_BUSY);
    c->owner->on_unwanted(c);
    return true;
}


/* Who refuses is not idle any more, so that nobody is asked twice. */
size_t
conns_evict(enum conn_use use, size_t n)
{
    size_t before = conns.active, asked = 0;

    while (before - conns.active < n && asked++ < n + EVICT_MORE)
        if (!ask_oldest(use))
            break;
    return before - conns.active;
}


void
conns_release(void)
{
    while (ask_oldest(CONN_IDLE) || ask_oldest(CONN_NEW))
        continue;
    for (unsigned use = 0; use < CONN_USES; use++)
        LIST_EACH(&conns.of[use], l) {
            struct conn *c = container_of(l, struct conn, link);

            if (c->owner->on_exit != NULL)
                c->owner->on_exit(c);
        }
}


void
conn_set_owner(struct conn *c, const struct conn_owner *owner)
{
    if (is_listed(c))
        unlist(c);
    c->owner = owner;
    c->is_cuttable = owner->on_cut != NULL;
    if (is_listed(c))
        list_append(&conns.of[c->use], &c->link);
}


enum probe
conn_probe(struct conn *c)
{
    return c->io->probe(c);
}


void
conns_adopt_start(void)
{
    conns.adopted = &conns.of[CONN_IDLE];
}


/* The idle ones, then the new ones.  on_adopt may close the connection, and no
 * other.  Who becomes idle meanwhile comes behind the others. */
bool
conns_adopt_slice(void)
{
    for (unsigned n = 0; n < SLICE && conns.adopted != NULL; n++) {
        struct list *next = conns.adopted->next;
        struct conn *c = container_of(next, struct conn, link);

        if (next == &conns.of[CONN_IDLE]) {
            conns.adopted = &conns.of[CONN_NEW];
            continue;
        }
        conns.adopted = next != &conns.of[CONN_NEW] ? next : NULL;
        if (conns.adopted != NULL && c->owner->on_adopt != NULL)
            c->owner->on_adopt(c);
    }
    return conns.adopted == NULL;
}


/* Whoever is cut off may take others along. */
static void
cut_each(struct list *all, const struct generation *g)
{
    struct list to_cut, *l;

    list_init(&to_cut);
    LIST_EACH(all, it) {
        struct conn *c = container_of(it, struct conn, link);

        if (g != NULL && c->owner->generation(c) != g)
            continue;
        list_remove(it);
        list_append(&to_cut, it);
    }
    while ((l = list_pop(&to_cut)) != NULL) {
        struct conn *c = container_of(l, struct conn, link);

        c->is_cuttable = false; /* once */
        c->owner->on_cut(c);
    }
}


void
conns_cut(const struct generation *g)
{
    for (unsigned use = 0; use < CONN_USES; use++)
        if (!is_idle(use))
            cut_each(&conns.of[use], g);
}


void
conn_log_error(struct conn *c, int errnum, const char *text)
{
    enum log_level level = c->is_client ? LEVEL_INFO : LEVEL_ERROR;

    if (errnum == ECONNRESET && c->is_quiet)
        return;
    switch (errnum) {
    case 0:
    case ECONNRESET:
    case EPIPE:
    case ENOTCONN:
    case ETIMEDOUT:
    case ECONNREFUSED:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
        break;
    default:
        level = LEVEL_ALERT;
    }
    log_at(c->lines, level, errnum, "%s", text);
}


/* Tells the owner what the loop's part of flushing came to. */
static void
flush_on(struct conn *c)
{
    if (conn_flush(c, c->limit) != FLUSH_WAIT && c->on_flushed != NULL)
        c->on_flushed(c);
}


void
conn_on_writable(struct event *e)
{
    struct conn *c = container_of(e, struct conn, event);

    if (c->is_flushing)
        flush_on(c);
}


static void
run_late(struct post *p)
{
    flush_on(container_of(p, struct conn, late));
}


void
conn_init(struct conn *c, struct loop *l, int fd, const struct log *parent)
{
    c->event.fd = fd;
    c->event.added = c->event.readable = c->event.hangup = false;
    c->event.writable = fd != -1;
    c->event.on_write = conn_on_writable;
    c->io = &conn_plain;
    c->loop = l;
    c->log = *parent;
    c->lines = &c->log;
    c->is_client = fd != -1;
    list_init(&c->late.link);
    c->late.run = run_late;
    c->is_open = fd != -1;
    if (c->is_open)
        count(c);
}


void
conn_init_inner(struct conn *c, struct loop *l, const struct conn_io *io,
                const struct log *parent)
{
    conn_init(c, l, -1, parent);
    c->io = io;
    c->is_open = c->is_client = c->event.writable = true;
}


bool
conn_open(struct conn *c, int family)
{
    c->event.fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    c->is_open = c->event.fd != -1;
    if (c->is_open)
        count(c);
    return c->is_open;
}


void
conn_set_peer(struct conn *c, const struct sockaddr *sa, socklen_t len)
{
    memset(&c->peer, 0, sizeof(c->peer));
    if (sa->sa_family == AF_UNIX)
        c->peer.sa.sa_family = AF_UNIX;
    else
        memcpy(&c->peer, sa, len < sizeof(c->peer) ? len : sizeof(c->peer));
    c->is_tcp = sa->sa_family == AF_INET || sa->sa_family == AF_INET6;
}


/* Of one that is writable, which most are for all their life, the kernel has
 * nothing to tell until it is not: that would be a turn for nothing. */
bool
conn_start(struct conn *c)
{
    if (c->event.writable ? event_add_writable(c->loop, &c->event)
                          : event_add(c->loop, &c->event))
        return true;
    log_at(c->lines, LEVEL_ALERT, errno, "epoll_ctl(1, %d) failed",
           c->event.fd);
    return false;
}


void
conn_close(struct conn *c)
{
    timer_stop(&c->read_timer);
    timer_stop(&c->write_timer);
    post_cancel(&c->late);
    conn_set_use(c, CONN_BUSY);
    if (c->is_cuttable)
        unlist(c);
    c->is_cuttable = false;
    c->is_flushing = false;
    if (!chain_empty(&c->out))
        chain_clear(&c->out);
    if (!c->is_open)
        return;
    event_forget(c->loop, &c->event);
    c->io->close(c);
    c->event.fd = -1;
    c->is_open = false;
    uncount(c);
}


ssize_t
conn_read(struct conn *c, char *out, size_t n)
{
    ssize_t rc;

    CHECK(n != 0);
    if (!c->event.readable)
        return CONN_AGAIN;
    rc = c->io->read(c, out, n);
    if (rc > 0)
        c->received += (size_t) rc;
    else if (rc == 0)
        c->is_eof = true;
    return rc;
}


static enum flush
fail(struct conn *c)
{
    c->flush_failed = true;
    c->is_flushing = false;
    return FLUSH_ERROR;
}


/* Empty pieces that carried nothing but a flush mark go with the rest. */
static enum flush
finish(struct conn *c)
{
    c->is_flushing = false;
    if (!chain_empty(&c->out))
        chain_clear(&c->out);
    return FLUSH_DONE;
}


static enum flush
wait_for_more(struct conn *c)
{
    c->is_flushing = true;
    if (c->send_timeout != 0 && !timer_is_set(&c->write_timer))
        timer_set(c->loop, &c->write_timer, c->send_timeout);
    return FLUSH_WAIT;
}


enum flush
conn_flush(struct conn *c, size_t limit)
{
    size_t  left = limit != 0 ? limit : SIZE_MAX;
    ssize_t n;

    post_cancel(&c->late);
    c->limit = limit > UINT32_MAX ? UINT32_MAX : (uint32_t) limit;
    if (c->flush_failed)
        return fail(c);
    while (c->out.n != 0 || c->has_unsent) {
        if (left == 0) {
            post_add_next(c->loop, &c->late);
            return wait_for_more(c);
        }
        if (!c->event.writable)
            return wait_for_more(c);
        n = c->io->send(c, &c->out, left);
        if (n == CONN_ERROR)
            return fail(c);
        if (n == CONN_AGAIN)
            return wait_for_more(c);
        c->sent += (size_t) n;
        left -= (size_t) n;
    }
    return finish(c);
}


void
conn_drop_out(struct conn *c)
{
    chain_clear(&c->out);
    if (c->io->dropped != NULL)
        c->io->dropped(c);
}


void
conn_flush_late(struct conn *c)
{
    c->is_flushing = true;
    post_add_late(c->loop, &c->late);
}


void
conn_shutdown(struct conn *c)
{
    if (c->io->shutdown != NULL)
        c->io->shutdown(c);
}


void
conn_reset_on_close(struct conn *c)
{
    struct linger now = { .l_onoff = 1, .l_linger = 0 };

    if (c->error == 0)
        c->error = ECONNABORTED; /* and TLS does not say that all is well   */
    if (c->event.fd == -1)
        return;
    if (setsockopt(c->event.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)) == -1)
        log_at(c->lines, LEVEL_ALERT, errno, "setsockopt(SO_LINGER) failed");
}


void
conn_set_nodelay(struct conn *c)
{
    int on = 1;

    if (!c->is_tcp || c->nodelay)
        return;
    c->nodelay = true;
    if (setsockopt(c->event.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1
        && errno != EINVAL && errno != EOPNOTSUPP)
        conn_log_error(c, errno, "setsockopt(TCP_NODELAY) failed");
}


bool
conn_local(const struct conn *c, struct addr_any *out)
{
    if (worker != NULL && worker->local != NULL && c->port != NULL) {
        *out = *worker->local;
        return true;
    }
    memset(out, 0, sizeof(*out));
    out->len = sizeof(out->un);
    return getsockname(c->event.fd, &out->sa, &out->len) == 0;
}
