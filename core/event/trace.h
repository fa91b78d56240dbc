/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a dry run tells.  A task with a trace goes the way that it would go,
 * through the same code, and says at each fork what was decided and why; it
 * contacts nobody, and writes no logs.  Tasks of a server have none: the cost
 * of a fork is a look at a pointer.
 */
#pragma once

#include "core/event/task.h"

#define TRACE_KINDS(X)                                                         \
    X(SERVER, "server")         /* which of the address's names              */ \
    X(CLIENT, "client")         /* its address, as a proxy gives it          */ \
    X(REWRITE, "rewrite")       /* a rule of the rewrite module              */ \
    X(VALUE, "value")           /* of a variable that a table gives          */ \
    X(LOCATION, "location")                                                    \
    X(REDIRECT, "redirect")     /* inside: to another URI or named location  */ \
    X(ACCESS, "access")         /* may it, and how much                      */ \
    X(FILE, "file")             /* looked for                                */ \
    X(CONTENT, "content")       /* who answers                               */ \
    X(SUBREQUEST, "subrequest")                                                \
    X(UPSTREAM, "upstream")     /* what would be asked of whom               */ \
    X(HEADER, "header")         /* of the response, by configuration         */ \
    X(LOG, "log")                                                              \
    X(ERROR, "error log")       /* a line of it                              */ \
    X(END, "end")               /* it is over                                */

enum trace_kind {
#define X(name, text) TRACE_##name,
    TRACE_KINDS(X)
#undef X
};

struct trace_event {
    enum trace_kind kind;
    const char     *verdict; /* a word or two: "matched", "lost"             */
    str_t           what;    /* that it was about                            */
    const char     *why;     /* or NULL                                      */
    const char     *file;    /* where that stands; NULL: nowhere             */
    unsigned        line;
};

struct trace {
    void   (*tell)(struct trace *, struct task *, const struct trace_event *);
    unsigned     status;   /* what upstreams are taken to answer with        */
    const str_t *answer;   /* fields, "Name: value", of the first of them    */
    size_t       n_answer; /* that answers the main request                  */
};

static inline bool
task_is_dry(const struct task *t)
{
    return t->trace != NULL;
}

/* Tells of what stands at file:line (or NULL, 0); to be called for tasks with
 * a trace only.  The text is printf's. */
void trace_tell(struct task *t, enum trace_kind kind, const char *verdict,
                const char *file, unsigned line, const char *why,
                const char *fmt, ...) __attribute__((format(printf, 7, 8)));
