/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The link of an exchange: what it is opened with, and what other exchanges it
 * may serve.
 */
#include "core/net/proxy_protocol.h"
#include "core/os/clock.h"
#include "http/gateway/exchange.h"
#include "http/gateway/tls.h"


/* proxy_bind that depends on the request; empty: the system's choice. */
static str_t
bind_text(const struct gateway *g)
{
    const struct gateway_bind *b = g->conf->bind;

    return b && !b->is_known ? expr_eval(b->expr, &g->r->task) : STR_NONE;
}


/* The address to send from; text is bind_text.  NULL: the system's choice. */
static const struct addr_any *
local_address(const struct gateway *g, str_t text, struct addr_any *out)
{
    const struct gateway_bind *b = g->conf->bind;
    struct endpoint            e;
    const char                *error;

    if (b && b->is_known)
        return &b->at;
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


/* What a connection begins with: who the client is.  Empty: nothing. */
static str_t
preface_of(const struct gateway *g)
{
    struct task    *t = &g->r->task;
    struct addr_any local;

    if (g->conf->preface == PREFACE_NONE)
        return STR("");
    if (!conn_local(t->conn, &local))
        local.sa.sa_family = AF_UNSPEC;
    return g->conf->preface == PREFACE_V1
               ? proxy_protocol_v1(t->arena, &t->peer->sa, &local.sa)
               : proxy_protocol_v2(t->arena, &t->peer->sa, &local.sa);
}


/* Connections of one kind were opened in the same way, for the same protocol;
 * and by the same location, where they are to serve no other. */
static struct link_kind
kind_of(const struct gateway *g)
{
    const str_t owner = { (const char *) &g->owner, sizeof(g->owner) };

    uint64_t settings = g->conf->kind;
    str_t    added = bind_text(g);

    if (g->conf->preface != PREFACE_NONE)
        added = str_join3(g->r->task.arena, added, STR("\n"), preface_of(g));
    if (g->secure != NULL) {
        const uint8_t *id = g->secure->settings->id;

        settings = str_mix(settings, (str_t){ (const char *) id, 32 });
        added = str_join3(g->r->task.arena, added, STR("\n"), g->secure->key);
    }
    return (struct link_kind){
        .protocol = g->protocol->link,
        .settings = g->group->keepalive_local ? str_mix(settings, owner)
                                              : settings,
        .added = added,
        .owner = g->group->is_owned ? g->r->task.conn->log.serial : 0,
    };
}


static enum step
open_new(struct exchange *x, const struct link_kind *kind, str_t from)
{
    struct gateway            *g = x->gateway;
    const struct gateway_conf *c = g->conf;
    struct addr_any            room;
    struct link_options        o
        = { .from = local_address(g, from, &room),
            .is_transparent = c->bind && c->bind->is_transparent,
            .preface = preface_of(g),
            .rcvbuf = c->socket_rcvbuf,
            .sndbuf = c->socket_sndbuf,
            .keepalive = c->socket_keepalive,
            .wrap = g->secure != NULL ? gateway_tls_wrap : NULL,
            .arg = g->secure };

    x->link = link_new(&g->r->task, x->name, kind);
    return link_connect(x->link, g->pick.peer->addr, &o, c->connect_timeout);
}


enum step
uplink_open(struct exchange *x, bool may_be_idle)
{
    struct gateway  *g = x->gateway;
    struct link_kind kind = kind_of(g);

    if (may_be_idle)
        x->link = link_take(&g->r->task, g->group, g->pick.peer, &kind);
    if (!x->link)
        return open_new(x, &kind, bind_text(g));
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
