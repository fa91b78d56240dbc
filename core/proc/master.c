/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The master handles one signal at a time.  Its state is the generation in
 * force, the children, and the requests that it has received.
 */
#include "core/proc/master.h"

#include <errno.h>
#include <fcntl.h>
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
#include "core/proc/await.h"
#include "core/proc/control.h"
#include "core/proc/handover.h"
#include "core/proc/status.h"

enum {
    READY_MS = 2000, /* wait for new workers to accept, before old ones are
                        told to end                                      */
    KILL_MS = 1000,  /* between TERM and KILL                            */
    QUICK_MS = 1000, /* ending earlier than this is a quick end          */
    QUICK_ENDS = 5,  /* after so many in a row, the worker is restarted  */
    PAUSE_MS = 1000, /* ... only after this pause                        */
};

struct master {
    struct setup      *setup;
    struct generation *gen;
    struct generation *before; /* during a reload, the previous generation;
                                  otherwise NULL                             */
    struct log         log;
    struct children    children;
    pid_t              new_binary; /* 0: none                                */
    bool               no_workers; /* WINCH                                  */
    bool               is_quitting, is_terminating, is_killing;
    msec_t             kill_at;

    struct await          await;
    struct awaited        control;
    struct reload_outcome outcome; /* of the last reload                     */
};

static struct master master;


/* --- workers --------------------------------------------------------------- */

/* In the child: drops what only the master needs, and passes on what the
 * worker needs. */
static _Noreturn void
run_worker(struct master *m, const struct child *it, int channel, int ready_fd)
{
    struct worker_start start = { .setup = m->setup,
                                  .gen = m->gen,
                                  .number = it->number,
                                  .row = it->row,
                                  .ready_fd = ready_fd,
                                  .channel = channel,
                                  .master = getppid() };

    await_leave(&m->await);
    control_leave();
    outcome_leave();
    images_become(it->holder);
    for (unsigned i = 0; i < m->children.n; i++)
        if (m->children.at[i].channel != -1)
            close(m->children.at[i].channel);
    if (m->before != NULL) {
        listeners_close_foreign(&m->before->listeners, &m->gen->listeners);
        generation_put(m->before);
    }
    listeners_keep_own(&m->gen->listeners, it->number);
    worker_main(&start);
}


/* What is needed for a child besides the process.  The worker's end of the
 * channel; -1: none, and it cannot take over generations. */
static int
equip(struct child *it)
{
    int ends[2] = { -1, -1 };

    if (it->row == NULL)
        it->row = counters_take();
    it->holder = images_holder_new();
    if (it->holder != -1 && !channel_open(ends))
        ends[0] = ends[1] = -1;
    it->channel = ends[0];
    return ends[1];
}


static void
strip(struct child *it)
{
    counters_put(it->row);
    it->row = NULL;
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
    it->generation = m->gen->number;
    it->since = m->gen->since;
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


/* How many workers of the generation in force are not there so far. */
static unsigned
count_missing(const struct children *c, const struct generation *g)
{
    unsigned n = 0;

    for (unsigned i = 0; i < process_conf_of(g)->workers; i++)
        n += !is_ready(c, i);
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


/* Returns how many of them accept. */
static unsigned
start_workers(struct master *m)
{
    unsigned accepting = count_missing(&m->children, m->gen);
    int  ready[2] = { -1, -1 };
    bool has_pipe = pipe2(ready, O_CLOEXEC) == 0;

    log_at(&m->log, LEVEL_NOTICE, 0, "start worker processes");
    start_missing(m, has_pipe ? ready : NULL);
    if (has_pipe) {
        close(ready[1]);
        accepting = await_ready(ready[0]);
        close(ready[0]);
    }
    return accepting;
}


static void
forget(struct master *m, struct child *it)
{
    strip(it);
    *it = m->children.at[--m->children.n];
}


/* Replaces a worker that has ended: at once, unless it does so again and
 * again. */
static void
replace(struct master *m, struct child *it)
{
    msec_t now = clock_fresh_ms();

    strip(it);
    it->quick_ends = now - it->started_at < QUICK_MS ? it->quick_ends + 1 : 0;
    it->pid = 0;
    it->start_again_at = it->quick_ends < QUICK_ENDS ? now : now + PAUSE_MS;
    if (it->start_again_at == now)
        spawn(m, it, NULL);
}


static void
on_worker_end(struct master *m, struct child *it, int status)
{
    children_log_end("worker process", it->pid, status, &m->log);
    modules_worker_ended(m->gen, it->pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FATAL && !it->is_old) {
        log_at(&m->log, LEVEL_ALERT, 0,
               "worker process %d exited with fatal code %d and cannot be "
               "respawned",
               (int) it->pid, EXIT_FATAL);
        it->is_old = true;
    }
    if (it->is_old || m->is_quitting || m->is_terminating)
        forget(m, it);
    else
        replace(m, it);
}


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
    str_t         own = str_join(a, STR("NGINX="), fds);

    signals_unblock();
    execve(m->setup->program.p, m->setup->argv,
           environment_make(m->gen, a, own.p));
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
        start_workers(m);
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
            on_worker_end(m, &m->children.at[i], status);
        else
            children_log_end("unknown process", pid, status, &m->log);
    }
}


