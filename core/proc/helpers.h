/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The processes that modules have beside the workers (struct helper).
 */
#pragma once

#include <sys/types.h>

#include "core/base/number.h"
#include "core/conf/module.h"

enum { HELPERS_MAX = 64 };

struct master;

struct helper_child {
    const struct helper *what;
    pid_t                pid;  /* 0: it is to be started again               */
    bool                 is_old; /* told to end                              */
    msec_t               start_at;
};

struct helpers {
    struct helper_child at[HELPERS_MAX];
    unsigned            n;
};

/* Starts those of m->gen, beside those that were told to end. */
void helpers_start(struct master *m);
/* Sends a signal to all; those that end because of it are not replaced. */
void helpers_signal(struct master *m, int number);
/* Whether it was one of them that has ended with that status.  One that was
 * killed is started again after a moment. */
bool helpers_ended(struct master *m, pid_t pid, int status);
/* When the next one is to be started; (msec_t) -1: none. */
msec_t helpers_next(const struct master *m);
void   helpers_work(struct master *m);
