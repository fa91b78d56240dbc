/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known of the names of servers, for all processes: one asks, and all
 * take the answer.  It stays over reloads and upgrades, so that a process that
 * begins has addresses at once.
 *
 * The times are those of clock_ms, which is the same for all.
 */
#pragma once

#include "core/base/number.h"
#include "core/net/addr.h"

struct log;

enum {
    ANSWER_MAX = 128, /* addresses of a name; further ones are ignored       */
    ANSWER_PAUSE_MS = 1000, /* between two questions about a name            */
};

/* An address with its port, and what an SRV record says of it. */
struct found {
    uint8_t  at[16];
    uint16_t family; /* AF_INET, AF_INET6                                    */
    uint16_t port, weight, priority;
};

struct answer {
    msec_t       at, until; /* 0: there is none; not used after until        */
    unsigned     n;
    struct found found[ANSWER_MAX];
};

enum turn {
    TURN_TAKE,  /* the answer is newer than what the caller has              */
    TURN_ASK,   /* the caller asks; answers_put or answers_fail follows      */
    TURN_WAIT,  /* another process is asking                                 */
    TURN_LATER, /* there was a question just now: not before out->until      */
};

/* Makes the memory, in the process that the others are forked from.  False:
 * logged. */
bool answers_share(const struct log *log);

/* What the caller, whose answer is of the moment have (0: it has none), has to
 * do next.  *out is the answer that is there, even if it is an old one. */
enum turn answers_turn(str_t key, msec_t have, struct answer *out);
/* Sets a->at. */
void answers_put(str_t key, struct answer *a);
void answers_fail(str_t key);
