/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A serving process: a worker, or the only process (master_process off).
 */
#pragma once

#include "core/net/worker.h"
#include "core/proc/setup.h"

enum { EXIT_FATAL = 2 }; /* exit code of a worker: restarting it would not
                            help                                             */

struct worker_start {
    struct setup      *setup;
    struct generation *gen;
    unsigned           number;
    struct holds      *holds; /* NULL: it tells nobody                       */
    uint64_t          *row;      /* of counters; NULL: none was free         */
    int                ready_fd; /* closed when it accepts                   */
    int                channel;  /* to the master; -1: none                  */
    pid_t              master;
};

/* Calls the modules' process_start and, in reverse order, process_stop; *n
 * counts those that have started.  False: one has failed and logged why. */
bool modules_start(struct worker *w, unsigned *n);
void modules_stop(struct worker *w, unsigned *n);
/* Tells the modules about a new generation. */
bool modules_adopt(struct worker *w, struct generation *g);

/* Runs a subcommand that needs a worker; returns the exit code. */
int worker_dry(struct setup *s, const struct command *c, char **argv);

/* Switches to the workers' user, if the process is root; false: logged. */
bool worker_become_user(const struct user *u, const struct log *log);

/* The child of a fork of the master; never returns. */
_Noreturn void worker_main(const struct worker_start *start);

/* The single process: reads and opens new configurations itself.  Returns when
 * it is told to end. */
void worker_alone(const struct worker_start *start);
