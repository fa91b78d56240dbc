/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The master handles one signal at a time.  Its state is the generation in
 * force, the children, and the requests that it has received.
 */
#include "core/proc/master.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/conf/image.h"
#include "core/net/counters.h"
#include "core/os/clock.h"
#include "core/os/title.h"
#include "core/proc/control.h"
#include "core/proc/handover.h"
#include "core/proc/reload.h"
#include "core/proc/status.h"
#include "core/shm/registry.h"

enum {
    KILL_MS = 1000, /* between TERM and KILL                            */
};

static struct master master;


/* --- upgrades -------------------------------------------------------------- */

static void
rename_pid(struct master *m, bool is_back)
{
    struct arena *a = arena_new(0);
    const char   *path = process_conf_of(m->gen)->pid.p;
    const char   *old = setup_old_pid(m->gen, a).p;
    const char   *from = is_back ? old : path, *to = is_back ? path : old;

    if (rename(from, to) == -1)
        log_at(&m->log, LEVEL_ALERT, errno, "rename() %s to %s failed", from,
               to);
    control_rename(to, &m->log);
    arena_free(a);
}


static _Noreturn void
execute(struct master *m)
{
    struct arena *a = m->setup->arena;
    str_t         fds = listeners_export(a, &m->gen->listeners);
    const char   *own[]
        = { str_join(a, STR("NGINX="), fds).p, zones_export(a).p, NULL };

    signals_unblock();
    execve(m->setup->program.p, m->setup->argv,
           environment_make(m->gen, a, own));
    log_at(&m->log, LEVEL_ALERT, errno,
           "execve() failed while executing new binary process \"%s\"",
           m->setup->program.p);
    _exit(1);
}


static void
change_binary(struct master *m)
{
    log_at(&m->log, LEVEL_NOTICE, 0, "changing binary");
    rename_pid(m, false);
    m->new_binary = fork();
    if (m->new_binary == 0)
        execute(m);
    if (m->new_binary == -1) {
        log_at(&m->log, LEVEL_ALERT, errno,
               "fork() failed while spawning \"new binary process\"");
        m->new_binary = 0;
        rename_pid(m, true);
        return;
    }
    log_at(&m->log, LEVEL_NOTICE, 0, "start new binary process %d",
           (int) m->new_binary);
}


static void
on_binary_end(struct master *m, int status)
{
    children_log_end("new binary process", m->new_binary, status, &m->log);
    m->new_binary = 0;
    rename_pid(m, true);
    if (m->no_workers && !m->is_quitting && !m->is_terminating) {
        m->no_workers = false;
        crew_start(m);
        helpers_start(m);
    }
}


/* --- signals ------------------------------------------------------------- */

static void
reap(struct master *m)
{
    int   status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        unsigned i;

        if (pid == m->new_binary) {
            on_binary_end(m, status);
            continue;
        }
        for (i = 0; i < m->children.n && m->children.at[i].pid != pid; i++)
            continue;
        if (i < m->children.n)
            crew_ended(m, &m->children.at[i], status);
        else if (!helpers_ended(m, pid, status))
            children_log_end("unknown process", pid, status, &m->log);
    }
}


static void
reopen(struct master *m)
{
    uid_t owner = geteuid() == 0 ? process_conf_of(m->gen)->user.uid
                                 : LOG_OWNER_KEPT;

    log_at(&m->log, LEVEL_NOTICE, 0, "reopening logs");
    log_files_reopen(owner, &m->log);
    setup_redirect_stderr(m->gen, &m->log);
    children_signal(&m->children, SIGUSR1, &m->log);
    helpers_signal(m, SIGUSR1);
}


static void
terminate(struct master *m)
{
    if (!m->is_terminating)
        m->kill_at = clock_fresh_ms() + KILL_MS;
    m->is_terminating = true;
    renew_stop(m);
    crew_drop_pending(m);
    children_signal(&m->children, SIGTERM, &m->log);
    helpers_signal(m, SIGTERM);
}


static bool
may_change_binary(const struct master *m)
{
    return m->new_binary == 0
           && !(m->setup->is_inherited && getppid() == m->setup->parent);
}


static const char *
action_of(const struct master *m, int number)
{
    switch (number) {
    case SIGQUIT:
        return ", shutting down";
    case SIGTERM:
    case SIGINT:
        return ", exiting";
    case SIGWINCH:
        return m->setup->is_daemon ? ", stop accepting connections" : "";
    case SIGHUP:
        return ", reconfiguring";
    case SIGUSR1:
        return ", reopening logs";
    case SIGUSR2:
        return may_change_binary(m) ? ", changing binary" : ", ignoring";
    default:
        return "";
    }
}


static void
hang_up(struct master *m)
{
    if (m->is_quitting || m->is_terminating)
        return;
    if (m->new_binary == 0) {
        master_reload(m, false);
        return;
    }
    /* Abandons an upgrade: the old binary continues. */
    if (m->no_workers) {
        crew_start(m);
        helpers_start(m);
    }
    m->no_workers = false;
}


