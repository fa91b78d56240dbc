/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks that wait until a peer of their group may be asked: queue.  Each process
 * has its own, of at most so many tasks, in the order in which they came.
 *
 * The first one tries again when this process gives a peer back, and now and
 * then, since other processes give back peers, too, and peers become live again
 * as time passes.  When it has got one, it is the next one's turn.
 */
#pragma once

#include "core/event/task.h"
#include "core/upstream/group.h"

struct upstream_queue {
    uint64_t     most;
    msec_t       timeout;
    struct list  list; /* of struct queued                                   */
    uint64_t     n;
    uint64_t     overflows; /* how often it was full                         */
    struct timer again;
};

/* One that waits; zeroed: it does not. */
struct queued {
    struct list            place;
    struct upstream_queue *in;
    struct task           *task;
    struct timer           timer;
    bool                   is_late; /* the timeout has passed                */
};

/* What a task has to do that found no peer, or has not looked for one. */
enum queue_verdict {
    QUEUE_TRY,  /* look for a peer                                           */
    QUEUE_WAIT, /* it will be woken                                          */
    QUEUE_FULL,
    QUEUE_LATE,
};

/* Whether it is q's turn, and joins the queue where others wait already.  For
 * one that waits: what has come of it. */
enum queue_verdict queue_turn(struct queued *q, struct task *t,
                              struct upstream_group *g);
/* There was no peer for it: it waits, or goes on waiting. */
enum queue_verdict queue_wait(struct queued *q, struct task *t,
                              struct upstream_group *g);
/* It has got a peer, or ends. */
void queue_leave(struct queued *q);
/* This process has given back a peer of the group. */
void queue_wake(struct upstream_group *g);

/* The type of the directive queue. */
extern const struct conf_type upstream_queue_type;
