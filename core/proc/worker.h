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

/* A child of the master; comes from fork and ends by exit. */
_Noreturn void worker_main(const struct worker_start *start);

/* The single process: reads and opens new configurations itself.  Returns when
 * it is told to end. */
void worker_alone(const struct worker_start *start);
