/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pump: moves what handlers hand over through the filters that joined and
 * the codec's framing to the connection, no faster than the client takes it
 * and limit_rate allows.
 *
 * Invariant: waiting bytes are either in r->pending, unfiltered, or in the
 * codec's queue, framed; filters hold back only what they must.
 */
#include "http/codec.h"
#include "http/file_read.h"
#include "http/files.h"
#include "http/filter.h"
#include "http/joined.h"
#include "http/response.h"
#include "http/settings.h"

#include "core/os/clock.h"

/* The memory that may be queued on a connection before its handler has to
 * wait. */
enum { QUEUE_MAX = 64 * 1024 };


/* --- limit_rate ---------------------------------------------------------------- */

static uint64_t
rate_of(struct http_request *r, const struct expr *e)
{
    str_t    text;
    uint64_t n;

    if (e == NULL)
        return 0;
    text = expr_eval(e, &r->task);
    return expr_is_true(text) && number_size(text, false, &n) ? n : 0;
}


static void
settle_rate(struct http_request *r)
{
    const struct http_send_conf *c = send_conf(&r->task);

    if (!r->has_limit_rate) {
        r->has_limit_rate = true;
        r->limit_rate = rate_of(r, c->limit_rate);
    }
    if (!r->has_limit_after) {
        r->has_limit_after = true;
        r->limit_rate_after = rate_of(r, c->limit_rate_after);
    }
}


/* What the client has room for; 0: it will tell when there is some. */
static uint64_t
room(struct http_request *r)
{
    if (r != r->main || r->codec->room == NULL || chain_empty(&r->pending))
        return UINT64_MAX;
    return r->codec->room(r);
}


/* How many bytes may be queued now; 0: the delay timer is set. */
static uint64_t
rate_allowance(struct http_request *r)
{
    uint64_t used, granted;
    msec_t   elapsed;

    settle_rate(r);
    if (r->limit_rate == 0 || r != r->main || task_is_dry(&r->task))
        return UINT64_MAX;
    if (timer_is_set(&r->delay))
        return 0;
    elapsed = clock_ms() - r->started_at;
    granted = r->limit_rate * (elapsed / 1000 + 1) + r->limit_rate_after;
    used = r->codec->sent(r) + r->codec->queued(r);
    if (used < granted)
        return granted - used;
    /* The next bytes are granted after the next whole second in which the rate
     * covers what was used. */
    timer_set(r->task.loop, &r->delay,
              (used - r->limit_rate_after) / r->limit_rate * 1000 - elapsed);
    return 0;
}


/* The same with what the client has room for. */
static uint64_t
allowance(struct http_request *r)
{
    uint64_t by_rate = rate_allowance(r), by_room;

    if (by_rate == 0)
        return 0;
    by_room = room(r);
    return by_room < by_rate ? by_room : by_rate;
}


/* --- one piece ------------------------------------------------------------------ */

/* The first filter that waits for something, or NULL. */
static struct http_join *
waiting(const struct http_request *r)
{
    unsigned i;

    for (i = 0; r->joined != NULL && i < r->joined->n; i++)
        if (r->joined->at[i].waits)
            return &r->joined->at[i];
    return NULL;
}


/* The first filter for pending bytes, or NULL. */
static struct http_join *
first(const struct http_request *r)
{
    struct http_joined *j = r->joined;

    return j ? &j->at[j->at[0].filter->is_early] : NULL;
}


/* Passes what has come through the filters to the codec. */
static void
frame(struct http_request *r, struct chain *c, bool last)
{
    if (r->out.is_head_only)
        chain_clear(c);
    log_debug(r->task.log, "http write filter: l:%d s:%ju", last,
              (uintmax_t) c->n);
    r->codec->send_body(r, c, last);
    if (last)
        r->out.is_framed = true;
    chain_clear(c);
}


/* Passes in through the filters from j on (NULL: none) and the codec;
 * afterwards in has only free links.  STEP_WAIT: a filter waits, and nothing
 * came out. */
