/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looks at the headers of frames before they are taken: what a client may do
 * too often is counted here, and refused before it costs anything.  Pure.
 *
 * Of each kind a connection may have so many more than what is useful gives
 * back; and what was counted goes by half every ten seconds.
 */
#pragma once

#include "core/base/number.h"
#include "core/base/str.h"

#define H2_KINDS(X) \
    X(RESETS, "resets", 200, "rapid reset") \
    X(REFUSED, "refused", 200, "streams that have to be reset") \
    X(CONTINUATIONS, "continuations", 8, "CONTINUATION flood") \
    X(EMPTY, "empty", 200, "flood of empty DATA or HEADERS frames") \
    X(TINY, "tiny", 20000, "flood of tiny DATA frames") \
    X(PINGS, "pings", 200, "PING flood") \
    X(SETTINGS, "settings", 50, "SETTINGS flood") \
    X(WINDOWS, "window_updates", 2000, "WINDOW_UPDATE flood") \
    X(PRIORITIES, "priorities", 500, "PRIORITY flood") \
    X(OTHERS, "others", 500, "flood of unknown frames")

enum h2_kind {
#define X(id, word, most, says) H2_##id,
    H2_KINDS(X)
#undef X
        H2_N_KINDS,
    /* Without a limit of their own: what is counted are connections. */
    H2_HEADS = H2_N_KINDS,
    H2_STREAMS,
};

struct h2_limits {
    uint32_t most[H2_N_KINDS];
};

struct h2_watch {
    uint32_t count[H2_N_KINDS];
    msec_t   since;   /* of the present ten seconds                        */
    uint32_t frames;  /* that have begun                                   */
    uint32_t left;    /* bytes of the present frame that are to come       */
    uint8_t  preface; /* bytes of the preface that are to come             */
    uint8_t  n_head;  /* of the next frame's head, and what is looked at
                           behind it                                         */
    uint8_t  head[9 + 4];
    int32_t  data_id; /* H2_IS_DATA: its stream                            */
    bool is_waiting;  /* CONTINUATION has to follow                         */
};

enum h2_verdict {
    H2_FINE,
    H2_TOO_MANY, /* of *kind                                               */
    H2_BAD_PRIORITY, /* a PRIORITY frame of the connection, or that makes a
                        stream depend on itself                              */
    H2_IS_DATA, /* no more was looked at than the head of a DATA frame    */
};

void h2_watch_init(struct h2_watch *w, msec_t now);
/* How many of these bytes were looked at: all, unless the verdict is another
 * than H2_FINE. */
size_t h2_watch_bytes(struct h2_watch *w, const struct h2_limits *l, msec_t now,
                      str_t in, enum h2_verdict *verdict, enum h2_kind *kind);
/* One more of a kind; true: too many. */
bool h2_watch_count(struct h2_watch *w, const struct h2_limits *l, msec_t now,
                    enum h2_kind kind);
/* Something useful was done, which n of that kind are accepted for. */
void h2_watch_forgive(struct h2_watch *w, enum h2_kind kind, uint32_t n);

/* The directive's word, and what a log line says. */
extern const char *const h2_kind_words[H2_N_KINDS];
extern const char *const h2_kind_texts[H2_N_KINDS];
/* A frame or a head has begun, and is not complete; DATA does not count: bodies
 * have timeouts of their own. */
bool h2_watch_is_inside(const struct h2_watch *w);
