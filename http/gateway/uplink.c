/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections to peers.  While one is in use its events wake the task of the
 * request, which looks for itself what has changed; the links of its output
 * come from the request's arena, which is why nothing may be left in it when
 * it is given back.  An idle one belongs to the group's pool.
 */
#include "http/gateway/exchange.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "core/net/worker.h"
#include "core/os/clock.h"


static void
wake(struct uplink *u)
{
    if (u->user)
        task_wake(&u->user->r->task);
}


static void
on_read(struct event *e)
{
    wake(uplink_of(container_of(e, struct conn, event)));
}


static void
on_connect(struct event *e)
{
    struct uplink *u = uplink_of(container_of(e, struct conn, event));

    u->has_outcome = true;
    wake(u);
}


static void
on_flushed(struct conn *c)
{
    wake(uplink_of(c));
}


static void
on_read_timeout(struct timer *t)
{
    struct uplink *u = uplink_of(container_of(t, struct conn, read_timer));

    u->timed_out = true;
    wake(u);
}


/* The peer has time as long as it takes some. */
static void
on_write_timeout(struct timer *t)
{
    struct conn   *c = container_of(t, struct conn, write_timer);
    struct uplink *u = uplink_of(c);

    if (c->sent != u->sent_at_timer) {
        uplink_wait_write(u, u->user->conf->send_timeout);
        return;
    }
    u->timed_out = true;
    wake(u);
}


void
uplink_wait_read(struct uplink *u, msec_t timeout)
{
    timer_set(u->idle.conn.loop, &u->idle.conn.read_timer, timeout);
}


void
uplink_wait_write(struct uplink *u, msec_t timeout)
{
    u->sent_at_timer = u->idle.conn.sent;
    timer_set(u->idle.conn.loop, &u->idle.conn.write_timer, timeout);
}


bool
uplink_has_sent(const struct uplink *u)
{
    return u->idle.conn.sent != u->sent_before;
}


static void
free_uplink(struct post *p)
{
    free(container_of(p, struct uplink, reap));
}


static void
discard(struct idle *i)
{
    struct uplink *u = container_of(i, struct uplink, idle);

    u->user = NULL;
    conn_set_reusable(&i->conn, false);
    conn_close(&i->conn);
    u->reap.run = free_uplink;
    loop_reap(i->conn.loop, &u->reap);
}


void
uplink_release(struct uplink *u, bool may_be_idle)
{
    struct conn           *c = &u->idle.conn;
    struct upstream_group *group = u->user->group;

    log_debug(u->user->r->task.log,
              may_be_idle ? "free keepalive peer: saving connection fd:%d"
                          : "close http upstream connection: %d",
              c->event.fd);
    u->user = NULL;
    c->log = worker->log;
    c->on_flushed = NULL;
    timer_stop(&c->read_timer);
    timer_stop(&c->write_timer);
    if (may_be_idle && !c->flush_failed)
        idle_keep(group, &u->idle);
    else
        discard(&u->idle);
}


/* Makes the connection x's. */
static void
adopt(struct uplink *u, struct exchange *x)
{
    struct gateway *g = x->gateway;
    struct conn    *c = &u->idle.conn;

    x->link = u;
    u->user = g;
    u->timed_out = false;
    u->sent_before = c->sent;
    u->received_before = c->received;
    u->idle.requests++;
    c->log = *g->r->task.log;
    c->is_quiet = u->was_idle;
    c->event.on_read = on_read;
    c->on_flushed = on_flushed;
    c->read_timer.on_timeout = on_read_timeout;
    c->write_timer.on_timeout = on_write_timeout;
    chain_init(&c->out, g->r->task.arena);
}


static void
set_option(struct conn *c, int option, const char *name, size_t value)
{
    int n = value > INT32_MAX ? INT32_MAX : (int) value;

    if (value
        && setsockopt(c->event.fd, SOL_SOCKET, option, &n, sizeof(n)) == -1)
        log_at(&c->log, LEVEL_ALERT, errno, "setsockopt(%s) failed", name);
}


static void
set_options(struct conn *c, const struct gateway_conf *conf)
{
    set_option(c, SO_KEEPALIVE, "SO_KEEPALIVE", conf->socket_keepalive);
    set_option(c, SO_RCVBUF, "SO_RCVBUF", conf->socket_rcvbuf);
    set_option(c, SO_SNDBUF, "SO_SNDBUF", conf->socket_sndbuf);
}


