/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes that are killed at any instruction of what they do.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>


/* A child calls begin, and then change for so many instructions, at which it is
 * killed.  False: it was done before that. */
static inline bool
death_after(void (*begin)(void *), void (*change)(void *), void *arg,
            unsigned steps)
{
    int   status;
    pid_t pid = fork();
    bool  is_stopped;

    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        begin(arg);
        raise(SIGSTOP);
        change(arg);
        raise(SIGSTOP);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    is_stopped = WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP;
    for (unsigned i = 0; is_stopped && i < steps; i++) {
        is_stopped = ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) == 0
                     && waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)
                     && WSTOPSIG(status) == SIGTRAP;
    }
    kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) == pid && !WIFSIGNALED(status))
        continue;
    return is_stopped;
}


/* Whether this process may trace its children. */
static inline bool
death_is_possible(void)
{
    int   status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1)
            _exit(1);
        raise(SIGSTOP);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    if (!WIFSTOPPED(status))
        return false;
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return true;
}