static enum step
filter_piece(struct http_request *r, struct http_join *j, struct chain *in,
             bool last)
{
    struct chain a, b;
    enum step    step, all = STEP_NEXT;

    log_debug(r->task.log, "http output filter \"" STR_F "?" STR_F "\"",
              STR_A(r->uri), STR_A(r->args));
    chain_init(&a, r->task.arena);
    chain_move(&a, in);
    for (; j != NULL && j != &r->joined->at[r->joined->n]; j++) {
        log_debug(r->task.log, "http %s filter \"" STR_F "?" STR_F "\"",
                  j->filter->name, STR_A(r->uri), STR_A(r->args));
        chain_init(&b, r->task.arena);
        step = j->filter->body(r, j->state, &a, &b, last);
        if (step == STEP_FAIL) {
            chain_clear(&a);
            chain_clear(&b);
            return STEP_FAIL;
        }
        j->waits = step == STEP_WAIT;
        j->had_last = last;
        if (j->waits)
            all = STEP_WAIT;
        if (j->waits || r->out.is_cut)
            last = false;
        chain_move(&a, &b);
        chain_take_links(&a, &b);
    }
    if (!chain_empty(&a))
        all = STEP_NEXT;
    if (r->out.is_head_held)
        return all;
    frame(r, &a, last);
    chain_take_links(in, &a);
    return all;
}


/* Whether the next file range has to be read into memory. */
static bool
wants_reader(const struct http_request *r)
{
    const struct piece *p = r->pending.head;

    while (p != NULL && p->file == NULL)
        p = p->next;
    return p != NULL && (r->out.needs_memory || file_reader_wants(r, p->file));
}


/* Takes at most limit bytes off what is pending, as memory if the filters or
 * the transport need that. */
static enum step
take_piece(struct http_request *r, struct chain *out, uint64_t limit)
{
    struct chain part;
    enum step    step = STEP_NEXT;

    if (!wants_reader(r)) {
        chain_move_n(out, &r->pending, limit);
        return STEP_NEXT;
    }
    if (limit >= r->pending.n)
        return file_reader_next(r, &r->pending, out);
    chain_init(&part, r->task.arena);
    chain_move_n(&part, &r->pending, limit);
    step = file_reader_next(r, &part, out);
    chain_move(&part, &r->pending);
    chain_move(&r->pending, &part);
    return step;
}


/* --- the pump -------------------------------------------------------------------- */

/* Whether the filters still have to be told of the end. */
static bool
is_end_due(const struct http_request *r)
{
    return r->out.is_last && !r->out.is_framed && !r->out.is_cut;
}


static bool
is_due(const struct http_request *r)
{
    return !chain_empty(&r->pending) || is_end_due(r) || waiting(r) != NULL;
}


/* Nothing is to be done with what is pending, and all of it may go. */
static bool
passes_whole(const struct http_request *r, uint64_t limit)
{
    return r->joined == NULL && limit >= r->pending.n && !r->out.is_head_held
           && !wants_reader(r);
}


/* One round: STEP_NEXT: there may be another; STEP_WAIT: not now. */
static enum step
pump_once(struct http_request *r)
{
    struct chain piece UNSET;
    struct http_join  *j = waiting(r);
    uint64_t           limit = allowance(r);
    enum step          step;
    bool               last;

    if (limit == 0 && (j != NULL || !chain_empty(&r->pending))) {
        r->must_flush = true; /* what follows is not there yet */
        return STEP_WAIT;
    }
    if (passes_whole(r, limit)) {
        log_debug(r->task.log, "http output filter \"" STR_F "?" STR_F "\"",
                  STR_A(r->uri), STR_A(r->args));
        frame(r, &r->pending, is_end_due(r));
        return STEP_NEXT;
    }
    chain_init(&piece, r->task.arena);
    r->room = limit;
    if (j != NULL)
        return filter_piece(r, j, &piece, j->had_last);
    if (!chain_empty(&r->pending)) {
        step = take_piece(r, &piece, limit);
        if (step == STEP_FAIL || (step == STEP_WAIT && chain_empty(&piece)))
            return step;
    }
    last = is_end_due(r) && chain_empty(&r->pending);
    step = filter_piece(r, first(r), &piece, last);
    chain_take_links(&r->pending, &piece);
    return step;
}


