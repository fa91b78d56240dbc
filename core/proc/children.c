/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals to children, and the log lines about how they ended.
 */
#include "core/proc/children.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>


void
children_signal(struct children *c, int number, const struct log *log)
{
    for (unsigned i = 0; i < c->n; i++) {
        struct child *it = &c->at[i];

        if (it->pid == 0 || (it->is_old && number == SIGQUIT))
            continue;
        if (number != SIGUSR1)
            it->is_old = true;
        if (kill(it->pid, number) == -1 && errno != ESRCH)
            log_at(log, LEVEL_ALERT, errno, "kill(%d, %d) failed",
                   (int) it->pid, number);
    }
}


void
children_log_end(const char *name, pid_t pid, int status, const struct log *log)
{
    if (WIFSIGNALED(status))
        log_at(log, LEVEL_ALERT, 0, "%s %d exited on signal %d%s", name,
               (int) pid, WTERMSIG(status),
               WCOREDUMP(status) ? " (core dumped)" : "");
    else
        log_at(log, LEVEL_NOTICE, 0, "%s %d exited with code %d", name,
               (int) pid, WEXITSTATUS(status));
}
