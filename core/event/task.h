/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A task is the common base of an HTTP request and a stream session, as their
 * first member.  Variables, expressions, access rules, limits, logging and
 * balancers take a task, so they serve both.
 *
 * What a task waits for is an object in its list; ending the task cancels all
 * of them.  Waking a task posts it: its current step is called again from the
 * loop, never from inside another handler.
 */
#pragma once

#include "core/base/arena.h"
#include "core/base/step.h"
#include "core/event/loop.h"
#include "core/log/log.h"

struct addr;
struct conf_page;
struct conn;
struct trace;
struct value;

enum serves {
    FOR_HTTP = 1,
    FOR_STREAM = 2,
    FOR_MAIL = 4,
};

/* Something that a task is waiting for. */
struct wait {
    struct list link; /* in task->waits; zeroed: in none                     */
    void      (*cancel)(struct wait *); /* the task ends first               */
};

/* What the last successful match of a regular expression found. */
struct captures {
    str_t  subject;
    int   *at; /* pairs of offsets, [0] the whole match; -1: not taken part  */
    unsigned n; /* pairs                                                     */
};

struct task {
    struct arena       *arena;
    struct loop        *loop;
    struct log         *log;
    struct conn        *conn;
    const struct addr  *peer;   /* who asks: the connection's peer, or whom
                                   a trusted proxy has named in its place    */
    struct generation  *gen;  /* that it runs under; its owner counts it     */
    struct conf_page *const *conf; /* the modules' confs in force, by slot   */
    struct value       *values; /* variables evaluated so far, by index      */
    struct captures     captures;
    struct list         waits;
    struct post         wake;
    void              (*run)(struct task *); /* the driver                   */
    /* Implements task_fail for this kind of task: stores the status. */
    void              (*fail)(struct task *, unsigned status);
    struct trace       *trace; /* of a dry run (core/event/trace.h), or NULL */
    enum serves         kind;
    bool                is_ended;
    bool                has_bad_value; /* a variable could not be evaluated
                                          (var_fail): the driver fails the task,
                                          whatever was decided by the value */
};

/* The prefix of its log lines at level debug. */
static inline const char *
task_protocol(const struct task *t)
{
    return t->kind == FOR_HTTP ? "http" : "stream";
}

/* Fills a zeroed task; arena, loop, log, conn, gen, conf, run and kind are
 * the caller's to set. */
void task_init(struct task *t);

/* Posts the task: run is called in this turn.  Nothing happens to a task that
 * has ended. */
void task_wake(struct task *t);

/* Registers w.  When the wait is over, its owner calls wait_end and wakes the
 * task. */
void wait_start(struct task *t, struct wait *w,
                void (*cancel)(struct wait *));
void wait_end(struct wait *w);
static inline bool
wait_is_on(const struct wait *w)
{
    return w->link.next != NULL && w->link.next != &w->link;
}

/* Cancels all waits (each is out of the list when its cancel is called, and
 * may touch the others) and a posted wake-up: nothing calls the task any more.
 * Its memory is the owner's, to be freed by loop_reap. */
void task_end(struct task *t);

/* The same for a task that continues with something else. */
void task_restart(struct task *t);

/* Refuses any kind of task: stores the HTTP status and returns STEP_FAIL. */
static inline enum step
task_fail(struct task *t, unsigned status)
{
    t->fail(t, status);
    return STEP_FAIL;
}
