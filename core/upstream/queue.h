/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks that wait until a peer of their group may be asked: queue.  At most so
 * many, in the order in which they came: of all processes where the group has a
 * zone (line.h), or else of each.
 *
 * The first one tries again when a peer is given back, and now and then, since
 * peers become live again as time passes.  When it has got one, it is the next
 * one's turn.  Where that is in another process, the bell rings.
 */
#pragma once

#include "core/event/bell.h"
#include "core/event/task.h"
#include "core/upstream/group.h"
#include "core/upstream/line.h"

struct upstream_queue {
    uint64_t        most;
    msec_t          timeout;
    struct list     list; /* of struct queued                                */
    uint64_t        n;
    uint64_t        refused;
    struct timer    again;
    struct bell     bell;
    struct line_end end; /* of the line; without one: this process is alone  */
};

/* One that waits; zeroed: it does not. */
struct queued {
    struct list            place;
    struct upstream_queue *in;
    struct task           *task;
    struct timer           timer;
    uint64_t               ticket; /* in the line                            */
    msec_t                 since;
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
/* For how long it has waited, in milliseconds; 0: it does not. */
int64_t queue_time(const struct queued *q);
/* A peer of the group may be asked again. */
void queue_wake(struct upstream_group *g);
/* In a process that serves, when the states of the group have been shared. */
void queue_join(struct upstream_group *g);
/* How many wait, and how often there was no room. */
void queue_count(const struct upstream_queue *q, uint64_t *n,
                 uint64_t *refused);

/* The type of the directive queue. */
extern const struct conf_type upstream_queue_type;