static void
obey(struct master *m, const struct signal_info *info)
{
    signals_log(info, action_of(m, info->number), &m->log);
    switch (info->number) {
    case SIGCHLD:
        reap(m);
        break;
    case SIGTERM:
    case SIGINT:
        terminate(m);
        break;
    case SIGQUIT:
        m->is_quitting = true;
        renew_stop(m);
        crew_quit(m);
        break;
    case SIGHUP:
        hang_up(m);
        break;
    case SIGUSR1:
        reopen(m);
        break;
    case SIGUSR2:
        if (may_change_binary(m))
            change_binary(m);
        else
            log_at(&m->log, LEVEL_CRIT, 0,
                   "the changing binary signal is ignored: you should "
                   "shutdown or terminate before either old or new "
                   "binary's process");
        break;
    case SIGWINCH:
        if (m->setup->is_daemon) {
            m->no_workers = true;
            crew_quit(m);
        }
        break;
    default:
        break;
    }
}


/* --- the control socket ------------------------------------------------------ */

static const char *
on_reload(bool explains)
{
    struct master *m = &master;

    if (m->is_quitting || m->is_terminating)
        return "the server is shutting down";
    if (m->new_binary != 0)
        return "the binary is being changed";
    log_at(&m->log, LEVEL_NOTICE, 0, "reload asked for, reconfiguring");
    master_reload(m, explains);
    return NULL;
}


static void
on_status(struct json_text *t)
{
    const struct master *m = &master;
    struct status        s = { .arena = t->arena,
                               .generation = m->gen->number,
                               .reload = &m->outcome };

    status_generation(&s, m->gen->number, m->gen->since);
    for (unsigned i = 0; i < m->children.n; i++) {
        const struct child *it = &m->children.at[i];

        if (it->pid != 0)
            status_add(&s, it);
    }
    status_put(t, &s);
}


static const char *
on_pass(int fd, str_t line)
{
    return handover_ask(&master.children, fd, line) ? NULL
                                                    : "no worker can answer";
}


static void
on_control(struct awaited *a)
{
    (void) a;
    control_serve();
}


/* --- time ------------------------------------------------------------------ */

/* The time until something has to be done. */
static msec_t
time_left(const struct master *m)
{
    msec_t now = clock_fresh_ms(), at = renew_next(m);

    if (helpers_next(m) < at)
        at = helpers_next(m);
    if (m->is_terminating && !m->is_killing && m->kill_at < at)
        at = m->kill_at;
    for (unsigned i = 0; i < m->children.n; i++)
        if (m->children.at[i].pid == 0 && m->children.at[i].start_again_at < at)
            at = m->children.at[i].start_again_at;
    if (at == (msec_t) -1)
        return at;
    return at > now ? at - now : 0;
}


static void
do_what_is_due(struct master *m)
{
    msec_t now = clock_fresh_ms();

    if (m->is_terminating && !m->is_killing && now >= m->kill_at) {
        m->is_killing = true;
        children_signal(&m->children, SIGKILL, &m->log);
        helpers_signal(m, SIGKILL);
    }
    for (unsigned i = 0; i < m->children.n; i++)
        if (m->children.at[i].pid == 0
            && m->children.at[i].start_again_at <= now)
            crew_restart(m, &m->children.at[i]);
    helpers_work(m);
    renew_work(m);
}


/* If a new binary runs, it keeps the pid file and the unix sockets. */
static void
finish(struct master *m)
{
    struct arena *a = arena_new(0);

    control_close();
    if (m->new_binary != 0) {
        if (unlink(setup_old_pid(m->gen, a).p) == -1)
            log_at(&m->log, LEVEL_ALERT, errno, "unlink() \"%s\" failed",
                   setup_old_pid(m->gen, a).p);
        listeners_close(&m->gen->listeners);
    } else {
        setup_remove_pid(m->gen, &m->log);
        if (m->setup->is_inherited && getppid() == m->setup->parent)
            listeners_close(&m->gen->listeners);
        else
            listeners_close_unused(&m->gen->listeners, NULL, &m->log);
    }
    log_at(&m->log, LEVEL_NOTICE, 0, "exit");
    generation_put(m->gen);
    arena_free(a);
}


static void
begin_control(struct master *m)
{
    static const struct control_ops ops
        = { .reload = on_reload, .status = on_status, .pass = on_pass };

    m->control = (struct awaited){ .fd = control_start(&ops),
                                   .events = POLLIN,
                                   .on_ready = on_control };
    if (m->control.fd != -1)
        await_add(&m->await, &m->control);
}


/* Returns when it was told to end, and all children have ended. */
static void
serve(struct master *m)
{
    struct signal_info info;

    while (!((m->is_quitting || m->is_terminating) && m->children.n == 0
             && m->helpers.n == 0))
    {
        clock_update();
        do_what_is_due(m);
        if (await_next(&m->await, &info, time_left(m))) {
            clock_update();
            obey(m, &info);
        }
    }
}


void
master_run(struct setup *s, struct generation *g,
           void (*on_ready)(const struct setup *s))
{
    struct master *m = &master;
    str_t title = str_join(s->arena, STR("master process "), s->command);

    m->setup = s;
    m->gen = g;
    renew_init(&m->renew);
    m->log = (struct log){ .targets = g->log };
    title_set(log_program, title.p);
    if (!holds_open())
        log_at(&m->log, LEVEL_ALERT, errno, "mmap() of holds failed");
    images_reserve();
    if (await_open(&m->await, &m->log)) {
        crew_start(m);
        helpers_start(m);
        begin_control(m);
        renew_follow(m);
        on_ready(s);
        serve(m);
        await_close(&m->await);
    }
    finish(m);
}
