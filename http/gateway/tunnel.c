/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * After "101 Switching Protocols", or the 200 of CONNECT: bytes, both ways,
 * until one side ends, nothing has moved for the read timeout, or the peer has
 * taken nothing for the send timeout.  The client's connection is taken from its
 * codec, which goes on waking the task when output has gone.
 */
#include "core/net/pump.h"
#include "http/codec.h"
#include "http/gateway/exchange.h"
#include "http/response.h"

enum { CLIENT, PEER }; /* sides of the pump */

struct tunnel {
    struct conn *client;
    struct chain early; /* what the client had sent before                  */
    struct pump  pump;
    bool         has_begun;
};


/* Only the codec knows the request of its connection, and wakes it. */
static void
on_client_read(struct event *e)
{
    struct conn *c = container_of(e, struct conn, event);

    c->on_flushed(c);
}


bool
gateway_tunnel_open(struct gateway *g)
{
    struct http_request *r = g->r;
    struct tunnel       *t = arena_make(r->task.arena, struct tunnel);

    chain_init(&t->early, r->task.arena);
    t->client = r->codec->hijack(r, &t->early);
    if (t->client == NULL) {
        log_error(r->task.log, r != r->main
                                   ? "connection upgrade in subrequest"
                                   : "connection upgrade before the end of the "
                                     "request body");
        return false;
    }
    g->tunnel = t;
    return true;
}


static void
wait_read(struct gateway *g)
{
    const struct gateway_conf *c = g->conf;

    link_wait_read(g->x->link,
                   c->upgrade_timeout ? c->upgrade_timeout : c->read_timeout);
}


static bool
begin(struct gateway *g)
{
    struct http_request *r = g->r;
    struct link         *u = g->x->link;
    struct conn         *peer = &u->conn;

    r->out.is_upgraded = true;
    r->header_only = true; /* there is nothing for filters to change */
    r->keeps_alive = false;
    if (http_send_head(r) == STEP_FAIL)
        return false;
    g->tunnel->has_begun = true;
    pump_init(&g->tunnel->pump, g->tunnel->client, peer,
              g->protocol->opened ? g->conf->buffer_size : 0);
    g->tunnel->client->event.on_read = on_client_read;
    gateway_says(g, "proxying upgraded connection");
    conn_set_nodelay(g->tunnel->client);
    conn_set_nodelay(peer);
    wait_read(g);
    chain_move(&peer->out, &g->tunnel->early);
    if (buf_len(&u->in))
        chain_add_block(&g->tunnel->client->out, u->block, buf_str(&u->in));
    link_drop_input(u);
    return true;
}


static enum step
end(struct gateway *g)
{
    gateway_end(g, PEER_OK);
    return STEP_DONE;
}


/* Moves what there is, both ways; the codec counts what its client got. */
static enum step
move(struct gateway *g)
{
    struct pump *p = &g->tunnel->pump;
    uint64_t     down = p->moved[PEER];
    enum step    s = pump_run(p);

    g->x->body_bytes += (int64_t) (p->moved[PEER] - down);
    (void) g->r->codec->flush(g->r, 0, false);
    gateway_await_peer(g, !chain_empty(&g->x->link->conn.out));
    if (s == STEP_NEXT)
        post_add_next(g->r->task.loop, &g->r->task.wake);
    return s;
}


/* Bytes of the peer's connection, as a sign of life. */
static uint64_t
progress(const struct gateway *g)
{
    const struct pump *p = &g->tunnel->pump;

    return p->moved[CLIENT] + p->moved[PEER] + g->x->link->conn.sent;
}


enum step
gateway_tunnel(struct gateway *g)
{
    struct link *u = g->x->link;
    uint64_t     before;
    enum step    s;

    if (!g->tunnel->has_begun && !begin(g)) {
        chain_clear(&g->tunnel->early);
        gateway_end(g, PEER_OK);
        return STEP_FAIL;
    }
    if (u->timed_out) {
        gateway_timed_out(g);
        return end(g);
    }
    before = progress(g);
    s = move(g);
    if (s == STEP_DONE || s == STEP_FAIL)
        return end(g);
    if (progress(g) != before || !timer_is_set(&u->conn.read_timer))
        wait_read(g);
    return STEP_WAIT;
}
