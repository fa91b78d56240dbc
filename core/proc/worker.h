/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Serving: a worker process, or the only process (master_process off).
 */
#pragma once

#include "core/net/worker.h"
#include "core/proc/setup.h"

enum { EXIT_FATAL = 2 }; /* a worker's: starting another would not help      */

struct worker_start {
    struct setup      *setup;
    struct generation *gen;
    unsigned           number;
    struct stats      *row;      /* NULL: none was free                      */
    int                ready_fd; /* closed when it accepts                   */
    pid_t              master;
};

/* The modules' part of a process' start and, the last one first, of its end;
 * *n counts those that have started.  False: one has logged why it cannot. */
bool modules_start(struct worker *w, unsigned *n);
void modules_stop(struct worker *w, unsigned *n);
/* ... and of the beginning of a generation. */
bool modules_adopt(struct worker *w, struct generation *g);
/* The master's, of a worker that has ended. */
void modules_worker_ended(const struct generation *g, pid_t pid);

/* Runs a subcommand that wants a worker; the exit code. */
int worker_dry(struct setup *s, const struct command *c, char **argv);

/* Becomes the workers' user, where the process is root; false: logged. */
bool worker_become_user(const struct user *u, const struct log *log);

/* A child of the master; comes from fork and ends by exit. */
_Noreturn void worker_main(const struct worker_start *start);

/* The single process: reads and opens new configurations itself.  Returns when
 * it is told to end. */
void worker_alone(const struct worker_start *start);
