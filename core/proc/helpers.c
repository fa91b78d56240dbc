/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A helper has no event loop: it works, and sleeps until a signal comes.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/os/clock.h"
#include "core/os/title.h"
#include "core/proc/crew.h"

enum { AGAIN_MS = 1000 };

/* Of the process of a helper. */
static struct log own_log;
static int        own_signals;


/* --- in the helper ------------------------------------------------------------ */

/* False: the process has to end. */
static bool
obey(const struct signal_info *info)
{
    switch (info->number) {
    case SIGUSR1:
        log_files_reopen(LOG_OWNER_KEPT, &own_log);
        return true;
    case SIGQUIT:
    case SIGTERM:
    case SIGINT:
        return false;
    default:
        return true;
    }
}


static bool
pause_for(uint64_t ms)
{
    msec_t             now = clock_fresh_ms(), end = now + ms;
    struct pollfd      p = { .fd = own_signals, .events = POLLIN };
    struct signal_info info;

    for (;;) {
        while (signals_read(own_signals, &info))
            if (!obey(&info))
                return false;
        now = clock_fresh_ms();
        if (now >= end)
            break;
        (void) poll(&p, 1, (int) (end - now));
    }
    clock_update();
    return true;
}


static _Noreturn void
run(struct master *m, const struct helper *what)
{
    const struct helper_run h
        = { .gen = m->gen, .log = &own_log, .wait = pause_for };

    own_log = m->log;
    title_set(log_program, what->title);
    crew_leave(m);
    listeners_close(&m->gen->listeners);
    own_signals = signals_open(&own_log);
    if (own_signals == -1
        || !worker_become_user(&process_conf_of(m->gen)->user, &own_log))
        _exit(EXIT_FATAL);
    clock_update();
    what->run(&h);
    _exit(0);
}


/* --- in the master ------------------------------------------------------------- */

static void
spawn(struct master *m, struct helper_child *it)
{
    it->pid = fork();
    if (it->pid == 0)
        run(m, it->what);
    if (it->pid == -1) {
        log_at(&m->log, LEVEL_ALERT, errno,
               "fork() failed while spawning \"%s\"", it->what->title);
        it->pid = 0;
        it->start_at = clock_fresh_ms() + AGAIN_MS;
        return;
    }
    log_at(&m->log, LEVEL_NOTICE, 0, "start %s %d", it->what->title,
           (int) it->pid);
}


static void
start_of(struct master *m, const struct helper *h)
{
    struct helpers *all = &m->helpers;

    for (; h != NULL && h->title != NULL; h++) {
        if (!h->is_wanted(m->gen) || all->n == HELPERS_MAX)
            continue;
        all->at[all->n] = (struct helper_child){ .what = h };
        spawn(m, &all->at[all->n++]);
    }
}


void
helpers_start(struct master *m)
{
    for (unsigned i = 0; weir_modules[i] != NULL; i++)
        start_of(m, weir_modules[i]->helpers);
}


static void
forget(struct helpers *all, unsigned i)
{
    all->at[i] = all->at[--all->n];
}


void
helpers_signal(struct master *m, int number)
{
    struct helpers *all = &m->helpers;

    for (unsigned i = all->n; i > 0; i--) {
        struct helper_child *it = &all->at[i - 1];

        if (number != SIGUSR1)
            it->is_old = true;
        if (it->pid == 0)
            forget(all, i - 1);
        else if (kill(it->pid, number) == -1 && errno != ESRCH)
            log_at(&m->log, LEVEL_ALERT, errno, "kill(%d, %d) failed",
                   (int) it->pid, number);
    }
}


bool
helpers_ended(struct master *m, pid_t pid, int status)
{
    struct helpers      *all = &m->helpers;
    struct helper_child *it;
    unsigned             i;

    for (i = 0; i < all->n && all->at[i].pid != pid; i++)
        continue;
    if (i == all->n)
        return false;
    it = &all->at[i];
    children_log_end(it->what->title, pid, status, &m->log);
    it->pid = 0;
    it->start_at = clock_fresh_ms() + AGAIN_MS;
    if (it->is_old || WIFEXITED(status))
        forget(all, i);
    return true;
}


msec_t
helpers_next(const struct master *m)
{
    msec_t at = (msec_t) -1;

    for (unsigned i = 0; i < m->helpers.n; i++)
        if (m->helpers.at[i].pid == 0 && m->helpers.at[i].start_at < at)
            at = m->helpers.at[i].start_at;
    return at;
}


void
helpers_work(struct master *m)
{
    msec_t now = clock_fresh_ms();

    for (unsigned i = 0; i < m->helpers.n; i++)
        if (m->helpers.at[i].pid == 0 && m->helpers.at[i].start_at <= now)
            spawn(m, &m->helpers.at[i]);
}
