/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A worker process as the layers above see it: its loop, the configuration it
 * runs on, and its slots for connections (worker_connections).
 *
 * Who opens or is given a connection holds a slot for it.  Connections that
 * are idle are offered for reuse by conn_reusable: when slots run short, the
 * one idle for longest is asked to go: its is_unwanted is set and its on_read
 * called, upon which it closes itself at once.  The same is done to all of
 * them when the worker is told to end gracefully (is_exiting).
 */
#pragma once

#include "core/net/conn.h"
#include "core/net/stats.h"

struct generation;

struct slots {
    unsigned    limit;    /* worker_connections                              */
    unsigned    taken;
    unsigned    n_reusable;
    struct list reusable; /* of conn.reusable, the oldest first              */
    time_t      warned_at;
    void      (*on_free)(void); /* a slot became free after a shortage       */
    bool        is_short; /* somebody was refused since the last on_free     */
};

struct worker {
    struct loop             *loop;
    const struct generation *gen;
    struct stats            *stats;      /* never NULL                       */
    struct log               log;
    struct slots             slots;
    unsigned                 number;     /* 0 to worker_processes - 1        */
    pid_t                    pid;
    bool                     is_exiting; /* gracefully: answer with
                                            Connection: close, keep nothing
                                            alive                            */
};

/* This process's; NULL in the master. */
extern struct worker *worker;

void slots_init(struct slots *s, unsigned limit);

/* Takes a slot, closing connections that are idle when few are left (which is
 * logged).  False when there is none: not logged, see slots_complain. */
bool slots_take(struct worker *w, const struct log *log);
/* Gives one back. */
void slots_release(struct worker *w);
/* The alert for somebody that goes without: "N worker_connections are not
 * enough". */
void slots_complain(const struct worker *w, const struct log *log);

/* A connection that a listener accepted came with its slot and was counted as
 * active: gives both back. */
void slots_release_accepted(struct worker *w);

/* Whether c may be closed for others' sake, from now on.  conn_close is to be
 * preceded by conn_reusable(c, false). */
void conn_reusable(struct conn *c, bool is_reusable);
/* Asks at most n of the idle connections to go, oldest first. */
void slots_close_idle(struct worker *w, unsigned n);
