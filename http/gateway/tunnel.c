/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * After "101 Switching Protocols": bytes, both ways, until one side ends or
 * nothing has moved for the read timeout.  The client's connection is taken
 * from its codec, which goes on waking the task when output has gone.
 */
#include <errno.h>

#include "http/codec.h"
#include "http/gateway/exchange.h"
#include "http/response.h"

enum { QUEUE_MAX = 65536, READ = 16384, ROUNDS = 16 };

struct tunnel {
    struct conn *client;
    struct chain early; /* what the client had sent before                  */
    bool         has_begun;
    bool         client_ended, peer_ended;
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


static bool
begin(struct gateway *g)
{
    struct http_request *r = g->r;
    struct conn         *peer = &g->x->link->conn;

    r->out.is_upgraded = true;
    r->keeps_alive = false;
    if (http_send_head(r) == STEP_FAIL)
        return false;
    g->tunnel->has_begun = true;
    g->tunnel->client->event.on_read = on_client_read;
    gateway_says(g, "proxying upgraded connection");
    conn_set_nodelay(g->tunnel->client);
    conn_set_nodelay(peer);
    timer_stop(&peer->write_timer);
    chain_move(&peer->out, &g->tunnel->early);
    if (buf_len(&g->in)) {
        chain_add_block(&g->tunnel->client->out, g->block, buf_str(&g->in));
        g->in.read = g->in.write;
    }
    block_put(g->block);
    g->block = NULL;
    return true;
}


/* From one side to the other.  False: from is broken. */
static bool
move(struct conn *from, struct conn *to, bool *ended, uint64_t *moved)
{
    while (!*ended && to->out.n < QUEUE_MAX && from->event.readable) {
        struct block *b = block_new(READ);
        ssize_t       n = conn_read(from, b->data, READ);

        if (n > 0) {
            chain_add_block(&to->out, b, (str_t){ b->data, (size_t) n });
            *moved += (uint64_t) n;
        }
        block_put(b);
        if (n == 0)
            *ended = true;
        else if (n == CONN_AGAIN)
            break;
        else if (n == CONN_ERROR)
            return false;
    }
    return true;
}


static enum step
end(struct gateway *g)
{
    gateway_end(g, PEER_OK);
    return STEP_DONE;
}


/* Moves what there is, both ways.  False: a connection is broken. */
static bool
pump(struct gateway *g, uint64_t *moved)
{
    struct tunnel *t = g->tunnel;
    struct conn   *peer = &g->x->link->conn;
    uint64_t       up, down;
    unsigned       left = ROUNDS;

    do {
        up = down = 0;
        if (!move(t->client, peer, &t->client_ended, &up)
            || !move(peer, t->client, &t->peer_ended, &down)
            || conn_flush(peer, 0) == FLUSH_ERROR
            || g->r->codec->flush(g->r, 0, false) == FLUSH_ERROR)
            return false;
        g->x->body_bytes += (int64_t) down;
        *moved += up + down;
    } while (up + down && --left);
    if (left == 0) /* others first */
        timer_set(g->r->task.loop, &g->pause, 0);
    return true;
}


enum step
gateway_tunnel(struct gateway *g)
{
    struct link   *u = g->x->link;
    struct conn   *peer = &u->conn;
    struct tunnel *t;
    uint64_t       moved = 0, sent = peer->sent;

    if (!g->tunnel->has_begun && !begin(g)) {
        chain_clear(&g->tunnel->early);
        gateway_end(g, PEER_OK);
        return STEP_FAIL;
    }
    t = g->tunnel;
    if (u->timed_out) {
        log_errno(g->r->task.log, ETIMEDOUT, "upstream timed out");
        return end(g);
    }
    if (!pump(g, &moved) || (t->client_ended && peer->out.n == 0)
        || (t->peer_ended && t->client->out.n == 0))
        return end(g);
    if (moved || peer->sent != sent || !timer_is_set(&peer->read_timer))
        link_wait_read(u, g->conf->read_timeout);
    return STEP_WAIT;
}
