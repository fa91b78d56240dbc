/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The states of a run, and the transitions between them.  The content handler
 * is called again whenever something has happened (the task was woken), and
 * each state checks what there is to do.
 */
#include "core/os/clock.h"
#include "core/upstream/names.h"
#include "http/body.h"
#include "http/gateway/exchange.h"
#include "http/gateway/tls.h"
#include "http/own_tag.h"
#include "http/response.h"

enum {
    HEAD_READ = 32768,
    HEAD_READS = 16, /* in one call; what is no part of the head has no limit */
};


struct gateway *
gateway_of(const struct http_request *r)
{
    return r->exchanges ? r->exchanges->running : NULL;
}


/* The task ends: releases everything. */
static void
cancel(struct wait *w)
{
    gateway_end(container_of(w, struct gateway, wait), PEER_OK);
}


struct gateway *
gateway_new(struct http_request *r, const struct gateway_protocol *protocol,
            const struct gateway_conf *conf, uint64_t owner)
{
    struct arena   *a = r->task.arena;
    struct gateway *g = arena_make(a, struct gateway);

    log_debug(r->task.log, "http init upstream");
    own_tag_undo(r);
    g->r = r;
    g->protocol = g->first = protocol;
    g->conf = conf;
    g->owner = owner;
    g->buffers = conf->buffering;
    g->upload.length = -1;
    g->queue_ms = -1;
    g->action = r->task.log->action;
    chain_init(&g->upload.body, a);
    chain_init(&g->upload.unframed, a);
    if (!r->exchanges)
        r->exchanges = arena_make(a, struct exchange_list);
    r->exchanges->running = r->exchanges->last_run = g;
    wait_start(&r->task, &g->wait, cancel);
    return g;
}


void
gateway_end(struct gateway *g, enum outcome how)
{
    if (g->state == GATEWAY_OVER)
        return;
    g->state = GATEWAY_OVER;
    log_debug(g->r->task.log, "finalize http upstream request");
    if (g->x && g->x->has_head && !g->x->is_stored)
        pick_answered(&g->pick, true);
    if (g->x) {
        exchange_end(g->x);
        chain_clear(&g->x->body);
    }
    queue_leave(&g->queued);
    link_await_end(&g->awaited);
    if (g->is_picking)
        pick_end(&g->pick, how);
    g->r->exchanges->running = NULL;
    wait_end(&g->wait);
    chain_clear(&g->upload.body);
    chain_clear(&g->upload.unframed);
    if (g->upload.is_streaming)
        http_body_leave(g->r);
    gateway_relay_end(g);
    gateway_store_end(g);
    gateway_cache_end(g);
    g->r->task.log->action = g->action;
}


enum step
gateway_fail(struct gateway *g, unsigned status)
{
    gateway_cache_fail(g, status);
    gateway_end(g, PEER_OK);
    return http_fail(g->r, status);
}


/* Asks the sources that come before a peer. */
static enum step
look(struct gateway *g)
{
    const struct gateway_source *const *sources = g->conf->sources;

    for (; sources != NULL && sources[g->source] != NULL; g->source++) {
        switch (sources[g->source]->look(g)) {
        case STEP_NEXT:
        case STEP_ACCEPT:
            continue;
        case STEP_WAIT:
            return STEP_WAIT;
        case STEP_DONE:
            return exchange_answered(g->x);
        case STEP_FAIL:
            gateway_end(g, PEER_OK);
            return STEP_FAIL;
        }
    }
    g->state = g->group ? GATEWAY_CHOOSE : GATEWAY_RESOLVE;
    return STEP_NEXT;
}


bool
gateway_may_ask(const struct gateway *g)
{
    VEC_EACH(&g->conf->allow.list, e)
        if (!expr_is_true(expr_eval(*e, &g->r->task)))
            return false;
    return true;
}


enum step
gateway_deny(struct gateway *g)
{
    log_error(g->r->task.log, "upstream server is not allowed");
    gateway_blame(g, GATEWAY_FAULT_DENIED);
    return gateway_retry(g, NEXT_DENIED);
}


/* The connection of the present exchange is there, or is being opened, or s says
 * that it cannot be. */
