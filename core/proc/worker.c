/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a worker: switches to its user, starts the modules, accepts,
 * serves, and ends at once (TERM) or when the last connection has closed
 * (QUIT).
 */
#include "core/proc/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/net/accept.h"
#include "core/net/counters.h"
#include "core/os/clock.h"
#include "core/os/title.h"
#include "core/proc/control.h"
#include "core/proc/handover.h"
#include "core/proc/retire.h"
#include "core/proc/signal.h"
#include "core/proc/status.h"
#include "core/proc/trim.h"

/* All state of the process itself. */
struct serving {
    struct worker    self;
    struct setup    *setup;
    struct list      alive; /* generations that are still in use           */
    struct holds    *holds; /* to be kept up to date, or NULL              */
    struct acceptor *acceptor;
    struct event     signals;
    struct adoption  adoption;
    struct timer     deadline; /* worker_shutdown_timeout                  */
    struct trim      trim;
    pid_t            master;
    bool             is_alone;
    bool             wants_reconfigure; /* at the end of the turn          */
    unsigned         started; /* number of modules whose process_start was
                                 called                                   */

    /* of the single process */
    struct event          control;
    struct reload_outcome outcome;  /* of the last reload                     */
    bool                  explains; /* in the next one, too                  */
    msec_t                started_at;
};

static struct serving serving;


static void
explain(const char *message)
{
    const struct log *log = worker->doing ? worker->doing : &worker->log;

    log_at(log, LEVEL_ALERT, 0, "%s", message);
    /* so that a debugger can be attached before the worker ends */
    if (worker->gen != NULL
        && process_conf_of(worker->gen)->debug_points == DEBUG_STOP)
        raise(SIGSTOP);
}


static void
set_limit(int resource, const char *name, const struct limit *l,
          const struct log *log)
{
    struct rlimit r = { .rlim_cur = l->value, .rlim_max = l->value };

    if (l->is_set && setrlimit((unsigned) resource, &r) == -1)
        log_at(log, LEVEL_ALERT, errno, "setrlimit(%s, %llu) failed", name,
               (unsigned long long) l->value);
}


bool
worker_become_user(const struct user *u, const struct log *log)
{
    if (geteuid() != 0 || u->name == NULL)
        return true;
    if (setgid(u->gid) == -1) {
        log_at(log, LEVEL_EMERG, errno, "setgid(%d) failed", (int) u->gid);
        return false;
    }
    /* Otherwise it would keep the groups of root. */
    if (initgroups(u->name, u->gid) == -1) {
        log_at(log, LEVEL_EMERG, errno, "initgroups(%s, %d) failed", u->name,
               (int) u->gid);
        return false;
    }
    if (setuid(u->uid) == -1) {
        log_at(log, LEVEL_EMERG, errno, "setuid(%d) failed", (int) u->uid);
        return false;
    }
    return true;
}


/* Ensures that no program that may be executed gets more rights than this
 * process.  A process that may not empty the bounding set (EPERM) has no
 * rights that it would limit. */
static void
give_up_privileges(const struct log *log)
{
    for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) != -1;
         cap++)
        if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == -1 && errno != EPERM)
            log_at(log, LEVEL_ALERT, errno, "prctl(PR_CAPBSET_DROP) failed");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
        log_at(log, LEVEL_ALERT, errno, "prctl(PR_SET_NO_NEW_PRIVS) failed");
}


/* The processor of a worker under "auto": the allowed ones in turn. */
static void
pick_cpu(const struct affinity *a, unsigned number, cpu_set_t *out)
{
    cpu_set_t allowed;
    unsigned  nth;
    int       cpu = 0;

    if (a->masks.n != 0)
        allowed = a->masks.at[0];
    else if (sched_getaffinity(0, sizeof(allowed), &allowed) == -1)
        CPU_ZERO(&allowed);
    CPU_ZERO(out);
    if (CPU_COUNT(&allowed) == 0)
        return;
    nth = number % (unsigned) CPU_COUNT(&allowed);
    for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET((size_t) cpu, &allowed) && nth-- == 0)
            break;
    CPU_SET((size_t) cpu, out);
}


static void
set_affinity(const struct affinity *a, unsigned number, const struct log *log)
{
    cpu_set_t set;

    if (a->is_auto)
        pick_cpu(a, number, &set);
    else if (a->masks.n != 0)
        set = a->masks.at[number < a->masks.n ? number : a->masks.n - 1];
    else
        return;
    if (CPU_COUNT(&set) == 0)
        return;
    if (sched_setaffinity(0, sizeof(set), &set) == -1)
        log_at(log, LEVEL_ALERT, errno, "sched_setaffinity() failed");
}


