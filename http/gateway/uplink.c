/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The link of an exchange: what it is opened with, and what other exchanges it
 * may serve.
 */
#include "core/base/check.h"
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
    struct task          *t = &g->r->task;
    struct addr_any local UNSET;

    if (g->conf->preface == PREFACE_NONE)
        return STR("");
    if (!conn_local(t->conn, &local))
        local.sa.sa_family = AF_UNSPEC;
    return g->conf->preface == PREFACE_V1
               ? proxy_protocol_v1(t->arena, &t->peer->sa, &local.sa)
               : proxy_protocol_v2(t->arena, &t->peer->sa, &local.sa);
}


/* Whose connections are kept together. */
static struct upstream_group *
group_of(const struct gateway *g)
{
    return g->is_picking ? pick_group(&g->pick) : g->group;
}


/* Connections of one kind were opened in the same way, for the same protocol;
 * and by the same location, where they are to serve no other. */
static struct link_kind
kind_of(const struct gateway *g, const struct gateway_protocol *p)
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
        .protocol = p->link,
        .most = g->conf->streams,
        .settings = group_of(g)->keepalive_local ? str_mix(settings, owner)
                                                 : settings,
        .added = added,
        .owner = group_of(g)->is_owned ? g->r->task.conn->log.serial : 0,
    };
}


/* Whether a connection may carry several exchanges, as far as that is known
 * before it is there. */
static bool
may_share(const struct gateway *g)
{
    const struct gateway_protocol        *p = g->protocol;
    const struct gateway_protocol *const *c = p->choices;

    if (g->conf->streams < 2 || (c != NULL && g->secure == NULL))
        return false;
    if (c == NULL)
        return p->link != NULL && p->link->enter != NULL;
    while (*c != NULL && ((*c)->link == NULL || (*c)->link->enter == NULL))
        c++;
    return *c != NULL;
}


/* What is left of connect_timeout; 0: it is over. */
static msec_t
time_left(const struct exchange *x)
{
    msec_t all = x->gateway->conf->connect_timeout;
    msec_t used = clock_ms() - x->started_at;

    return used < all ? all - used : 0;
}


static enum step
open_new(struct exchange *x, const struct link_kind *kind, str_t from)
{
    struct gateway            *g = x->gateway;
    const struct gateway_conf *c = g->conf;
    struct addr_any room       UNSET;
    struct link_options        o
        = { .from = local_address(g, from, &room),
            .is_transparent = c->bind && c->bind->is_transparent,
            .preface = preface_of(g),
            .rcvbuf = c->socket_rcvbuf,
            .sndbuf = c->socket_sndbuf,
            .keepalive = c->socket_keepalive,
            .wrap = g->secure != NULL ? gateway_tls_wrap : NULL,
            .arg = g->secure };
    enum step s;

    x->link = link_new(&g->r->task, x->name, kind);
    s = link_connect(x->link, g->pick.peer->addr, &o, time_left(x));
    if (s != STEP_FAIL && may_share(g))
        link_announce(x->link, group_of(g));
    return s;
}


/* Where connections carry several exchanges, x has a link inside of it.  False:
 * logged, and there is none. */
static bool
enter(struct exchange *x)
{
    struct gateway *g = x->gateway;
    struct link    *outer = x->link;

    if (g->protocol->link == NULL || g->protocol->link->enter == NULL)
        return true;
    x->link = g->protocol->link->enter(outer, &g->r->task);
    if (x->link != NULL && g->conf->streams > 1)
        link_share(outer, group_of(g));
    return x->link != NULL;
}


/* The exchange speaks p. */
static void
speak(struct exchange *x, const struct gateway_protocol *p)
{
    struct gateway *g = x->gateway;

    if (g->protocol == p)
        return;
    g->protocol = p;
    x->state = arena_zalloc(g->r->task.arena, p->state_size);
}


