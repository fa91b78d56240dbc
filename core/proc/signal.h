/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals are received one by one, and never interrupt: they are blocked in
 * all processes, and read from a descriptor, which the master waits for
 * (await.h), and a worker's loop.
 */
#pragma once

#include "core/event/loop.h"
#include "core/log/log.h"

struct signal_info {
    int   number;
    pid_t sender; /* 0: the kernel                                           */
};

/* Blocks all signals that are handled, and ignores SIGPIPE and SIGSYS. */
void signals_block(void);
/* Restores what a program that is about to be executed expects. */
void signals_unblock(void);

/* A descriptor to read signals from; -1: failed (logged). */
int signals_open(const struct log *log);
/* Reads one; false: there is none. */
bool signals_read(int fd, struct signal_info *out);

/* Logs "signal 1 (SIGHUP) received from 7, reconfiguring"; action begins with
 * the comma, or is empty. */
void signals_log(const struct signal_info *s, const char *action,
                 const struct log *log);