/* Whoever may have a core may read the memory, too: so may others of the user of
 * the workers, which has private keys in it.  Since its user has changed, a
 * worker is protected from them, unless somebody wants cores. */
static bool
leaves_core(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur != 0;
}


static bool
settle(const struct process_conf *c, unsigned number, const struct log *log)
{
    const char *folder = c->working_directory.p;

    if (c->priority != 0 && setpriority(PRIO_PROCESS, 0, c->priority) == -1)
        log_at(log, LEVEL_ALERT, errno, "setpriority(%d) failed", c->priority);
    set_limit(RLIMIT_NOFILE, "RLIMIT_NOFILE", &c->nofile, log);
    set_limit(RLIMIT_CORE, "RLIMIT_CORE", &c->core, log);
    give_up_privileges(log);
    if (!worker_become_user(&c->user, log))
        return false;
    set_affinity(&c->affinity, number, log);
    if (leaves_core() && prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == -1)
        log_at(log, LEVEL_ALERT, errno, "prctl(PR_SET_DUMPABLE) failed");
    if (c->working_directory.n != 0 && chdir(folder) == -1) {
        log_at(log, LEVEL_ALERT, errno, "chdir(\"%s\") failed", folder);
        return false;
    }
    return true;
}


bool
modules_start(struct worker *w, unsigned *n)
{
    for (*n = 0; weir_modules[*n] != NULL; (*n)++)
        if (weir_modules[*n]->process_start != NULL
            && !weir_modules[*n]->process_start(w))
            return false;
    return true;
}


void
modules_stop(struct worker *w, unsigned *n)
{
    while (*n > 0) {
        const struct module *m = weir_modules[--*n];

        if (m->process_stop != NULL)
            m->process_stop(w);
    }
}


bool
modules_adopt(struct worker *w, struct generation *g)
{
    for (unsigned i = 0; weir_modules[i] != NULL; i++)
        if (weir_modules[i]->adopt != NULL && !weir_modules[i]->adopt(w, g))
            return false;
    return true;
}


static void
forget(void *arg)
{
    struct generation *g = arg;

    list_remove(&g->alive);
}


static void
publish(const struct serving *s)
{
    if (s->holds != NULL)
        holds_publish(s->holds, &s->alive);
}


/* From now on, new requests run under g; running ones end under the generation
 * with which they began.  Takes over the caller's reference to g. */
static void
switch_to(struct serving *s, struct generation *g)
{
    const struct events_conf *e = events_conf_of(g);
    bool is_shared = !s->is_alone && process_conf_of(g)->workers > 1;

    s->self.gen = g;
    s->self.log = (struct log){ .targets = g->log };
    s->self.debug = e->debug.list.at;
    s->self.n_debug = e->debug.list.n;
    conns.max = e->connections;
    list_append(&s->alive, &g->alive);
    arena_defer(g->arena, forget, g);
    acceptor_adopt(s->acceptor, &g->listeners, e->multi_accept, is_shared);
    publish(s);
}


/* Starts serving with the first generation. */
static bool
serve(struct serving *s, struct generation *g)
{
    list_init(&s->alive);
    s->self.gen = g;
    s->acceptor = acceptor_new(s->self.loop, s->self.number, &s->self.log);
    if (!modules_start(&s->self, &s->started) || !modules_adopt(&s->self, g))
        return false;
    switch_to(s, g);
    return true;
}


/* --- ending --------------------------------------------------------------- */

static void
on_deadline(struct timer *t)
{
    struct serving *s = container_of(t, struct serving, deadline);

    conns_cut(NULL);
    loop_stop(s->self.loop);
}


static void
end_gracefully(struct serving *s)
{
    msec_t limit = process_conf_of(s->self.gen)->shutdown_timeout;

    if (s->self.is_exiting)
        return;
    log_at(&s->self.log, LEVEL_NOTICE, 0, "gracefully shutting down");
    s->self.is_exiting = true;
    if (!s->is_alone)
        title_set(log_program, "worker process is shutting down");
    conns_release();
    acceptor_leave(s->acceptor);
    /* What it has not begun to serve shares its sockets. */
    adoption_stop(&s->adoption);
    if (!s->is_alone)
        listeners_close(&s->self.gen->listeners);
    if (limit != 0) {
        s->deadline.on_timeout = on_deadline;
        s->deadline.is_idle = true;
        timer_set(s->self.loop, &s->deadline, limit);
    }
}


