/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a dry run of a request reports (core/event/trace.h), and what it assumes
 * of the servers that it does not ask.
 */
#pragma once

#include "core/event/trace.h"

#define TRACE_KINDS(X)                                                         \
    X(SERVER, "server")         /* the server chosen by name                 */ \
    X(CLIENT, "client")         /* the client's address, by realip           */ \
    X(REWRITE, "rewrite")       /* a rule of the rewrite module              */ \
    X(LOCATION, "location")                                                    \
    X(REDIRECT, "redirect")     /* internal, to a URI or named location      */ \
    X(ACCESS, "access")         /* access rules and limits                   */ \
    X(FILE, "file")             /* a file that was looked up                 */ \
    X(CONTENT, "content")       /* the handler                               */ \
    X(SUBREQUEST, "subrequest")                                                \
    X(CACHE, "cache")           /* what is stored, and may be                */ \
    X(UPSTREAM, "upstream")     /* the request to an upstream                */ \
    X(HEADER, "header")         /* a response header, by configuration       */ \
    X(LOG, "log")                                                              \
    X(ERROR, "error log")       /* a line of the error log                   */ \
    X(END, "end")               /* the end of the request                    */

enum http_trace_kind {
    TRACE_SHARED = TRACE_VALUE, /* what any kind of task has */
#define X(name, text) TRACE_##name,
    TRACE_KINDS(X)
#undef X
};

/* The trace of each task whose worker is in a dry run. */
struct http_trace {
    struct trace trace;    /* first */
    unsigned     status;   /* assumed of upstreams                           */
    const str_t *answer;   /* headers, "Name: value", of the first           */
    size_t       n_answer; /* assumed answer to the main request             */
};

static inline struct http_trace *
http_trace_of(const struct task *t)
{
    return container_of(t->trace, struct http_trace, trace);
}
