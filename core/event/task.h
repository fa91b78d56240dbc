/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A task is the common ancestor of an HTTP request and a stream session, as
 * their first member.  Variables, expressions, access rules, limits, logging
 * and balancers take a task, so that they are written once.
 *
 * What a task waits for is an object in its list; ending the task cancels
 * all.  Waking a task posts it: its current step is called again, from the
 * loop and never from inside another handler.
 */
#pragma once

#include "core/base/arena.h"
#include "core/base/step.h"
#include "core/event/loop.h"
#include "core/log/log.h"

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
    struct generation  *gen;  /* that it runs under; its owner counts it     */
    struct conf_page *const *conf; /* the modules' confs in force, by slot   */
    struct value       *values; /* variables evaluated so far, by index      */
    struct captures     captures;
    struct list         waits;
    struct post         wake;
    void              (*run)(struct task *); /* the driver                   */
    /* Answers task_fail for this kind of task: remembers the status. */
    void              (*fail)(struct task *, unsigned status);
    struct trace       *trace; /* of a dry run (core/event/trace.h), or NULL */
    enum serves         kind;
    bool                is_ended;
    bool                has_bad_value; /* it read a variable that could not be
                                          told (var_fail): its driver fails it,
                                          whatever was decided by the value  */
};

/* As lines of the log at level debug begin. */
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

/* Registers w; its owner calls wait_end when it is over and then wakes the
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

/* The same for a task that goes on with something else. */
void task_restart(struct task *t);

/* A refusal that any kind of task understands: STEP_FAIL, with the HTTP
 * status remembered by the kind. */
static inline enum step
task_fail(struct task *t, unsigned status)
{
    t->fail(t, status);
    return STEP_FAIL;
}
