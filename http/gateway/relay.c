/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Passes on the body of a response.
 *
 * With buffering, it is read as fast as the peer sends it.  While the client
 * takes what is handed over, no more than a few blocks are held, and nothing
 * when the peer pauses.  When the client is slower, the rest goes into memory
 * up to the size of proxy_buffers, then to a temporary file up to
 * proxy_max_temp_file_size, and then the peer has to wait.  The bytes in the
 * file (spilled) always come before those in memory (fresh).  Without
 * buffering, each read is sent at once, and the next one waits until the
 * client has taken it.
 */
#include <errno.h>

#include "core/os/clock.h"
#include "http/codec.h"
#include "http/gateway/exchange.h"
#include "http/response.h"
#include "http/temp_file.h"

enum {
    READ_ONCE = 65536,
    READ_MANY = 131072, /* read before handing over                          */
    READ_LEAST = 4096,
    KNOWN_SMALL = 32768,
    ROUNDS = 16, /* of READ_MANY in one call                          */
};


static size_t
memory_limit(const struct gateway_conf *c)
{
    return c->buffer_size + c->buffers.n * c->buffers.size;
}


/* Reuses the file from its start, once all of it has been sent. */
static void
rewind_file(struct gateway *g)
{
    if (g->file && g->file->refs == 1 && chain_empty(&g->spilled))
        g->file_end = 0;
}


/* Moves the bytes in memory to the file; false: they stay in memory. */
static bool
spill(struct gateway *g)
{
    const struct gateway_conf *c = g->conf;
    struct task               *t = &g->r->task;
    off_t                      from;
    str_t                      name;
    bool                       ok;

    rewind_file(g);
    if ((uint64_t) g->file_end + g->fresh.n > c->max_file_size)
        return false;
    if (!g->file) {
        g->file = temp_file_new(t, &c->temp_path, TEMP_NAMELESS, &name);
        if (!g->file)
            return false;
        log_warn(t->log,
                 "an upstream response is buffered to a temporary file " STR_F,
                 STR_A(name));
    }
    from = g->file_end;
    ok = temp_file_append(t, g->file, &g->file_end, &g->fresh, 0);
    chain_add_file(&g->spilled, g->file, from, (size_t) (g->file_end - from));
    return ok;
}


/* Only once in a turn, so that the client can take something in between. */
static bool
make_space(struct gateway *g)
{
    if (g->has_spilled) {
        timer_set(g->r->task.loop, &g->pause, 0);
        return false;
    }
    g->has_spilled = true;
    return spill(g);
}


/* proxy_limit_rate: how much may be read now; 0: pause first. */
static size_t
allowed_by_rate(struct gateway *g, size_t want)
{
    uint64_t may, read = (uint64_t) g->x->body_bytes;
    msec_t   passed;

    if (g->rate == 0)
        return want;
    passed = clock_ms() - g->rate_at;
    may = g->rate * (passed / 1000 + 1);
    if (read < may)
        return may - read < want ? (size_t) (may - read) : want;
    timer_set(g->r->task.loop, &g->pause,
              (read - may) * 1000 / g->rate + 1000 - passed % 1000);
    return 0;
}


/* How much to read next; 0: nothing now. */
static size_t
want_now(struct gateway *g)
{
    size_t   limit = memory_limit(g->conf);
    size_t   want = READ_ONCE;
    uint64_t left;

    if (g->is_full) {
        if (!g->buffers)
            return 0;
        if (g->fresh.n >= limit && !make_space(g))
            return 0;
        if (g->fresh.n + want > limit)
            want = limit - g->fresh.n;
        if (want < READ_LEAST)
            want = READ_LEAST;
    }
    if (g->x->length >= 0) { /* a short read means that no more has arrived */
        left = (uint64_t) (g->x->length - g->x->body_bytes);
        if (left < want)
            want = left < KNOWN_SMALL ? KNOWN_SMALL : (size_t) left + 1;
    } else if (g->x->body_bytes < READ_ONCE) {
        want = want < KNOWN_SMALL ? want : KNOWN_SMALL;
    }
    return allowed_by_rate(g, want);
}


/* Reads as gateway_read does.  STEP_NEXT: there is enough to hand over, or
 * much was read that contained few body bytes (framing can be longer than the
 * data). */
static enum step
fill(struct gateway *g)
{
    enum step s;
    size_t    want;

    for (unsigned reads = 0; reads < ROUNDS; reads++) {
        want = want_now(g);
        if (want == 0) {
            timer_stop(&g->x->link->conn.read_timer);
            return STEP_WAIT;
        }
        s = gateway_read(g, want);
        if (s == STEP_WAIT && g->x->is_request_sent
            && !timer_is_set(&g->x->link->conn.read_timer))
            link_wait_read(g->x->link, g->conf->read_timeout);
        if (s != STEP_NEXT)
            return s;
        if (gateway_send(g) == STEP_FAIL) /* an answer, or more of the body */
            return STEP_FAIL;
        if (!g->buffers || (!g->is_full && g->fresh.n >= READ_MANY))
            break;
    }
    return STEP_NEXT;
}


