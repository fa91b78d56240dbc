/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What peers have done so far: counts, bytes, and how long they take.  Called
 * with the lock of the states.
 */
#include "core/os/clock.h"
#include "core/upstream/build.h"

enum { AVERAGE_PAST = 7, AVERAGE_ALL = 8, FADE_SEC = 10 };


/* Never to nothing, which would be: not measured. */
static uint64_t
fade(const struct peer_state *state, uint64_t average)
{
    time_t   now = clock_seconds(), since = state->tally.selected_at;
    time_t   halves = now > since ? (now - since) / FADE_SEC : 0;
    uint64_t faded = halves < 64 ? average >> halves : 0;

    return faded != 0 || average == 0 ? faded : 1;
}


uint64_t
peer_time(const struct peer_state *state, uint64_t average)
{
    return state->conns == 0 ? fade(state, average) : average;
}


void
tally_begin(struct pick *p, const struct peer *peer)
{
    struct peer_state *state = peer->state;

    p->result = (struct pick_result){ .header_ms = -1, .response_ms = -1 };
    p->began_at = clock_ms();
    state->begun_ms += p->began_at;
    if (state->conns == 1) { /* this one */
        state->tally.header_time = fade(state, state->tally.header_time);
        state->tally.response_time = fade(state, state->tally.response_time);
    }
    state->tally.requests++;
    state->tally.selected_at = clock_seconds();
}


/* Moving: the last eight count for two thirds. */
static void
average(uint64_t *average, int64_t ms)
{
    uint64_t now;

    if (ms < 0)
        return;
    now = (uint64_t) ms * PEER_TIME_SCALE + 1; /* 0: not measured */
    *average = *average == 0
                   ? now
                   : (*average * AVERAGE_PAST + now) / AVERAGE_ALL + 1;
}


void
tally_end(const struct pick *p, const struct peer *peer, enum outcome how)
{
    const struct pick_result *r = &p->result;
    struct peer_state        *state = peer->state;
    struct peer_tally        *t = &state->tally;

    state->begun_ms -= p->began_at;
    if (state->conns == 0)
        state->begun_ms = 0; /* some may have died without giving back */
    if (how == PEER_UNTRIED)
        return;
    t->sent += r->sent;
    t->received += r->received;
    if (r->status >= 100 && r->status < 600)
        t->responses[r->status / 100 - 1]++;
    average(&t->header_time, r->header_ms);
    average(&t->response_time, r->response_ms);
}


void
tally_down(struct peer_state *state)
{
    if (state->tally.down_since != 0)
        return;
    state->tally.unavail++;
    state->tally.down_since = clock_ms();
}


void
tally_up(struct peer_state *state)
{
    struct peer_tally *t = &state->tally;
    msec_t             now = clock_ms();

    if (t->down_since != 0 && now > t->down_since)
        t->down_ms += now - t->down_since;
    t->down_since = 0;
}


uint64_t
peer_mean_ms(uint64_t average)
{
    return average / PEER_TIME_SCALE;
}
