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
    ROUNDS = 16, /* in one call                                              */
    CALL_MOST = 262144, /* read in one call: then others have their turn     */
    FOLLOWED = 2,       /* pieces of what another request stores in one call */
};


struct relay {
    struct gateway    *g;
    struct chain       out;     /* being handed over                         */
    struct chain       spilled; /* moved to the file; precedes x->body       */
    struct chain_file *file;
    off_t              file_end;
    struct timer       pause; /* of proxy_limit_rate, and for others' turn */
    uint64_t           rate;  /* bytes a second; 0: no limit              */
    msec_t             rate_at;
    bool               is_full; /* http_send said to wait                    */
    bool               is_held_back; /* a filter may be holding bytes that
                                        were handed over                     */
    bool               has_spilled;  /* in this call                          */
    bool               drains; /* nobody wants the body, but it is stored    */
    int64_t            kept;   /* bytes of the body that copies have         */
    uint64_t           read_before; /* this call                             */
};


static size_t
memory_limit(const struct gateway_conf *c)
{
    return c->buffer_size + c->buffers.n * c->buffers.size;
}


/* Reuses the file from its start, once all of it has been sent. */
static void
rewind_file(struct relay *relay)
{
    if (relay->file && relay->file->refs == 1 && chain_empty(&relay->spilled))
        relay->file_end = 0;
}


static bool
open_file(struct relay *relay)
{
    struct task *t = &relay->g->r->task;
    str_t        name;

    if (relay->file)
        return true;
    relay->file
        = temp_file_new(t, &relay->g->conf->temp_path, TEMP_NAMELESS, &name);
    if (!relay->file)
        return false;
    log_warn(t->log,
             "an upstream response is buffered to a temporary file " STR_F,
             STR_A(name));
    return true;
}


/* Gives copies of the body (a store, a cache) what they have not got so far, of
 * what is in memory. */
static void
keep(struct relay *relay)
{
    struct gateway  *g = relay->g;
    struct exchange *x = g->x;
    int64_t          passed = x->body_bytes - (int64_t) x->body.n;
    struct chain     fresh;

    if ((g->store == NULL && g->cache == NULL) || relay->kept >= x->body_bytes)
        return;
    chain_init(&fresh, g->r->task.arena);
    chain_share(&fresh, &x->body);
    chain_skip(&fresh, (uint64_t) (relay->kept - passed));
    gateway_store_add(g, &fresh);
    gateway_cache_add(g, &fresh);
    chain_clear(&fresh);
    relay->kept = x->body_bytes;
}


/* Moves the bytes in memory to the file; false: they stay in memory. */
static bool
spill(struct relay *relay)
{
    struct gateway *g = relay->g;
    off_t           from;
    bool            ok;

    keep(relay);
    if (gateway_cache_spill(g, &relay->spilled, &g->x->body))
        return true;
    rewind_file(relay);
    from = relay->file_end;
    if ((uint64_t) from + g->x->body.n > g->conf->max_file_size
        || !open_file(relay))
        return false;
    ok = temp_file_append(&g->r->task, relay->file, &relay->file_end,
                          &g->x->body, 0);
    chain_add_file(&relay->spilled, relay->file, from,
                   (size_t) (relay->file_end - from));
    return ok;
}


/* Lets others have a turn. */
static void
pause_for(struct relay *relay, msec_t ms)
{
    timer_set(relay->g->r->task.loop, &relay->pause, ms);
}


/* Only once in a turn, so that the client can take something in between. */
static bool
make_space(struct relay *relay)
{
    if (relay->has_spilled) {
        pause_for(relay, 0);
        return false;
    }
    relay->has_spilled = true;
    return spill(relay);
}


/* proxy_limit_rate: how much may be read now; 0: pause first. */
static size_t
allowed_by_rate(struct relay *relay, size_t want)
{
    uint64_t may, read = (uint64_t) relay->g->x->body_bytes;
    msec_t   passed;

    if (relay->rate == 0)
        return want;
    passed = clock_ms() - relay->rate_at;
    may = relay->rate * (passed / 1000 + 1);
    if (read < may)
        return may - read < want ? (size_t) (may - read) : want;
    pause_for(relay, (read - may) * 1000 / relay->rate + 1000 - passed % 1000);
    return 0;
}


/* How much to read next; 0: nothing now. */
static size_t
want_now(struct relay *relay)
{
    const struct gateway  *g = relay->g;
    const struct exchange *x = g->x;
    size_t                 limit = memory_limit(g->conf);
    size_t                 want = READ_ONCE;
    uint64_t               left;

    if (relay->is_full) {
        if (!g->buffers)
            return 0;
        if (x->body.n >= limit && !make_space(relay))
            return 0;
        if (x->body.n + want > limit)
            want = limit - x->body.n;
        if (want < READ_LEAST)
            want = READ_LEAST;
    }
    if (x->length >= 0) { /* a short read means that no more has arrived */
        left = (uint64_t) (x->length - x->body_bytes);
        if (left < want)
            want = left < KNOWN_SMALL ? KNOWN_SMALL : (size_t) left + 1;
    } else if (x->body_bytes < READ_ONCE) {
        want = want < KNOWN_SMALL ? want : KNOWN_SMALL;
    }
    return allowed_by_rate(relay, want);
}


