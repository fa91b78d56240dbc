/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A reload.  Workers take the new generation over, or new ones start beside
 * them, before anything of the old one is given up: until then it can be taken
 * back.
 */
#include "core/proc/reload.h"

#include <errno.h>
#include <signal.h>

#include "core/conf/image.h"
#include "core/os/clock.h"
#include "core/proc/control.h"
#include "core/proc/handover.h"


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
    m->outcome.is_read = true;
    g->since = clock_seconds();
    if (!setup_open(m->setup, g, m->gen, &m->log)) {
        generation_put(g);
        return NULL;
    }
    g->number = ++m->setup->number;
    if (g->image == NULL || image_seal(g->image))
        return g;
    log_at(&m->log, LEVEL_NOTICE, 0,
           "the configuration is too large to be "
           "handed over");
    give_up(m, g);
    return read_next(m, false);
}


/* Offers the generation to the workers that are there; what keeps them from
 * taking it over is logged.  Returns how it will be served. */
static const char *
offer(struct master *m, struct generation *g)
{
    const char *directive = setup_difference(g, m->gen);

    for (unsigned i = 0; i < m->children.n; i++)
        m->children.at[i].is_ready = false;
    if (directive != NULL) {
        log_at(&m->log, LEVEL_NOTICE, 0,
               "\"%s\" has changed: worker processes are replaced", directive);
        m->outcome.directive = directive;
        return "by new workers";
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
    unsigned n = crew_missing(m, g);

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
    unsigned wanted = crew_missing(m, m->gen);
    unsigned accepting = wanted != 0 ? crew_start(m) : 0;
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
        crew_forget(m, &m->children.at[m->children.n - 1]);
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

        if (it->is_ready && it->number < process_conf_of(m->gen)->workers)
            continue;
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
    /* Before workers take what waits at them, so that nothing comes later. */
    setup_release(m->before, m->gen, &m->log);
    quit_old(m, n_old);
    if (!handover_switch(&m->children, m->gen)) {
        log_at(&m->log, LEVEL_WARN, 0,
               "some worker processes are late to serve the new configuration");
        m->outcome.is_good = false;
    }
    log_at(&m->log, LEVEL_NOTICE, 0, "configuration %llu is served",
           (unsigned long long) m->gen->number);
    helpers_signal(m, SIGQUIT);
    helpers_start(m);
    control_follow(m->gen, &m->log);
    renew_follow(m);
    generation_put(m->before);
}


/* Workers take the new generation over, or others start before they end, so
 * that there is always one to serve. */
static void
take_over(struct master *m, struct generation *g)
{
    unsigned n_old;

    crew_drop_pending(m);
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


void
master_reload(struct master *m, bool explains)
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
