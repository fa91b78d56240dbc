/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starting workers, and what is done when one ends.
 */
#include "core/proc/crew.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/conf/image.h"
#include "core/net/counters.h"
#include "core/os/clock.h"
#include "core/proc/channel.h"
#include "core/proc/control.h"

enum {
    READY_MS = 2000, /* wait for new workers to accept, before old ones are
                        told to end                                      */
    QUICK_MS = 1000, /* ending earlier than this is a quick end          */
    QUICK_ENDS = 5,  /* after so many in a row, the worker is restarted  */
    PAUSE_MS = 1000, /* ... only after this pause                        */
};


void
crew_leave(struct master *m)
{
    await_leave(&m->await);
    control_leave();
    outcome_leave();
    for (unsigned i = 0; i < m->children.n; i++)
        if (m->children.at[i].channel != -1)
            close(m->children.at[i].channel);
    if (m->before != NULL) {
        listeners_close_foreign(&m->before->listeners, &m->gen->listeners);
        generation_put(m->before);
    }
}


/* In the child: drops what only the master needs, and passes on what the
 * worker needs. */
static _Noreturn void
run_worker(struct master *m, const struct child *it, int channel, int ready_fd)
{
    struct worker_start start = { .setup = m->setup,
                                  .gen = m->gen,
                                  .number = it->number,
                                  .row = it->row,
                                  .holds = it->holds,
                                  .ready_fd = ready_fd,
                                  .channel = channel,
                                  .master = getppid() };

    images_become(it->holder);
    crew_leave(m);
    listeners_keep_own(&m->gen->listeners, it->number);
    worker_main(&start);
}


/* What is needed for a child besides the process.  The worker's end of the
 * channel; -1: none, and it cannot be told anything. */
static int
equip(struct child *it)
{
    int ends[2] = { -1, -1 };

    if (it->row == NULL)
        it->row = counters_take();
    if (it->holds == NULL)
        it->holds = holds_take();
    it->holder = images_holder_new();
    if (!channel_open(ends))
        ends[0] = ends[1] = -1;
    it->channel = ends[0];
    return ends[1];
}


static void
strip(struct child *it)
{
    counters_put(it->row);
    it->row = NULL;
    holds_put(it->holds);
    it->holds = NULL;
    images_holder_free(it->holder);
    it->holder = -1;
    if (it->channel != -1)
        close(it->channel);
    it->channel = -1;
}


static void
spawn(struct master *m, struct child *it, const int *ready)
{
    int channel = equip(it);

    it->started_at = clock_fresh_ms();
    it->pid = fork();
    if (it->pid == 0) {
        if (ready != NULL)
            close(ready[0]);
        run_worker(m, it, channel, ready ? ready[1] : -1);
    }
    if (channel != -1)
        close(channel);
    if (it->pid == -1) {
        log_at(&m->log, LEVEL_ALERT, errno,
               "fork() failed while spawning \"worker process\"");
        strip(it);
        it->pid = 0;
        it->start_again_at = it->started_at + PAUSE_MS;
        return;
    }
    log_at(&m->log, LEVEL_NOTICE, 0, "start worker process %d", (int) it->pid);
}


/* Each child writes a byte when it accepts, and closes its end, at the latest
 * when it ends.  Returns how many accept. */
static unsigned
await_ready(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    char          bytes[64];
    unsigned      total = 0;
    ssize_t       n;
    msec_t        end = clock_fresh_ms() + READY_MS, now;

    while ((now = clock_fresh_ms()) < end && poll(&p, 1, (int) (end - now)) > 0)
    {
        n = read(fd, bytes, sizeof(bytes));
        if (n <= 0)
            break;
        total += (unsigned) n;
    }
    return total;
}


/* Whether a worker of that number has taken over the next generation. */
static bool
is_ready(const struct children *c, unsigned number)
{
    for (unsigned i = 0; i < c->n; i++)
        if (c->at[i].is_ready && c->at[i].number == number)
            return true;
    return false;
}


unsigned
crew_missing(const struct master *m, const struct generation *g)
{
    unsigned n = 0;

    for (unsigned i = 0; i < process_conf_of(g)->workers; i++)
        n += !is_ready(&m->children, i);
    return n;
}


static void
start_missing(struct master *m, const int *ready)
{
    struct children *c = &m->children;

    for (unsigned i = 0; i < process_conf_of(m->gen)->workers; i++) {
        struct child *it = &c->at[c->n];

        if (is_ready(c, i) || c->n == CHILDREN_MAX)
            continue;
        c->n++;
        *it = (struct child){ .number = i, .holder = -1, .channel = -1 };
        spawn(m, it, ready);
    }
}


unsigned
crew_start(struct master *m)
{
    unsigned accepting = crew_missing(m, m->gen);
    int      ready[2] = { -1, -1 };
    bool     has_pipe = pipe2(ready, O_CLOEXEC) == 0;

    log_at(&m->log, LEVEL_NOTICE, 0, "start worker processes");
    start_missing(m, has_pipe ? ready : NULL);
    if (has_pipe) {
        close(ready[1]);
        accepting = await_ready(ready[0]);
        close(ready[0]);
    }
    return accepting;
}


void
crew_forget(struct master *m, struct child *it)
{
    strip(it);
    *it = m->children.at[--m->children.n];
}


/* Replaces a worker that has ended: at once, unless it does so again and
 * again. */
void
crew_restart(struct master *m, struct child *it)
{
    spawn(m, it, NULL);
    if (it->row != NULL)
        it->row[WORKERS_RESPAWNED]++;
}


static void
replace(struct master *m, struct child *it)
{
    msec_t now = clock_fresh_ms();

    strip(it);
    it->quick_ends = now - it->started_at < QUICK_MS ? it->quick_ends + 1 : 0;
    it->pid = 0;
    it->start_again_at = it->quick_ends < QUICK_ENDS ? now : now + PAUSE_MS;
    if (it->start_again_at == now)
        crew_restart(m, it);
}


void
crew_ended(struct master *m, struct child *it, int status)
{
    children_log_end("worker process", it->pid, status, &m->log);
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FATAL && !it->is_old) {
        log_at(&m->log, LEVEL_ALERT, 0,
               "worker process %d exited with fatal code %d and cannot be "
               "respawned",
               (int) it->pid, EXIT_FATAL);
        it->is_old = true;
    }
    if (it->is_old || m->is_quitting || m->is_terminating)
        crew_forget(m, it);
    else
        replace(m, it);
}


void
crew_drop_pending(struct master *m)
{
    for (unsigned i = m->children.n; i > 0; i--)
        if (m->children.at[i - 1].pid == 0)
            crew_forget(m, &m->children.at[i - 1]);
}


void
crew_quit(struct master *m)
{
    crew_drop_pending(m);
    children_signal(&m->children, SIGQUIT, &m->log);
    helpers_signal(m, SIGQUIT);
}
