/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opens what a configuration names, after it has been read completely: errors
 * here have no position in the configuration, and -t has already reported that
 * the syntax is ok.
 */
#include "core/proc/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "core/event/bell.h"
#include "core/log/target.h"
#include "core/shm/counters.h"
#include "core/shm/tallies.h"
#include "core/shm/seen.h"
#include "core/upstream/answers.h"
#include "core/upstream/health.h"
#include "core/shm/registry.h"

enum { PID_MODE = 0644 };


static bool
check_events(const struct generation *g, const struct log *log)
{
    const struct events_conf *e = events_conf_of(g);

    if (e == NULL) {
        log_at(log, LEVEL_EMERG, 0, "no \"events\" section in configuration");
        return false;
    }
    if (e->connections < g->listeners.n + 1) {
        log_at(log, LEVEL_EMERG, 0,
               "%llu worker_connections are not enough for %zu listening "
               "sockets",
               (unsigned long long) e->connections, g->listeners.n);
        return false;
    }
    return true;
}


struct generation *
setup_read(const struct setup *s, const struct log *log)
{
    return generation_read(&s->paths, log);
}


struct generation *
setup_read_image(const struct setup *s, const struct log *log)
{
    return generation_read_image(&s->paths, log);
}


/* Under -t it is only opened.  At the start it is written later, by the
 * process that stays.  Links are not followed, since they could lead to
 * anyone's file. */
static bool
open_pid(const struct generation *g, bool is_test, const struct log *log)
{
    const char *path = process_conf_of(g)->pid.p;
    int         flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
    char        text[24];
    int         fd, n;
    bool        is_written = true;

    fd = open(path, is_test ? flags : flags | O_TRUNC, PID_MODE);
    if (fd == -1) {
        log_at(log, LEVEL_EMERG, errno, "open() \"%s\" failed", path);
        return false;
    }
    if (!is_test) {
        n = snprintf(text, sizeof(text), "%d\n", (int) getpid());
        is_written = write(fd, text, (size_t) n) == n;
        if (!is_written)
            log_at(log, LEVEL_EMERG, errno, "write() to \"%s\" failed", path);
    }
    close(fd);
    return is_written;
}


bool
setup_write_pid(const struct generation *g, const struct log *log)
{
    return open_pid(g, false, log);
}


static void
remove_file(const char *path, const struct log *log)
{
    if (unlink(path) == -1)
        log_at(log, LEVEL_ALERT, errno, "unlink() \"%s\" failed", path);
}


void
setup_remove_pid(const struct generation *g, const struct log *log)
{
    remove_file(process_conf_of(g)->pid.p, log);
}


str_t
setup_old_pid(const struct generation *g, struct arena *a)
{
    return str_join(a, process_conf_of(g)->pid, STR(".oldbin"));
}


static bool
is_pid_moved(const struct generation *g, const struct generation *old)
{
    return !str_eq(process_conf_of(g)->pid, process_conf_of(old)->pid);
}


bool
setup_open(const struct setup *s, struct generation *g, struct generation *old,
           const struct log *log)
{
    bool               is_test = s->options.test;
    const listeners_t *before = old ? &old->listeners : &s->inherited;
    struct log_targets named;
    struct log         own = { .targets = &named };

    if (!check_events(g, log) || (is_test && !open_pid(g, true, log)))
        return false;
    if (!generation_open_files(g, log))
        return false;
    /* Now it is logged where the configuration says, and on standard error,
     * which gets warnings whatever the level of the files. */
    named = *g->log;
    if (named.level < LEVEL_WARN)
        named.level = LEVEL_WARN;
    log = &own;
    if (!folders_make(g, log))
        return false;
    if (old != NULL && is_pid_moved(g, old) && !open_pid(g, false, log))
        return false;
    if (old == NULL && !is_test
        && (!counters_share(log) || !seen_share(log) || !bell_hang(log)
            || !tallies_share(log) || !answers_share(log)
            || !health_share(log)))
        return false;
    if (!zones_open(g, old, is_test, log))
        return false;
    if (!listeners_open(g->arena, &g->listeners, before, is_test,
                        process_conf_of(g)->workers, log))
        return false;
    if (!is_test)
        listeners_configure(&g->listeners, log);
    return true;
}


void
setup_release(struct generation *old, const struct generation *g,
              const struct log *log)
{
    listeners_close_unused(&old->listeners, &g->listeners, log);
    if (is_pid_moved(g, old))
        setup_remove_pid(old, log);
}


static const struct log_target *
find_file(const struct log_targets *targets)
{
    for (unsigned i = 0; i < targets->n; i++)
        if (targets->at[i]->kind == TARGET_STDERR
            || targets->at[i]->kind == TARGET_FILE)
            return targets->at[i];
    return NULL;
}


void
setup_redirect_stderr(const struct generation *g, const struct log *log)
{
    const struct log_target *t = find_file(g->log);

    if (g->uses_stderr || t == NULL || t->kind == TARGET_STDERR
        || t->file->fd == -1)
        return;
    if (dup2(t->file->fd, STDERR_FILENO) == -1)
        log_at(log, LEVEL_ALERT, errno, "dup2(STDERR) failed");
}