static enum step
opened(struct gateway *g, enum step s)
{
    const struct link *l = g->x->link;

    if (s == STEP_FAIL)
        gateway_blame_connect(g);
    if (s == STEP_FAIL && l->is_untried) {
        gateway_end(g, PEER_UNTRIED);
        return http_fail(g->r, 500);
    }
    if (s == STEP_FAIL)
        return gateway_retry(g, NEXT_ERROR);
    g->state = l != NULL && l->is_connected ? GATEWAY_EXCHANGE
                                            : GATEWAY_CONNECT;
    return s;
}


static enum step
connect_peer(struct gateway *g, bool may_be_idle)
{
    struct exchange *x;

    g->protocol = g->first;
    x = exchange_new(g, g->pick.peer->name);
    g->tries++;
    gateway_says(g, "connecting to upstream");
    if (!gateway_may_ask(g))
        return gateway_deny(g);
    if (g->secure != NULL && !gateway_tls_prepare(g)) {
        gateway_blame(g, GATEWAY_FAULT_TLS);
        gateway_end(g, PEER_UNTRIED);
        return http_fail(g->r, 500);
    }
    return opened(g, uplink_open(x, may_be_idle));
}


/* Who has found no peer waits: one who has asked none for any, else for those
 * that he has not asked, as long as they have too many connections. */
static bool
may_queue(const struct gateway *g)
{
    return g->group->queue != NULL && !task_is_dry(&g->r->task)
           && (g->tries == 0 || pick_awaits_room(&g->pick));
}


/* It is his turn, after he has waited. */
static void
resume(struct gateway *g)
{
    if (g->tries == 0)
        pick_again(&g->pick);
    else
        pick_resume(&g->pick);
}


/* The next peer, for which the request may have to wait. */
static enum step
find_peer(struct gateway *g)
{
    struct task       *t = &g->r->task;
    enum queue_verdict v = QUEUE_TRY;

    if (g->queued.in != NULL || (g->tries == 0 && may_queue(g)))
        v = queue_turn(&g->queued, t, g->group);
    if (v == QUEUE_TRY && g->queued.in != NULL)
        resume(g);
    if (g->group->queue != NULL)
        g->queue_ms = queue_time(&g->queued);
    if (v == QUEUE_TRY) {
        if (pick_next(&g->pick)) {
            queue_leave(&g->queued);
            return STEP_NEXT;
        }
        if (!may_queue(g)) {
            queue_leave(&g->queued);
            return STEP_FAIL;
        }
        v = queue_wait(&g->queued, t, g->group);
    }
    if (v == QUEUE_WAIT)
        return STEP_WAIT;
    gateway_says(g, "waiting for upstream");
    log_error(t->log, v == QUEUE_FULL ? "upstream queue is full"
                                      : "upstream queue timed out");
    return STEP_FAIL;
}


static enum step
choose(struct gateway *g)
{
    enum step s;

    if (g->is_stale) { /* try the same peer again */
        g->is_stale = false;
        g->tries--;
        return connect_peer(g, false);
    }
    if (!g->is_picking) {
        if (!task_is_dry(&g->r->task)
            && upstream_awaits_names(g->group, &g->r->task, &g->names_wait))
            return STEP_WAIT;
        g->is_picking = true;
        g->started_at = clock_ms();
        pick_start(&g->pick, &g->r->task, g->group);
    }
    s = find_peer(g);
    if (s == STEP_WAIT)
        return s;
    if (s == STEP_NEXT)
        return task_is_dry(&g->r->task) ? gateway_pretend(g, g->pick.peer->name)
                                        : connect_peer(g, true);

    exchange_new(g, g->group->name)->status = 502;
    if (g->pick.set->n_peers == 0)
        upstream_ask_again(g->group, NULL);
    gateway_blame(g, g->pick.set->n_peers == 0
                         ? GATEWAY_FAULT_DNS
                         : GATEWAY_FAULT_NO_LIVE_UPSTREAMS);
    gateway_says(g, "connecting to upstream");
    log_error(g->r->task.log, "no live upstreams");
    if (gateway_cache_stale(g, NEXT_ERROR))
        return exchange_answered(g->x);
    return gateway_fail(g, 502);
}