/* --- signals -------------------------------------------------------------- */

static void
reopen(struct serving *s)
{
    uid_t owner = LOG_OWNER_KEPT;

    log_at(&s->self.log, LEVEL_NOTICE, 0, "reopening logs");
    if (s->is_alone && geteuid() == 0)
        owner = process_conf_of(s->self.gen)->user.uid;
    LIST_EACH(&s->alive, l)
        log_files_flush(list_entry(l, struct generation, alive)->files);
    log_files_reopen(owner, &s->self.log);
    if (s->is_alone)
        setup_redirect_stderr(s->self.gen, &s->self.log);
}


static struct generation *
read_next(struct serving *s)
{
    struct generation *old = s->self.gen, *g;
    struct log_targets named;
    struct log         log = outcome_log(&s->self.log, &named);

    g = setup_read(s->setup, &log);
    if (g == NULL)
        return NULL;
    s->outcome.is_read = true;
    g->since = clock_seconds();
    if (setup_open(s->setup, g, old, &s->self.log)) {
        g->number = ++s->setup->number;
        if (modules_adopt(&s->self, g))
            return g;
        setup_release(g, old, &s->self.log);
    }
    generation_put(g);
    return NULL;
}


static void
take_over(struct serving *s, struct generation *g)
{
    struct generation *old = s->self.gen;

    switch_to(s, g);
    control_follow(g, &s->self.log);
    setup_release(old, g, &s->self.log);
    retire(&s->self, old);
    setup_redirect_stderr(g, &s->self.log);
}


static void
reconfigure(struct serving *s)
{
    struct reload_outcome *o = &s->outcome;
    struct generation     *g;

    outcome_begin(o, s->setup->paths.conf_file, s->explains);
    control_begin();
    log_at(&s->self.log, LEVEL_NOTICE, 0, "reconfiguring");
    g = read_next(s);
    outcome_read(o);
    o->is_refused = g == NULL;
    o->is_good = g != NULL;
    if (g != NULL) {
        o->how = "in place";
        take_over(s, g);
    }
    outcome_end(o, s->self.gen->number);
    control_tell(o);
}


/* The master's order. */
static void
follow(struct serving *s)
{
    struct generation *old, *g;

    while ((g = adoption_take(&s->adoption)) != NULL) {
        old = s->self.gen;
        switch_to(s, g);
        listeners_close_foreign(&old->listeners, &g->listeners);
        setup_redirect_stderr(g, &s->self.log);
        retire(&s->self, old);
        adoption_served(&s->adoption, g);
    }
}


/* After the turn, no event is pending for connections and sockets that are
 * released here. */
static void
after_turn(void *arg)
{
    struct serving *s = arg;

    follow(s);
    publish(s);
    trim_look(&s->trim, s->self.loop);
    if (s->wants_reconfigure && !s->self.is_exiting)
        reconfigure(s);
    s->wants_reconfigure = s->explains = false;
    if (s->self.is_exiting && conns.active == 0)
        loop_stop(s->self.loop);
}


static const char *
action_of(const struct serving *s, int number)
{
    switch (number) {
    case SIGQUIT:
        return ", shutting down";
    case SIGTERM:
    case SIGINT:
        return ", exiting";
    case SIGUSR1:
        return ", reopening logs";
    case SIGHUP:
        return s->is_alone ? ", reconfiguring" : ", ignoring";
    case SIGUSR2:
        return ", ignoring";
    case SIGWINCH:
        return s->setup->is_daemon ? ", shutting down" : "";
    default:
        return "";
    }
}


static void
obey(struct serving *s, const struct signal_info *info)
{
    if (info->sender != s->master)
        signals_log(info, action_of(s, info->number), &s->self.log);
    switch (info->number) {
    case SIGQUIT:
        end_gracefully(s);
        break;
    case SIGTERM:
    case SIGINT:
        loop_stop(s->self.loop);
        break;
    case SIGUSR1:
        reopen(s);
        break;
    case SIGHUP:
        s->wants_reconfigure = s->is_alone;
        break;
    case SIGWINCH:
        if (s->setup->is_daemon)
            end_gracefully(s);
        break;
    default:
        break;
    }
}


static void
on_signal(struct event *e)
{
    struct serving    *s = container_of(e, struct serving, signals);
    struct signal_info info;

    while (signals_read(e->fd, &info))
        obey(s, &info);
    e->readable = false;
}