/* Moves everything that is there to out. */
static void
gather(struct gateway *g)
{
    if (!chain_empty(&g->fresh))
        gateway_store_add(g, &g->fresh);
    chain_move(&g->out, &g->spilled);
    chain_move(&g->out, &g->fresh);
}


/* Hands over what is there; at_once: none of it may wait for later data. */
static enum step
hand_over(struct gateway *g, bool at_once, bool last)
{
    enum step s;

    gather(g);
    if (at_once && !last)
        chain_flush(&g->out);
    g->is_held_back = !at_once;
    s = http_send(g->r, &g->out, last);
    g->is_full = s == STEP_WAIT;
    return s;
}


/* Whether there are bytes for the client. */
static bool
has_more(const struct gateway *g)
{
    return !chain_empty(&g->fresh) || !chain_empty(&g->spilled);
}


/* The response is complete: the exchange ends, and the pipeline sends the
 * rest. */
static enum step
finish(struct gateway *g)
{
    struct exchange     *x = g->x;
    struct http_request *r = g->r;
    enum step            s;

    exchange_end(x);
    if (g->conf->pass_trailers) {
        VEC_EACH(&x->trailers.list, f)
            fields_add(r->task.arena, &r->out.trailers, f->name, f->value);
        r->out.has_trailers = x->trailers.list.n != 0;
    }
    s = hand_over(g, true, true);
    gateway_end(g, PEER_OK);
    return s == STEP_FAIL ? STEP_FAIL : STEP_DONE;
}


/* The rest of the response will not arrive: sends what is there, and ends it
 * in a way that shows the client that it is incomplete. */
static enum step
break_off(struct gateway *g)
{
    enum step s;

    exchange_end(g->x);
    gather(g);
    s = http_send_cut(g->r, &g->out);
    gateway_end(g, PEER_OK);
    return s;
}


static enum step
go_on(struct gateway *g)
{
    unsigned  rounds = 0;
    enum step s;
    bool      at_once;

    for (;;) {
        if (++rounds > ROUNDS) { /* let others have a turn */
            timer_set(g->r->task.loop, &g->pause, 0);
            return STEP_WAIT;
        }
        s = fill(g);
        if (s == STEP_DONE)
            return finish(g);
        if (s == STEP_FAIL)
            return break_off(g);
        at_once = s == STEP_WAIT || !g->buffers;
        if (!g->is_full && (has_more(g) || (at_once && g->is_held_back))
            && hand_over(g, at_once, false) == STEP_FAIL)
        {
            gateway_end(g, PEER_OK);
            return STEP_FAIL;
        }
        if (s == STEP_WAIT)
            return STEP_WAIT;
    }
}


/* Whether the client has room again. */
static enum step
look_for_room(struct gateway *g)
{
    enum step s;

    if (!g->is_full)
        return STEP_NEXT;
    s = http_send(g->r, &g->out, false);
    g->is_full = s == STEP_WAIT;
    return s;
}


/* The first call for a response. */
static enum step
begin(struct gateway *g)
{
    str_t     rate;
    enum step s;

    g->is_relaying = true;
    gateway_says(g, "reading upstream");
    if (g->conf->limit_rate && g->buffers) {
        rate = expr_eval(g->conf->limit_rate, &g->r->task);
        if (!number_size(rate, false, &g->rate))
            g->rate = 0;
        g->rate_at = clock_ms();
    }
    s = gateway_decode(g);
    if (s == STEP_DONE)
        return finish(g);
    if (s == STEP_FAIL)
        return break_off(g);
    if (!g->buffers && chain_empty(&g->fresh)) /* send the head at once */
        return hand_over(g, true, false) == STEP_FAIL ? STEP_FAIL : STEP_NEXT;
    return STEP_NEXT;
}


enum step
gateway_relay(struct gateway *g)
{
    struct exchange *x = g->x;
    enum step        s;

    if (x->link == NULL) /* a source's response, or a dry run */
        return finish(g);
    g->has_spilled = false;
    if (!g->is_relaying) {
        s = begin(g);
        if (s != STEP_NEXT)
            return s;
    }
    if (x->link->timed_out) {
        log_errno(g->r->task.log, ETIMEDOUT, "upstream timed out");
        return break_off(g);
    }
    if (gateway_send(g) == STEP_FAIL)
        return break_off(g);
    if (look_for_room(g) == STEP_FAIL) {
        gateway_end(g, PEER_OK);
        return STEP_FAIL;
    }
    return go_on(g);
}