/* Another exchange opens the connection. */
static enum step
awaiting(struct gateway *g)
{
    enum step s = uplink_awaited(g->x);

    return s == STEP_DONE ? gateway_retry(g, NEXT_TIMEOUT) : opened(g, s);
}


static enum step
connecting(struct gateway *g)
{
    enum step s;

    if (g->x->link == NULL)
        return awaiting(g);
    if (g->x->link->timed_out) {
        gateway_ask_again(g);
        return gateway_retry(g, NEXT_TIMEOUT);
    }
    if (g->secure != NULL && g->x->link->is_connected)
        gateway_says(g, "SSL handshaking to upstream");
    s = uplink_opened(g->x);
    if (s == STEP_FAIL && g->secure != NULL)
        gateway_tls_failed(g->x);
    if (s == STEP_NEXT && g->secure != NULL && !gateway_tls_check(g->x)) {
        gateway_blame(g, GATEWAY_FAULT_TLS_VERIFY);
        s = STEP_FAIL;
    }
    if (s == STEP_FAIL)
        gateway_blame_connect(g);
    if (s == STEP_FAIL || (s == STEP_NEXT && !uplink_ready(g->x)))
        return gateway_retry(g, NEXT_ERROR);
    if (s == STEP_NEXT)
        g->state = GATEWAY_EXCHANGE;
    return s;
}


static enum step
exchange(struct gateway *g)
{
    struct exchange *x = g->x;
    enum step        s;

    if (g->protocol->opened) {
        x->has_head = true;
        g->state = GATEWAY_RESPOND;
        return g->protocol->opened(x);
    }
    if (x->link->timed_out)
        return gateway_retry(g, NEXT_TIMEOUT);
    for (unsigned rounds = 0; !x->has_head; rounds++) {
        if (gateway_send(g) == STEP_FAIL) {
            gateway_blame(g, GATEWAY_FAULT_CLIENT_CLOSED);
            gateway_end(g, PEER_OK);
            return STEP_FAIL;
        }
        if (rounds == HEAD_READS) { /* let others have a turn */
            post_add_next(g->r->task.loop, &g->r->task.wake);
            return STEP_WAIT;
        }
        s = gateway_read(g, HEAD_READ);
        if (s == STEP_WAIT && x->is_send_broken)
            gateway_blame(g, GATEWAY_FAULT_RESET);
        if (s == STEP_FAIL || (s == STEP_WAIT && x->is_send_broken))
            return gateway_retry(g, s == STEP_FAIL ? g->fault : NEXT_ERROR);
        if (s == STEP_WAIT)
            return STEP_WAIT;
    }
    g->state = GATEWAY_RESPOND;
    return STEP_NEXT;
}


static enum step
over(struct gateway *g)
{
    (void) g;
    return STEP_DONE;
}


static enum step (*const handlers[])(struct gateway *) = {
    [GATEWAY_READ_BODY] = gateway_read_body, [GATEWAY_LOOK] = look,
    [GATEWAY_RESOLVE] = gateway_resolve,     [GATEWAY_CHOOSE] = choose,
    [GATEWAY_CONNECT] = connecting,          [GATEWAY_EXCHANGE] = exchange,
    [GATEWAY_RESPOND] = gateway_respond,     [GATEWAY_RELAY] = gateway_relay,
    [GATEWAY_TUNNEL] = gateway_tunnel,       [GATEWAY_OVER] = over,
};


/* The client has closed before it got its response. */
static bool
is_abandoned(const struct gateway *g)
{
    return g->r->client_gone && !g->conf->ignore_client_abort
           && !g->r->main->is_post_action && g->state != GATEWAY_READ_BODY
           && !(g->state > GATEWAY_LOOK && gateway_cache_asks_whole(g))
           && g->state != GATEWAY_TUNNEL;
}


enum step
gateway_run(struct gateway *g)
{
    enum step s;

    if (is_abandoned(g)) {
        log_info(g->r->task.log,
                 "epoll_wait() reported that client prematurely closed "
                 "connection, so upstream connection is closed too");
        gateway_blame(g, GATEWAY_FAULT_CLIENT_CLOSED);
        return gateway_fail(g, 499);
    }
    do {
        s = handlers[g->state](g);
    } while (s == STEP_NEXT && g->state != GATEWAY_OVER);
    return s;
}