static enum step
flush(struct http_request *r, bool late)
{
    switch (r->codec->flush(r, io_conf(&r->task)->sendfile_max_chunk, late)) {
    case FLUSH_ERROR:
        return STEP_FAIL;
    case FLUSH_WAIT:
        return STEP_WAIT;
    case FLUSH_DONE:
        break;
    }
    return STEP_NEXT;
}


enum step
http_pump(struct http_request *r)
{
    enum step step = STEP_NEXT;

    if (r->out.is_head_only) {
        chain_clear(&r->pending);
        if (is_end_due(r))
            step = pump_once(r);
    }
    while (is_due(r) && step == STEP_NEXT) {
        if (r->codec->queued(r) >= QUEUE_MAX) {
            step = flush(r, false);
            if (step == STEP_FAIL || r->codec->queued(r) >= QUEUE_MAX)
                break;
            step = STEP_NEXT;
        }
        step = pump_once(r);
    }
    if (step == STEP_FAIL)
        return STEP_FAIL;
    if (r->out.is_head_held) {
        if (r->out.is_cut)
            return http_refuse_body(r, 502);
        return r->out.is_last ? STEP_DONE : STEP_NEXT;
    }
    if (r->out.is_cut && !is_due(r))
        r->out.is_framed = true;
    if (r->codec->queued(r) >= QUEUE_MAX)
        step = flush(r, false);
    else if (r->out.is_framed || r->must_flush || timer_is_set(&r->delay)
             || r->codec->queued(r) >= send_conf(&r->task)->postpone_output)
        step = flush(r, true);
    if (step == STEP_FAIL)
        return STEP_FAIL;
    if (chain_empty(&r->pending) && waiting(r) == NULL)
        r->must_flush = false;
    if (r->out.is_last)
        return STEP_DONE;
    return is_due(r) || r->codec->queued(r) >= QUEUE_MAX ? STEP_WAIT
                                                         : STEP_NEXT;
}


enum step
http_flush_head(struct http_request *r)
{
    if (r->codec->queued(r) < send_conf(&r->task)->postpone_output)
        return STEP_NEXT;
    return flush(r, true) == STEP_FAIL ? STEP_FAIL : STEP_NEXT;
}


/* The output of the early filter becomes pending. */
static enum step
add_pending(struct http_request *r, struct chain *in, bool last)
{
    struct http_join *j = r->joined ? r->joined->at : NULL;

    if (j != NULL && j->filter->is_early)
        return j->filter->body(r, j->state, in, &r->pending, last);
    chain_move(&r->pending, in);
    return STEP_NEXT;
}


enum step
http_send(struct http_request *r, struct chain *in, bool last)
{
    CHECK(r->out.is_head_sent && !r->out.is_last);
    if (r->is_deaf) {
        chain_clear(in);
        r->out.is_last = r->out.is_framed = last;
        return last ? STEP_DONE : STEP_NEXT;
    }
    if (chain_has_flush(in))
        r->must_flush = true;
    if (r->out.is_head_only)
        chain_clear(in);
    else if (add_pending(r, in, last) == STEP_FAIL)
        return STEP_FAIL;
    r->out.is_last = last;
    return http_pump(r);
}


void
http_cut(struct http_request *r, struct chain *out)
{
    chain_flush(out);
    r->must_flush = true;
    r->keeps_alive = false;
    r->out.is_cut = true;
}


enum step
http_send_cut(struct http_request *r, struct chain *in)
{
    http_cut(r, in);
    return http_send(r, in, false) == STEP_FAIL ? STEP_FAIL : STEP_DONE;
}
