/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The link of an exchange: what it is opened with, and what other exchanges it
 * may serve.
 */
#include "core/os/clock.h"
#include "http/gateway/exchange.h"


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


static enum step
open_new(struct exchange *x)
{
    struct gateway            *g = x->gateway;
    const struct gateway_conf *c = g->conf;
    struct addr_any            room;
    struct link_options        o
        = { .from = local_address(g, &room),
            .is_transparent = c->bind && c->bind->is_transparent,
            .rcvbuf = c->socket_rcvbuf,
            .sndbuf = c->socket_sndbuf,
            .keepalive = c->socket_keepalive };

    x->link = link_new(&g->r->task, x->name, kind_of(g));
    return link_connect(x->link, g->pick.peer->addr, &o, c->connect_timeout);
}


enum step
uplink_open(struct exchange *x, bool may_be_idle)
{
    struct gateway *g = x->gateway;

    if (may_be_idle)
        x->link = link_take(&g->r->task, g->group, g->pick.peer, kind_of(g));
    if (!x->link)
        return open_new(x);
    log_debug(g->r->task.log, "get keepalive peer: using connection fd:%d",
              x->link->conn.event.fd);
    x->connect_ms = 0;
    return STEP_NEXT;
}


enum step
uplink_opened(struct exchange *x)
{
    enum step s = link_connected(x->link);

    if (s == STEP_NEXT)
        x->connect_ms = (int64_t) (clock_ms() - x->started_at);
    return s;
}


void
uplink_release(struct exchange *x, bool may_be_idle)
{
    struct gateway *g = x->gateway;
    struct link    *l = x->link;

    log_debug(g->r->task.log,
              may_be_idle ? "free keepalive peer: saving connection fd:%d"
                          : "close http upstream connection: %d",
              l->conn.event.fd);
    x->link = NULL;
    link_release(l, g->group, may_be_idle);
}