/* An idle connection of that kind where that may be, or one with room, that
 * speaks p. */
static bool
take(struct exchange *x, const struct gateway_protocol *p,
     const struct link_kind *kind, bool may_be_idle)
{
    struct gateway *g = x->gateway;

    x->link = may_be_idle
                  ? link_take(&g->r->task, group_of(g), g->pick.peer, kind)
                  : link_join(group_of(g), g->pick.peer, kind);
    if (x->link == NULL)
        return false;
    speak(x, p);
    return enter(x);
}


/* kind: of the protocol of x. */
static bool
take_any(struct exchange *x, const struct link_kind *kind, bool may_be_idle)
{
    const struct gateway_protocol *p = x->gateway->protocol;
    struct link_kind               chosen;

    if (p->choices == NULL)
        return take(x, p, kind, may_be_idle);
    for (unsigned i = 0; p->choices[i] != NULL; i++) {
        chosen = kind_of(x->gateway, p->choices[i]);
        if (take(x, p->choices[i], &chosen, may_be_idle))
            return true;
    }
    return false;
}


/* What the peer has chosen. */
static void
agree(struct exchange *x)
{
    const struct gateway_protocol *const *p = x->gateway->protocol->choices;
    const unsigned char                  *name = NULL;
    unsigned                              n = 0;

    if (p == NULL)
        return;
    if (x->gateway->secure != NULL)
        SSL_get0_alpn_selected(tls_ssl(&x->link->conn), &name, &n);
    while (p[1] != NULL
           && !(n != 0 && (*p)->alpn != NULL
                && str_eq((str_t){ (const char *) name, n },
                          str_of((*p)->alpn + 1))))
        p++;
    speak(x, *p);
    link_speak(x->link, (*p)->link);
}


/* Where x may join others, it uses a connection that they have, or waits for one
 * that they open. */
static enum step
open_link(struct exchange *x, bool may_be_idle, bool may_join)
{
    struct gateway                *g = x->gateway;
    const struct gateway_protocol *p = g->protocol;
    struct link_kind               kind = kind_of(g, p);

    if ((may_be_idle || may_join) && take_any(x, &kind, may_be_idle)) {
        log_debug(g->r->task.log, "get keepalive peer: using connection fd:%d",
                  x->link->conn.event.fd);
        return STEP_NEXT;
    }
    if (g->protocol != p) /* one was taken, but could not be used */
        kind = kind_of(g, g->protocol);
    if (may_join && may_share(g)
        && link_await(&g->awaited, &g->r->task, group_of(g), g->pick.peer,
                      &kind, time_left(x)))
        return STEP_WAIT;
    return open_new(x, &kind, bind_text(g));
}


enum step
uplink_open(struct exchange *x, bool may_be_idle)
{
    bool      may_join = may_be_idle || x->gateway->moves <= GATEWAY_MOVES;
    enum step s = open_link(x, may_be_idle, may_join);

    if (s == STEP_NEXT && x->link->is_connected)
        x->connect_ms = 0;
    return s;
}


enum step
uplink_awaited(struct exchange *x)
{
    enum await_state state = x->gateway->awaited.state;
    enum step        s;

    if (state == AWAIT_OPENING)
        return STEP_WAIT;
    if (state == AWAIT_LATE || time_left(x) == 0)
        return STEP_DONE;
    s = open_link(x, true, state == AWAIT_OVER);
    if (s == STEP_NEXT && x->link->is_connected)
        x->connect_ms = (int64_t) (clock_ms() - x->started_at);
    return s;
}


enum step
uplink_opened(struct exchange *x)
{
    enum step s = link_connected(x->link);

    if (s == STEP_NEXT)
        x->connect_ms = (int64_t) (clock_ms() - x->started_at);
    return s;
}


bool
uplink_ready(struct exchange *x)
{
    agree(x);
    return enter(x);
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
    link_release(l, group_of(g), may_be_idle);
}