static bool
has_had_turn(const struct relay *relay)
{
    return link_received(relay->g->x->link) - relay->read_before >= CALL_MOST;
}


/* Reads as gateway_read does.  STEP_NEXT: there is enough to hand over, or
 * much was read that contained few body bytes (framing can be longer than the
 * data). */
static enum step
fill(struct relay *relay)
{
    struct gateway  *g = relay->g;
    struct exchange *x = g->x;
    enum step        s;
    size_t           want;

    for (unsigned reads = 0; reads < ROUNDS; reads++) {
        want = want_now(relay);
        if (want == 0) {
            timer_stop(&x->link->conn.read_timer);
            return STEP_WAIT;
        }
        s = gateway_read(g, want);
        if (s == STEP_WAIT && x->is_request_sent
            && !timer_is_set(&x->link->conn.read_timer))
            link_wait_read(x->link, g->conf->read_timeout);
        if (s != STEP_NEXT)
            return s;
        if (gateway_send(g) == STEP_FAIL) /* an answer, or more of the body */
            return STEP_FAIL;
        if (!g->buffers || (!relay->is_full && x->body.n >= READ_MANY)
            || has_had_turn(relay))
            break;
    }
    return STEP_NEXT;
}


/* Moves everything that is there to out. */
static void
gather(struct relay *relay)
{
    struct exchange *x = relay->g->x;

    keep(relay);
    chain_move(&relay->out, &relay->spilled);
    chain_move(&relay->out, &x->body);
}


/* Hands over what is there; at_once: none of it may wait for later data. */
static enum step
hand_over(struct relay *relay, bool at_once, bool last)
{
    enum step s;

    gather(relay);
    if (relay->drains) {
        chain_clear(&relay->out);
        return STEP_NEXT;
    }
    if (at_once && !last)
        chain_flush(&relay->out);
    relay->is_held_back = !at_once;
    s = http_send(relay->g->r, &relay->out, last);
    relay->is_full = s == STEP_WAIT;
    return s;
}


/* Whether there are bytes for the client. */
static bool
has_more(const struct relay *relay)
{
    return !chain_empty(&relay->g->x->body) || !chain_empty(&relay->spilled);
}


/* The response is complete: the exchange ends, and the pipeline sends the
 * rest. */
static enum step
finish(struct relay *relay)
{
    struct gateway      *g = relay->g;
    struct exchange     *x = g->x;
    struct http_request *r = g->r;
    enum step            s;

    exchange_end(x);
    if (g->conf->pass_trailers && x->trailers) {
        VEC_EACH(&x->trailers->list, f)
            fields_add(r->task.arena,
                       fields_want(r->task.arena, &r->out.trailers), f->name,
                       f->value);
        r->out.has_trailers = true;
    }
    s = hand_over(relay, true, true);
    gateway_end(g, PEER_OK);
    return s == STEP_FAIL ? STEP_FAIL : STEP_DONE;
}


/* Whether the protocol tells the client of it. */
static bool
tells_end(struct gateway *g)
{
    return g->protocol->break_off != NULL && g->protocol->break_off(g);
}


/* The rest of the response will not arrive: sends what is there, and ends it
 * in a way that shows the client that it is incomplete. */
static enum step
break_off(struct relay *relay)
{
    struct gateway *g = relay->g;
    enum step       s;
    bool            is_told;

    exchange_end(g->x);
    is_told = !relay->drains && tells_end(g);
    gather(relay);
    if (relay->drains)
        s = STEP_DONE;
    else if (is_told)
        s = http_send(g->r, &relay->out, true) == STEP_FAIL ? STEP_FAIL
                                                            : STEP_DONE;
    else
        s = http_send_cut(g->r, &relay->out);
    gateway_end(g, PEER_OK);
    return s;
}


enum step
gateway_cut(struct gateway *g, unsigned status)
{
    return g->relay != NULL ? break_off(g->relay) : gateway_fail(g, status);
}


/* Nothing can be handed over any more. */
static enum step
give_up(struct gateway *g)
{
    if (g->r->client_gone)
        gateway_blame(g, GATEWAY_FAULT_CLIENT_CLOSED);
    gateway_end(g, PEER_OK);
    return STEP_FAIL;
}


/* Nothing can be handed over: whether the response is read on, without its
 * client; not if a filter that had the head held refused it. */
static bool
goes_on(const struct gateway *g)
{
    return g->r->out.is_head_sent && http_lose_client(g->r);
}


/* None of a response is passed on but, where that is a frame of its own and
 * waits for nothing, the head. */
