/* SPDX-License-Identifier: BSD-2-Clause */
/* The headers of frames, as far as it matters how many of them there are. */
#include "http/h2/watch.h"

#include <string.h>

enum { HEAD = 9, PREFACE = 24, HALF_LIFE_MS = 10000, SMALL = 16, PAD = 256 };

/* RFC 9113 section 6; RFC 9218 section 7.1. */
enum {
    DATA,
    HEADERS,
    PRIORITY,
    RST_STREAM,
    SETTINGS,
    PUSH_PROMISE,
    PING,
    GOAWAY,
    WINDOW_UPDATE,
    CONTINUATION,
    PRIORITY_UPDATE = 16
};
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4, PADDED = 8 };

const char *const h2_kind_words[H2_N_KINDS] = {
#define X(id, word, most, says) word,
    H2_KINDS(X)
#undef X
};

const char *const h2_kind_texts[H2_N_KINDS] = {
#define X(id, word, most, says) says,
    H2_KINDS(X)
#undef X
};


void
h2_watch_init(struct h2_watch *w, msec_t now)
{
    *w = (struct h2_watch){ .since = now, .preface = PREFACE };
}


static void
pass_time(struct h2_watch *w, msec_t now)
{
    msec_t times = (now - w->since) / HALF_LIFE_MS;

    if (times == 0)
        return;
    w->since += times * HALF_LIFE_MS;
    for (unsigned i = 0; i < H2_N_KINDS; i++)
        if (i != H2_CONTINUATIONS)
            w->count[i] = times < 32 ? w->count[i] >> times : 0;
}


bool
h2_watch_count(struct h2_watch *w, const struct h2_limits *l, msec_t now,
               enum h2_kind kind)
{
    pass_time(w, now);
    return ++w->count[kind] > l->most[kind];
}


void
h2_watch_forgive(struct h2_watch *w, enum h2_kind kind, uint32_t n)
{
    w->count[kind] = w->count[kind] > n ? w->count[kind] - n : 0;
}


static uint32_t
number(const uint8_t *p, unsigned n)
{
    uint32_t v = 0;

    while (n-- != 0)
        v = v << 8 | *p++;
    return v;
}


/* One of fewer than 16 bytes is a tiny one: its frame, and the turn of its reader,
 * cost more than they.  The last of a body may be. */
static enum h2_kind
kind_of_data(struct h2_watch *w, unsigned flags, uint32_t n)
{
    if (n >= SMALL) {
        h2_watch_forgive(w, H2_EMPTY, 1 + n / 256);
        h2_watch_forgive(w, H2_TINY, n / 64);
    }
    if (flags & END_STREAM)
        return H2_N_KINDS;
    if (n == 0)
        return H2_EMPTY;
    return n < (flags & PADDED ? SMALL + PAD : SMALL) ? H2_TINY : H2_N_KINDS;
}


/* What the frame counts as; H2_N_KINDS: nothing. */
static enum h2_kind
kind_of(struct h2_watch *w, unsigned type, unsigned flags, uint32_t n)
{
    switch (type) {
    case DATA:
        return kind_of_data(w, flags, n);
    case HEADERS:
        w->count[H2_CONTINUATIONS] = 0;
        w->is_waiting = !(flags & END_HEADERS);
        return n == 0 ? H2_EMPTY : H2_N_KINDS;
    case CONTINUATION:
        w->is_waiting = !(flags & END_HEADERS);
        return H2_CONTINUATIONS;
    case PRIORITY:
    case PRIORITY_UPDATE:
        return H2_PRIORITIES;
    case SETTINGS:
        return flags & ACK ? H2_OTHERS : H2_SETTINGS;
    case PING:
        return flags & ACK ? H2_OTHERS : H2_PINGS;
    case WINDOW_UPDATE:
        return H2_WINDOWS;
    case RST_STREAM: /* counted where its stream is known */
        return H2_N_KINDS;
    default:
        return H2_OTHERS;
    }
}


/* How many bytes of a frame are looked at. */
static unsigned
wanted(const struct h2_watch *w)
{
    return w->n_head >= HEAD && w->head[3] == PRIORITY
                   && number(w->head, 3) == 5
               ? HEAD + 4
               : HEAD;
}


/* The bytes that are looked at are there. */
static enum h2_verdict
judge(struct h2_watch *w, const struct h2_limits *l, msec_t now,
      enum h2_kind *kind)
{
    uint32_t     n = number(w->head, 3), id = number(w->head + 5, 4);
    enum h2_kind k = kind_of(w, w->head[3], w->head[4], n);

    w->frames++;
    w->left = n - (w->n_head - HEAD);
    if (k != H2_N_KINDS && h2_watch_count(w, l, now, k)) {
        *kind = k;
        return H2_TOO_MANY;
    }
    id &= INT32_MAX;
    if (w->head[3] == PRIORITY
        && (id == 0
            || (w->n_head > HEAD
                && (number(w->head + HEAD, 4) & INT32_MAX) == id)))
        return H2_BAD_PRIORITY;
    w->data_id = (int32_t) id;
    return w->head[3] == DATA ? H2_IS_DATA : H2_FINE;
}


/* As many as there are and are needed. */
static size_t
skip(str_t *in, size_t n)
{
    if (n > in->n)
        n = in->n;
    *in = str_from(*in, n);
    return n;
}


size_t
h2_watch_bytes(struct h2_watch *w, const struct h2_limits *l, msec_t now,
               str_t in, enum h2_verdict *verdict, enum h2_kind *kind)
{
    str_t  rest = in;
    size_t n;

    *verdict = H2_FINE;
    w->preface -= (uint8_t) skip(&rest, w->preface);
    while (rest.n != 0) {
        if (w->left != 0) {
            w->left -= (uint32_t) skip(&rest, w->left);
            continue;
        }
        n = wanted(w) - w->n_head;
        if (n > rest.n)
            n = rest.n;
        memcpy(w->head + w->n_head, rest.p, n);
        w->n_head = (uint8_t) (w->n_head + n);
        rest = str_from(rest, n);
        if (w->n_head < wanted(w))
            continue;
        *verdict = judge(w, l, now, kind);
        w->n_head = 0;
        if (*verdict != H2_FINE)
            break;
    }
    return in.n - rest.n;
}


bool
h2_watch_is_inside(const struct h2_watch *w)
{
    return (w->left != 0 && w->head[3] != DATA) || w->n_head != 0
           || w->is_waiting || w->preface != 0;
}
