/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The processes that a master has started.
 */
#pragma once

#include "core/base/number.h"
#include "core/proc/worker.h"

enum { CHILDREN_MAX = 1024 };

struct child {
    pid_t         pid;    /* 0: it has ended, and is to be started again  */
    unsigned      number; /* of the worker                                */
    struct stats *row;
    bool          is_old; /* of a generation before: told to end          */
    msec_t        started_at, start_again_at;
    unsigned      quick_ends; /* in a row                                     */
};

struct children {
    struct child at[CHILDREN_MAX];
    unsigned     n;
};

/* Sends a signal to all that run; those that leave of themselves on it are
 * marked as old. */
void children_signal(struct children *c, int number, const struct log *log);

/* How many run. */

/* Says how one has ended. */
void children_log_end(const char *name, pid_t pid, int status,
                      const struct log *log);