static enum step
drop(struct relay *relay)
{
    if (relay->g->r->version < HTTP_20)
        return give_up(relay->g);
    chain_clear(&relay->g->x->body);
    return break_off(relay);
}


static enum step
go_on(struct relay *relay)
{
    struct gateway *g = relay->g;
    unsigned        rounds = 0;
    enum step       s;
    bool            at_once;

    for (;;) {
        if (++rounds > ROUNDS || has_had_turn(relay)) {
            pause_for(relay, 0);
            return STEP_WAIT;
        }
        s = fill(relay);
        if (s == STEP_DONE)
            return finish(relay);
        if (s == STEP_FAIL)
            return break_off(relay);
        at_once = s == STEP_WAIT || !g->buffers;
        if (!relay->is_full
            && (has_more(relay) || (at_once && relay->is_held_back))
            && hand_over(relay, at_once, false) == STEP_FAIL && !goes_on(g))
            return give_up(g);
        if (s == STEP_WAIT)
            return STEP_WAIT;
    }
}


/* Whether the client has room again. */
static enum step
look_for_room(struct relay *relay)
{
    enum step s;

    if (!relay->is_full)
        return STEP_NEXT;
    s = http_send(relay->g->r, &relay->out, false);
    relay->is_full = s == STEP_WAIT;
    return s;
}


static void
on_pause_over(struct timer *t)
{
    task_wake(&container_of(t, struct relay, pause)->g->r->task);
}


static struct relay *
new_relay(struct gateway *g)
{
    struct arena *a = g->r->task.arena;
    struct relay *relay = arena_make(a, struct relay);

    relay->g = g;
    relay->drains = g->r->out.is_last; /* its head is all that is sent */
    relay->pause.on_timeout = on_pause_over;
    chain_init(&relay->out, a);
    chain_init(&relay->spilled, a);
    return relay;
}


static void
set_rate(struct relay *relay)
{
    const struct gateway *g = relay->g;
    str_t                 rate;

    if (!g->conf->limit_rate || !g->buffers)
        return;
    rate = expr_eval(g->conf->limit_rate, &g->r->task);
    if (!expr_is_true(rate) || !number_size(rate, false, &relay->rate))
        relay->rate = 0;
    relay->rate_at = clock_ms();
}


/* The first call for a response. */
static enum step
begin(struct relay *relay)
{
    struct gateway *g = relay->g;
    enum step       s;

    gateway_says(g, "reading upstream");
    set_rate(relay);
    s = gateway_decode(g);
    if (s == STEP_DONE)
        return finish(relay);
    if (s == STEP_FAIL && g->protocol->drops_broken && !tells_end(g))
        return drop(relay);
    if (s == STEP_FAIL)
        return break_off(relay);
    if (!g->buffers && chain_empty(&g->x->body)) /* send the head at once */
        return hand_over(relay, true, false) == STEP_FAIL ? STEP_FAIL
                                                          : STEP_NEXT;
    return STEP_NEXT;
}


/* A source's response, which is still coming there. */
static enum step
follow(struct relay *relay)
{
    struct gateway *g = relay->g;
    enum step       s;

    for (unsigned rounds = 0; rounds < FOLLOWED; rounds++) {
        if (look_for_room(relay) == STEP_FAIL)
            return give_up(g);
        if (relay->is_full)
            return STEP_WAIT;
        s = gateway_cache_more(g);
        if (s == STEP_WAIT)
            return s;
        if (s == STEP_DONE)
            return finish(relay);
        if (s == STEP_FAIL)
            return break_off(relay);
        if (hand_over(relay, true, false) == STEP_FAIL)
            return give_up(g);
    }
    pause_for(relay, 0);
    return STEP_WAIT;
}


enum step
gateway_relay(struct gateway *g)
{
    struct link *u = g->x->link;
    bool         has_begun = g->relay != NULL;
    enum step    s;

    if (!has_begun)
        g->relay = new_relay(g);
    if (u == NULL) /* a source's response, or a dry run */
        return g->x->is_growing ? follow(g->relay) : finish(g->relay);
    g->relay->has_spilled = false;
    g->relay->read_before = link_received(u);
    if (!has_begun) {
        s = begin(g->relay);
        if (s != STEP_NEXT)
            return s;
    }
    if (u->timed_out) {
        gateway_timed_out(g);
        return break_off(g->relay);
    }
    if (gateway_send(g) == STEP_FAIL)
        return break_off(g->relay);
    if (look_for_room(g->relay) == STEP_FAIL && !goes_on(g))
        return give_up(g);
    return go_on(g->relay);
}


void
gateway_relay_end(struct gateway *g)
{
    struct relay *relay = g->relay;

    if (relay == NULL)
        return;
    timer_stop(&relay->pause);
    chain_clear(&relay->spilled);
    chain_file_put(relay->file);
    g->relay = NULL;
}
