/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports of a dry run.  A task with a trace takes the same way through the
 * same code as any other, and reports at each decision what was decided and
 * why.  It contacts no server and writes no logs.  Without a trace, a decision
 * costs a look at one pointer.
 */
#pragma once

#include "core/event/task.h"

/* What an event is about: a variable's value from a table, or one of those that
 * a kind of task defines behind it. */
enum { TRACE_VALUE };

struct trace_event {
    unsigned    kind;
    const char *verdict; /* a word or two: "matched", "lost"                 */
    str_t       what;    /* the subject                                      */
    const char *why;     /* or NULL                                          */
    const char *file;    /* the place of the directive, or NULL              */
    unsigned    line;
};

/* Embedded by whoever listens. */
struct trace {
    void (*tell)(struct trace *, struct task *, const struct trace_event *);
};

static inline bool
task_is_dry(const struct task *t)
{
    return t->trace != NULL;
}

/* Reports a decision by the directive at file:line (or NULL, 0); only for tasks
 * with a trace.  The text is printf's. */
void trace_tell(struct task *t, unsigned kind, const char *verdict,
                const char *file, unsigned line, const char *why,
                const char *fmt, ...) __attribute__((format(printf, 7, 8)));