/* Workers that wait to be started again are no longer wanted. */
static void
drop_pending(struct master *m)
{
    for (unsigned i = m->children.n; i > 0; i--)
        if (m->children.at[i - 1].pid == 0)
            forget(m, &m->children.at[i - 1]);
}


static void
quit_workers(struct master *m)
{
    drop_pending(m);
    children_signal(&m->children, SIGQUIT, &m->log);
}


static void
give_up(struct master *m, struct generation *g)
{
    handover_drop(&m->children, g);
    setup_release(g, m->gen, &m->log);
    generation_put(g);
}


/* Reads and opens a new configuration; NULL: logged. */
static struct generation *
read_next(struct master *m, bool in_image)
{
    struct log_targets named;
    struct log         log = outcome_log(&m->log, &named);
    struct generation *g = in_image ? setup_read_image(m->setup, &log)
                                    : setup_read(m->setup, &log);

    if (g == NULL)
        return NULL;
    g->number = m->gen->number + 1;
    m->outcome.is_read = true;
    g->since = clock_seconds();
    if (!setup_open(m->setup, g, m->gen, &m->log)) {
        generation_put(g);
        return NULL;
    }
    if (g->image == NULL || image_seal(g->image))
        return g;
    log_at(&m->log, LEVEL_NOTICE, 0,
           "the configuration is too large to be "
           "handed over");
    give_up(m, g);
    return read_next(m, false);
}


/* Offers the generation to the workers that are there; what keeps them from
 * taking it over is logged.  Returns how it will be served: in place, or because
 * of which directive by new workers. */
static const char *
offer(struct master *m, struct generation *g)
{
    const char *directive = setup_difference(g, m->gen);

    for (unsigned i = 0; i < m->children.n; i++)
        m->children.at[i].is_ready = false;
    if (directive != NULL) {
        log_at(&m->log, LEVEL_NOTICE, 0,
               "\"%s\" has changed: worker processes are replaced", directive);
        return directive;
    }
    if (g->image != NULL
        && handover_offer(&m->children, g, &m->gen->listeners) != 0)
        return "in place";
    log_at(&m->log, LEVEL_NOTICE, 0, "worker processes are replaced");
    return "by new workers";
}


/* Whether there is room for the workers of g that are to be started, beside
 * those that are to end. */
static bool
has_places(const struct master *m, const struct generation *g)
{
    unsigned n = count_missing(&m->children, g);

    if (n <= CHILDREN_MAX - m->children.n)
        return true;
    log_at(&m->log, LEVEL_ALERT, 0,
           "%u worker processes cannot be started beside the %u that are "
           "there, some of which are shutting down: the configuration stays "
           "as it was",
           n, m->children.n);
    return false;
}


/* Starts the workers of the new generation that are missing, beside the old
 * ones; returns whether any worker is running or ready. */
static bool
start_beside(struct master *m, unsigned n_old)
{
    unsigned workers = process_conf_of(m->gen)->workers;
    unsigned wanted = count_missing(&m->children, m->gen);
    unsigned accepting = wanted != 0 ? start_workers(m) : 0;
    bool     is_any = wanted < workers;

    m->outcome.is_good = accepting == wanted;
    if (accepting < wanted)
        log_at(&m->log, LEVEL_WARN, 0,
               "%u of %u new worker processes did not begin to serve",
               wanted - accepting, wanted);
    for (unsigned i = n_old; i < m->children.n; i++)
        is_any |= m->children.at[i].pid != 0;
    return is_any;
}


