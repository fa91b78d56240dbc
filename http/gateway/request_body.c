/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The request's body before there is a peer: read as a whole, or begun, when
 * it is to be passed on as it comes.  A body that turns out to be here already
 * is sent as if it had been read, with its length known and able to be sent
 * again.
 */
#include "http/body.h"
#include "http/gateway/exchange.h"


static enum step
prepared(struct gateway *g)
{
    enum step s = STEP_NEXT;

    g->state = g->group ? GATEWAY_CHOOSE : GATEWAY_RESOLVE;
    if (g->protocol->prepare)
        s = g->protocol->prepare(g);
    if (s == STEP_FAIL)
        gateway_end(g, PEER_OK);
    return s;
}


static enum step
begin_stream(struct gateway *g)
{
    uint64_t  received;
    enum step s;

    received = g->r->task.conn->received;
    do {
        s = http_body_some(g->r, &g->early);
    } while (s == STEP_NEXT);
    if (s == STEP_FAIL) {
        gateway_end(g, PEER_OK);
        return STEP_FAIL;
    }
    if (s == STEP_DONE) {
        chain_move(&g->body, &g->early);
        g->body_length = (int64_t) g->body.n;
        if (g->r->task.conn->received == received) /* it came with the head */
            chain_share(&g->r->body->data, &g->body);
    } else {
        g->is_streaming = true;
        g->body_length = g->r->content_length;
    }
    return prepared(g);
}


static enum step
read_whole(struct gateway *g)
{
    enum step s = http_body_read(g->r);

    if (s == STEP_WAIT)
        return s;
    if (s == STEP_FAIL) {
        gateway_end(g, PEER_OK);
        return s;
    }
    if (g->r->body && g->conf->pass_request_body && !g->replaces_body)
        chain_share(&g->body, &g->r->body->data);
    g->body_length = g->r->is_chunked && g->r->body
                         ? (int64_t) g->r->body->received
                         : g->r->content_length;
    if (g->r->body && g->r->body->is_discarded && g->body_length > 0)
        g->body_length = 0;
    return prepared(g);
}


enum step
gateway_read_body(struct gateway *g)
{
    struct http_request *r = g->r;

    g->has_body = r->content_length >= 0 || r->is_chunked;
    if (g->has_body && r->content_length != 0 && !g->conf->request_buffering
        && g->conf->pass_request_body && !g->replaces_body
        && !(r->is_chunked && g->needs_length) && r == r->main)
        return begin_stream(g);
    return read_whole(g);
}
