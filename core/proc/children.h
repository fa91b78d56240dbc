/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The processes started by the master.
 */
#pragma once

#include "core/base/number.h"
#include "core/proc/holds.h"
#include "core/proc/worker.h"

enum { CHILDREN_MAX = 1024 };

struct child {
    pid_t         pid;    /* 0: it has ended, and will be started again   */
    unsigned      number; /* of the worker                                */
    uint64_t     *row;    /* of counters                                  */
    struct holds *holds;
    int           channel; /* to it, -1: none                             */
    int           holder;  /* images_holder_new; -1: it takes over no
                              generation                                  */
    bool          is_ready; /* it has taken over the next generation      */
    bool          is_old; /* of an earlier generation: told to end        */
    msec_t        started_at, start_again_at;
    unsigned      quick_ends; /* in a row                                     */
};

struct children {
    struct child at[CHILDREN_MAX];
    unsigned     n;
};

/* Sends a signal to all that run; those that end because of it are marked as
 * old. */
void children_signal(struct children *c, int number, const struct log *log);

/* Logs how a child ended. */
void children_log_end(const char *name, pid_t pid, int status,
                      const struct log *log);