/* The address to send from; NULL with *ok where there is none. */
static const struct addr_any *
local_address(struct gateway *g, struct addr_any *out)
{
    const struct gateway_bind *b = g->conf->bind;
    struct endpoint            e;
    str_t                      text;
    const char                *error;

    if (!b || b->is_known)
        return b ? &b->at : NULL;
    text = expr_eval(b->expr, &g->r->task);
    if (text.n == 0)
        return NULL;
    if (addr_parse(text, out))
        return out;
    error = endpoint_parse(g->r->task.arena, text, 0, 0, &e);
    if (!error && e.n) {
        *out = e.at[0];
        return out;
    }
    log_error(g->r->task.log, "invalid local address \"" STR_F "\"",
              STR_A(text));
    return NULL;
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


static enum step
connect_to(struct exchange *x)
{
    struct gateway        *g = x->gateway;
    struct conn           *c = &x->link->idle.conn;
    const struct addr_any *to = g->pick.peer->addr;
    struct addr_any        room;
    const struct addr_any *from = local_address(g, &room);
    struct log            *log = g->r->task.log;
    enum connect_fault     fault;

    fault = conn_connect(c, &to->sa, to->len, from ? &from->sa : NULL,
                         from ? from->len : 0,
                         from && g->conf->bind->is_transparent);
    x->is_untried = fault != CONNECT_BEGUN && fault != CONNECT_REFUSED;
    switch (fault) {
    case CONNECT_BEGUN:
        log_debug(log, "connect to " STR_F ", fd:%d", STR_A(x->name),
                  c->event.fd);
        set_options(c, g->conf);
        return STEP_WAIT;
    case CONNECT_NO_SOCKET:
        log_at(log, LEVEL_ALERT, errno, "socket() failed");
        break;
    case CONNECT_NO_BIND: {
        char   text[ADDR_TEXT];
        size_t n
            = addr_text(text, &from->sa, from->len, addr_port(&from->sa) != 0);

        log_at(log, LEVEL_CRIT, errno, "bind(%.*s) failed", (int) n, text);
        break;
    }
    case CONNECT_SHORTAGE:
    case CONNECT_REFUSED:
        log_at(log, level_of(errno), errno, "connect() to " STR_F " failed",
               STR_A(x->name));
        break;
    }
    return STEP_FAIL;
}


/* Connections of one kind were opened in the same way; and by the same
 * location, where they are to serve no other. */
static uint64_t
kind_of(const struct gateway *g)
{
    uint64_t kind = g->conf->kind;

    if (g->conf->bind && !g->conf->bind->is_known)
        kind = str_mix(kind, expr_eval(g->conf->bind->expr, &g->r->task));
    return g->group->keepalive_local ? kind ^ g->owner : kind;
}


/* Behind the uplink, since it outlives the peer. */
static str_t
name_of(struct uplink *u, const struct peer *peer)
{
    return (str_t){ memcpy(u + 1, peer->name.p, peer->name.n), peer->name.n };
}


static enum step
open_new(struct exchange *x)
{
    struct gateway *g = x->gateway;
    struct log     *log = g->r->task.log;
    struct uplink  *u;
    enum step       s;

    x->is_untried = !worker_has_room(log);
    if (x->is_untried)
        return STEP_FAIL;
    u = calloc(1, sizeof(*u) + g->pick.peer->name.n);
    if (!u)
        check_memory(sizeof(*u));
    conn_init(&u->idle.conn, g->r->task.loop, -1, log);
    u->idle.conn.event.on_write = on_connect;
    u->idle.discard = discard;
    u->idle.opened_at = clock_ms();
    u->idle.kind = kind_of(g);
    u->idle.name = name_of(u, g->pick.peer);
    adopt(u, x);
    s = connect_to(x);
    if (s == STEP_WAIT)
        uplink_wait_read(u, g->conf->connect_timeout);
    return s;
}


enum step
uplink_open(struct exchange *x, bool may_be_idle)
{
    struct gateway *g = x->gateway;
    struct idle    *i = NULL;

    if (may_be_idle)
        i = idle_take(g->group, g->pick.peer, kind_of(g));
    if (i) {
        struct uplink *u = container_of(i, struct uplink, idle);

        log_debug(g->r->task.log, "get keepalive peer: using connection fd:%d",
                  i->conn.event.fd);
        u->was_idle = true;
        i->conn.event.on_write = conn_on_writable;
        adopt(u, x);
        x->connect_ms = 0;
        return STEP_NEXT;
    }
    x->is_new = true;
    return open_new(x);
}


enum step
uplink_opened(struct exchange *x)
{
    struct uplink *u = x->link;
    int            errnum;

    if (!u->has_outcome)
        return STEP_WAIT;
    timer_stop(&u->idle.conn.read_timer);
    errnum = conn_connect_error(&u->idle.conn);
    if (errnum) {
        log_errno(x->gateway->r->task.log, errnum, "connect() failed");
        return STEP_FAIL;
    }
    u->is_connected = true;
    x->connect_ms = (int64_t) (clock_ms() - x->started_at);
    return STEP_NEXT;
}
