/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state of the master, and its workers: starting them, and what is done when
 * one ends.  For the files of the master only.
 */
#pragma once

#include "core/proc/await.h"
#include "core/proc/children.h"
#include "core/proc/helpers.h"
#include "core/proc/outcome.h"
#include "core/proc/renew.h"

struct master {
    struct setup      *setup;
    struct generation *gen;
    struct generation *before; /* during a reload, the previous generation;
                                  otherwise NULL                             */
    struct log         log;
    struct children    children;
    struct helpers     helpers;
    pid_t              new_binary; /* 0: none                                */
    bool               no_workers; /* WINCH                                  */
    bool               is_quitting, is_terminating, is_killing;
    msec_t             kill_at;

    struct await          await;
    struct awaited        control;
    struct renew          renew;
    struct reload_outcome outcome; /* of the last reload                     */
};

/* In a child that was forked: drops what only the master needs. */
void crew_leave(struct master *m);
/* Starts the workers of m->gen but for those that are ready to serve it (struct
 * child), and waits a moment for them.  Returns how many of them accept. */
unsigned crew_start(struct master *m);
/* How many that would be. */
unsigned crew_missing(const struct master *m, const struct generation *g);
/* Starts one again. */
void crew_restart(struct master *m, struct child *it);
/* A child is no more, and not to be replaced. */
void crew_forget(struct master *m, struct child *it);
/* A child has ended with that status: it is replaced, unless it was to end. */
void crew_ended(struct master *m, struct child *it, int status);
/* Workers that wait to be started again are no longer wanted. */
void crew_drop_pending(struct master *m);
/* Tells all to end gracefully. */
void crew_quit(struct master *m);
