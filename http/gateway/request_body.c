/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Handles the request's body before a peer is chosen: reads it completely, or
 * begins to, if it is passed on as it arrives.  A body that has arrived
 * completely by then is sent like one that was read: its length is known, and
 * it can be sent again.
 *
 * Invariant: the length that is announced is the length that will be sent.
 */
#include "http/body.h"
#include "http/gateway/exchange.h"


/* The protocol may find the group, or what is to be looked up. */
static enum step
prepared(struct gateway *g)
{
    if (g->protocol->prepare && g->protocol->prepare(g) == STEP_FAIL) {
        gateway_end(g, PEER_OK);
        return STEP_FAIL;
    }
    g->state = GATEWAY_LOOK;
    return STEP_NEXT;
}


static enum step
read_whole(struct gateway *g)
{
    struct http_request *r = g->r;
    enum step            s = http_body_read(r);

    if (s == STEP_WAIT)
        return s;
    if (s == STEP_FAIL) {
        gateway_end(g, PEER_OK);
        return s;
    }
    if (r->body && g->conf->pass_request_body && !g->upload.is_replaced)
        chain_share(&g->upload.body, &r->body->data);
    g->upload.length = g->upload.exists ? (int64_t) g->upload.body.n : -1;
    return prepared(g);
}


static enum step
begin_stream(struct gateway *g)
{
    switch (http_body_stream(g->r)) {
    case STEP_NEXT:
        g->upload.is_streaming = true;
        g->upload.length = g->r->content_length;
        return prepared(g);
    case STEP_FAIL:
        gateway_end(g, PEER_OK);
        return STEP_FAIL;
    case STEP_DONE:
    case STEP_ACCEPT:
    case STEP_WAIT:
        break;
    }
    return read_whole(g);
}


/* Whether it may be passed on as it arrives. */
static bool
may_stream(const struct gateway *g)
{
    const struct http_request *r = g->r;

    return !g->conf->request_buffering && g->conf->pass_request_body
           && !g->upload.is_replaced && r->content_length != 0
           && !(http_is_length_unknown(r) && g->upload.needs_length)
           && r == r->main;
}


enum step
gateway_read_body(struct gateway *g)
{
    if (g->upload.is_unwanted)
        return prepared(g);
    g->upload.exists = g->r->content_length >= 0 || g->r->has_body;
    return g->upload.exists && may_stream(g) ? begin_stream(g) : read_whole(g);
}
