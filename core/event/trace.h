/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports of a dry run.  A task with a trace takes the same way through the
 * same code as any other, and reports at each decision what was decided and
 * why.  It contacts no server and writes no logs.  Without a trace, a decision
 * costs a look at one pointer.
 */
#pragma once

#include "core/event/task.h"

#define TRACE_KINDS(X)                                                         \
    X(SERVER, "server")         /* the server chosen by name                 */ \
    X(CLIENT, "client")         /* the client's address, by realip           */ \
    X(REWRITE, "rewrite")       /* a rule of the rewrite module              */ \
    X(VALUE, "value")           /* a variable's value from a table           */ \
    X(LOCATION, "location")                                                    \
    X(REDIRECT, "redirect")     /* internal, to a URI or named location      */ \
    X(ACCESS, "access")         /* access rules and limits                   */ \
    X(FILE, "file")             /* a file that was looked up                 */ \
    X(CONTENT, "content")       /* the handler                               */ \
    X(SUBREQUEST, "subrequest")                                                \
    X(UPSTREAM, "upstream")     /* the request to an upstream                */ \
    X(HEADER, "header")         /* a response header, by configuration       */ \
    X(LOG, "log")                                                              \
    X(ERROR, "error log")       /* a line of the error log                   */ \
    X(END, "end")               /* the end of the request                    */

enum trace_kind {
#define X(name, text) TRACE_##name,
    TRACE_KINDS(X)
#undef X
};

struct trace_event {
    enum trace_kind kind;
    const char     *verdict; /* a word or two: "matched", "lost"             */
    str_t           what;    /* the subject                                  */
    const char     *why;     /* or NULL                                      */
    const char     *file;    /* the place of the directive, or NULL          */
    unsigned        line;
};

struct trace {
    void   (*tell)(struct trace *, struct task *, const struct trace_event *);
    unsigned     status;   /* assumed status of upstreams                    */
    const str_t *answer;   /* headers, "Name: value", of the first           */
    size_t       n_answer; /* assumed answer to the main request             */
};

static inline bool
task_is_dry(const struct task *t)
{
    return t->trace != NULL;
}

/* Reports a decision by the directive at file:line (or NULL, 0); only for tasks
 * with a trace.  The text is printf's. */
void trace_tell(struct task *t, enum trace_kind kind, const char *verdict,
                const char *file, unsigned line, const char *why,
                const char *fmt, ...) __attribute__((format(printf, 7, 8)));