/* --- the control socket of the single process -------------------------------- */

static const char *
on_reload(bool explains)
{
    struct serving *s = &serving;

    if (s->self.is_exiting)
        return "the server is shutting down";
    s->wants_reconfigure = true;
    s->explains |= explains;
    return NULL;
}


static void
on_status(struct json_text *t)
{
    const struct serving *s = &serving;
    struct holds          holds;
    const struct child    self = { .pid = s->self.pid,
                                   .row = counters_own,
                                   .holds = &holds,
                                   .started_at = s->started_at };
    struct status         out = { .arena = t->arena,
                                  .generation = s->self.gen->number,
                                  .reload = &s->outcome };

    holds_publish(&holds, &s->alive);
    status_add(&out, &self);
    status_put(t, &out);
}


static const char *
on_pass(int fd, str_t line)
{
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

    if (own == -1)
        return "too many open files";
    inquiry_answer(&serving.self, own, line);
    return NULL;
}


static void
on_control(struct event *e)
{
    (void) e;
    control_serve();
}


static void
begin_control(struct serving *s)
{
    static const struct control_ops ops
        = { .reload = on_reload, .status = on_status, .pass = on_pass };

    s->control.fd = control_start(&ops);
    s->control.on_read = on_control;
    if (s->control.fd != -1
        && !event_add_listener(s->self.loop, &s->control, false))
        s->control.fd = -1;
}


/* --- start and end ------------------------------------------------------- */

static bool
begin(struct serving *s, const struct worker_start *start)
{
    const struct process_conf *c = process_conf_of(start->gen);
    const struct events_conf  *e = events_conf_of(start->gen);

    s->setup = start->setup;
    s->master = start->master;
    s->holds = start->holds;
    s->self.log = (struct log){ .targets = start->gen->log };
    s->self.number = start->number;
    s->self.pid = getpid();
    counters_use(start->row);
    worker = &s->self;
    check_context = explain;
    clock_update();
    s->started_at = clock_ms();
    srandom((unsigned) getpid() ^ (unsigned) clock_fresh_ms());
    if (!s->is_alone && !settle(c, start->number, &s->self.log))
        return false;
    environ = environment_make(start->gen, start->setup->arena, NULL);
    s->self.loop = loop_new(&s->self.log, (unsigned) e->epoll_events);
    if (s->self.loop == NULL)
        return false;
    s->signals.on_read = on_signal;
    s->signals.fd = signals_open(&s->self.log);
    if (s->signals.fd == -1 || !event_add(s->self.loop, &s->signals))
        return false;
    if (!adoption_start(&s->adoption, &s->self, start->channel))
        return false;
    loop_each_turn(s->self.loop, after_turn, s);
    return serve(s, start->gen);
}


static void
finish(struct serving *s)
{
    log_at(&s->self.log, LEVEL_NOTICE, 0, "exiting");
    acceptor_free(s->acceptor);
    adoption_stop(&s->adoption);
    inquiries_stop();
    modules_stop(&s->self, &s->started);
    LIST_EACH(&s->alive, l)
        log_files_flush(list_entry(l, struct generation, alive)->files);
    timer_stop(&s->deadline);
    retire_stop();
    event_remove(s->self.loop, &s->signals);
    close(s->signals.fd);
}


void
worker_main(const struct worker_start *start)
{
    struct serving *s = &serving;

    title_set(log_program, "worker process");
    if (!begin(s, start))
        exit(EXIT_FATAL);
    if (start->ready_fd != -1) {
        (void) !write(start->ready_fd, "+", 1);
        close(start->ready_fd);
    }
    loop_run(s->self.loop);
    finish(s);
    log_at(&s->self.log, LEVEL_NOTICE, 0, "exit");

    /* Open connections still use the memory that would be freed below. */
    if (conns.active != 0)
        _exit(0);
    loop_free(s->self.loop);
    s->self.loop = NULL;
    generation_put(s->self.gen);
    arena_free(s->setup->arena);
    title_fini();
    exit(0);
}


void
worker_alone(const struct worker_start *start)
{
    struct serving *s = &serving;

    s->is_alone = true;
    if (!begin(s, start))
        exit(EXIT_FATAL);
    begin_control(s);
    loop_run(s->self.loop);
    finish(s);
    control_close();
    setup_remove_pid(s->self.gen, &s->self.log);
    listeners_close_unused(&s->self.gen->listeners, NULL, &s->self.log);
    log_at(&s->self.log, LEVEL_NOTICE, 0, "exit");
    _exit(0);
}