/* No worker could be started: the old ones continue. */
static void
take_back(struct master *m, unsigned n_old)
{
    struct generation *g = m->gen;

    while (m->children.n > n_old)
        forget(m, &m->children.at[m->children.n - 1]);
    m->gen = m->before;
    m->log.targets = m->gen->log;
    setup_redirect_stderr(m->gen, &m->log);
    log_at(&m->log, LEVEL_ALERT, 0,
           "no worker process could be started: the configuration stays as "
           "it was");
    give_up(m, g);
}


/* Of those that were there before: those that have not taken the generation
 * over, and those that are too many. */
static void
quit_old(struct master *m, unsigned n_old)
{
    struct children *c = &m->children;

    for (unsigned i = 0; i < n_old; i++) {
        struct child *it = &c->at[i];

        if (it->is_ready && it->number < process_conf_of(m->gen)->workers) {
            it->generation = m->gen->number;
            it->since = m->gen->since;
            continue;
        }
        it->is_ready = false;
        if (!it->is_old && kill(it->pid, SIGQUIT) == -1)
            log_at(&m->log, LEVEL_ALERT, errno, "kill(%d, %d) failed",
                   (int) it->pid, SIGQUIT);
        it->is_old = true;
    }
}


/* Serves m->gen from now on. */
static void
commit(struct master *m, unsigned n_old)
{
    quit_old(m, n_old);
    if (!handover_switch(&m->children, m->gen)) {
        log_at(&m->log, LEVEL_WARN, 0,
               "some worker processes are late to serve the new configuration");
        m->outcome.is_good = false;
    }
    log_at(&m->log, LEVEL_NOTICE, 0, "configuration %llu is served",
           (unsigned long long) m->gen->number);
    control_follow(m->gen, &m->log);
    setup_release(m->before, m->gen, &m->log);
    generation_put(m->before);
}


/* Workers take the new generation over, or others start before they end, so
 * that there is always one to serve. */
static void
take_over(struct master *m, struct generation *g)
{
    unsigned n_old;

    drop_pending(m);
    m->outcome.how = offer(m, g);
    if (!has_places(m, g)) {
        give_up(m, g);
        return;
    }
    log_at(&m->log, LEVEL_NOTICE, 0, "using the \"epoll\" event method");
    m->before = m->gen;
    m->gen = g;
    m->log.targets = g->log;
    setup_redirect_stderr(g, &m->log);
    m->no_workers = false;
    n_old = m->children.n;
    if (start_beside(m, n_old))
        commit(m, n_old);
    else
        take_back(m, n_old);
    m->before = NULL;
}


static void
reconfigure(struct master *m, bool explains)
{
    struct reload_outcome *o = &m->outcome;
    struct generation     *g;

    outcome_begin(o, m->setup->paths.conf_file, explains);
    control_begin();
    log_at(&m->log, LEVEL_NOTICE, 0, "reconfiguring");
    g = read_next(m, true);
    outcome_read(o);
    o->is_refused = g == NULL;
    if (g != NULL)
        take_over(m, g);
    outcome_end(o, m->gen->number);
    control_tell(o);
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
}


static void
terminate(struct master *m)
{
    if (!m->is_terminating)
        m->kill_at = clock_fresh_ms() + KILL_MS;
    m->is_terminating = true;
    drop_pending(m);
    children_signal(&m->children, SIGTERM, &m->log);
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
        reconfigure(m, false);
        return;
    }
    /* Abandons an upgrade: the old binary continues. */
    if (m->no_workers)
        start_workers(m);
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
        quit_workers(m);
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
            quit_workers(m);
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
    reconfigure(m, explains);
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
    msec_t now = clock_fresh_ms(), at = (msec_t) -1;

    if (m->is_terminating && !m->is_killing)
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
    }
    for (unsigned i = 0; i < m->children.n; i++)
        if (m->children.at[i].pid == 0
            && m->children.at[i].start_again_at <= now)
            spawn(m, &m->children.at[i], NULL);
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
        = { .reload = on_reload, .status = on_status };

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

    while (!((m->is_quitting || m->is_terminating) && m->children.n == 0)) {
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
    m->log = (struct log){ .targets = g->log };
    title_set(log_program, title.p);
    if (!counters_open())
        log_at(&m->log, LEVEL_ALERT, errno, "mmap() of counters failed");
    images_reserve();
    if (await_open(&m->await, &m->log)) {
        start_workers(m);
        begin_control(m);
        on_ready(s);
        serve(m);
        await_close(&m->await);
    }
    finish(m);
}
