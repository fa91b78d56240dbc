/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose answer comes when several ask over one connection: memcached answers
 * in the order of the requests.  Knows bytes, and nothing of connections.
 *
 * Who leaves before its answer has come is remembered as a number of answers to
 * be skipped.
 */
#pragma once

#include "core/base/list.h"
#include "modules/gateway/memcached_answer.h"

/* Of one request; zeroed, and key set, before memcached_order_ask. */
struct memcached_turn {
    str_t       key;
    struct list place;
    unsigned    skip; /* answers right before it that nobody wants           */
    bool        is_asked;
    bool        is_whole; /* all of the answer has come                      */
};

struct memcached_order {
    struct list             queue;  /* of turns whose answers are to come    */
    unsigned                n;      /* answers that are to come              */
    unsigned                skip;   /* the last ones of them, if unwanted    */
    struct memcached_answer answer; /* that comes next, or is coming         */
};

enum memcached_part {
    MEMCACHED_COMPLETE, /* it ended an answer                                */
    MEMCACHED_COMING,   /* the input is used up, but for a part of a line    */
    MEMCACHED_BROKEN,   /* this is no answer, and the order is lost          */
};

void memcached_order_init(struct memcached_order *o);
/* Who the answer is for that comes next, or is coming; NULL: nobody. */
struct memcached_turn *memcached_order_current(const struct memcached_order *o);
/* The request of t goes out behind those of all others. */
void memcached_order_ask(struct memcached_order *o, struct memcached_turn *t);
/* t, which is in the queue, does not wait for its answer any more. */
void memcached_order_leave(struct memcached_order *o, struct memcached_turn *t);
/* Takes a part of one answer, or all of it, from the start of *in. */
enum memcached_part memcached_order_take(struct memcached_order *o, str_t *in);
