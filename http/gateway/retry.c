/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether to try another peer after one has failed: proxy_next_upstream and
 * its limits.  A request that is not idempotent is not sent again after a part
 * of it was sent, unless the configuration allows it; a body that was streamed
 * from the client cannot be sent again.
 */
#include "core/os/clock.h"
#include "http/gateway/exchange.h"

static const struct {
    unsigned how;
    unsigned status;
} statuses[] = {
    { NEXT_TIMEOUT, 504 }, { NEXT_500, 500 }, { NEXT_502, 502 },
    { NEXT_503, 503 },     { NEXT_504, 504 }, { NEXT_403, 403 },
    { NEXT_404, 404 },     { NEXT_429, 429 },
};


static unsigned
status_of(unsigned how)
{
    for (size_t i = 0; i < countof(statuses); i++) {
        if (statuses[i].how == how)
            return statuses[i].status;
    }
    return 502;
}


/* The word of proxy_next_upstream for a status, or 0; the first row has no
 * status. */
static unsigned
word_of(unsigned status)
{
    for (size_t i = 1; i < countof(statuses); i++) {
        if (statuses[i].status == status)
            return statuses[i].how;
    }
    return 0;
}


/* Whether the request may be sent again after it was sent before. */
static bool
may_repeat(const struct gateway *g, bool was_sent)
{
    if (g->upload.is_streaming
        && (was_sent
            || (g->upload.has_streamed
                && !(g->x->is_unseen && !g->upload.is_lost))))
        return false;
    if (!was_sent)
        return true;
    return !(g->r->method & (HTTP_POST | HTTP_LOCK | HTTP_PATCH))
           || (g->conf->next & NEXT_NON_IDEMPOTENT);
}


static bool
may_go_on(const struct gateway *g, unsigned how)
{
    const struct gateway_conf *c = g->conf;

    if (!(c->next & how) || (c->next_tries && g->tries >= c->next_tries))
        return false;
    return c->next_timeout == 0 || clock_ms() - g->started_at < c->next_timeout;
}


static enum step
try_again(struct gateway *g)
{
    chain_clear(&g->x->body);
    g->state = GATEWAY_CHOOSE;
    return STEP_NEXT;
}


/* Whether the peer may have acted on the request. */
static bool
was_sent(const struct exchange *x)
{
    return x->link && link_sent(x->link) != 0 && !x->is_unseen;
}


/* Whether the peer closed the idle connection before it saw the request, or has
 * said so, or the connection was not clean; that is not a failure. */
static bool
is_stale(const struct exchange *x, unsigned how)
{
    const struct link *u = x->link;

    return u && u->was_idle && how == NEXT_ERROR && !x->has_head
           && (link_received(u) == 0 || x->is_unseen || x->is_stray);
}


/* Whether the peer has asked to be asked over another connection. */
static bool
is_moving(struct gateway *g)
{
    return g->x->is_moved && !g->x->has_head && g->moves++ < GATEWAY_MOVES;
}


enum step
gateway_retry(struct gateway *g, unsigned how)
{
    struct exchange *x = g->x;
    bool             may = may_repeat(g, was_sent(x));
    bool             stale = is_stale(x, how);

    if (may && is_moving(g)) {
        exchange_end(x);
        exchange_forget(x);
        g->is_stale = true;
        return try_again(g);
    }

    if (how == NEXT_TIMEOUT)
        gateway_timed_out(g);
    else if (stale && !may && !x->is_stray)
        log_error(g->r->task.log, "upstream prematurely closed connection");
    x->status = status_of(how);
    log_debug(g->r->task.log, "http next upstream, %x", how);
    exchange_end(x);
    if (stale && may) {
        g->moves++;
        g->is_stale = true;
        return try_again(g);
    }
    pick_done(&g->pick, how == NEXT_DENIED ? PEER_NEXT : PEER_FAILED);
    if (may && may_go_on(g, how) && pick_has_more(&g->pick))
        return try_again(g);
    if (gateway_cache_stale(g, how))
        return exchange_answered(g->x);
    return gateway_fail(g, x->status);
}


enum step
gateway_repeat(struct gateway *g)
{
    exchange_end(g->x);
    if (!may_repeat(g, true))
        return gateway_fail(g, 502);
    g->is_stale = true;
    return try_again(g);
}


enum step
gateway_retry_status(struct gateway *g, unsigned status)
{
    unsigned how = word_of(status);

    if (!how || !may_repeat(g, was_sent(g->x)) || !may_go_on(g, how)
        || g->pick.tries <= 1)
        return gateway_cache_replaces(g, how) ? exchange_answered(g->x)
                                              : STEP_DONE;
    log_debug(g->r->task.log, "http next upstream, %x", how);
    exchange_end(g->x);
    pick_done(&g->pick, how & (NEXT_403 | NEXT_404) ? PEER_NEXT : PEER_FAILED);
    return try_again(g);
}
