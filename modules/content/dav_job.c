/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes of the disk take as long as there are files, so that they are made in
 * threads of their own.  A job that was begun is completed, even where its
 * client leaves.
 */
#include <stdlib.h>
#include <unistd.h>

#include "core/conf/generation.h"
#include "core/net/worker.h"
#include "modules/content/dav.h"
#include "modules/module.h"

enum { THREADS = 4, QUEUED = 1024 };

struct dav_job {
    struct job        job; /* first */
    struct wait       wait;
    struct task      *task;  /* NULL: it has ended                        */
    struct dav_state *state; /* of the task, which has the job            */
    bool              is_done, is_ok;
    enum dav_op       op;
    bool              is_folder, replaces_folder, makes_parents;
    bool              is_temporary; /* from is of no use if it stays there */
    unsigned          folder_mode;
    struct dav_fault  fault;
    char             *to; /* in text                                    */
    char              from[];
};

static struct pool *pool;


static void
change(struct dav_job *j)
{
    struct dav_fault *f = &j->fault;

    j->is_ok
        = (!j->replaces_folder || dav_remove(j->to, true, f))
          && (!j->makes_parents || dav_make_parents(j->to, j->folder_mode, f));
    if (!j->is_ok)
        return;
    switch (j->op) {
    case DAV_REMOVE:
        j->is_ok = dav_remove(j->from, j->is_folder, f);
        break;
    case DAV_COPY:
        j->is_ok = dav_copy(j->from, j->to, j->is_folder, f);
        break;
    case DAV_MOVE:
        j->is_ok = dav_move(j->from, j->to, j->is_folder, f);
        break;
    }
}


static void
work(struct job *job)
{
    struct dav_job *j = (struct dav_job *) job;

    change(j);
    if (!j->is_ok && j->is_temporary)
        (void) unlink(j->from);
}


static void
on_done(struct job *job)
{
    struct dav_job *j = (struct dav_job *) job;

    if (j->task == NULL) {
        free(j);
        return;
    }
    j->is_done = true;
    wait_end(&j->wait);
    task_wake(j->task);
}


static void
cancel(struct wait *w)
{
    struct dav_job *j = container_of(w, struct dav_job, wait);

    j->state->job = NULL;
    j->task = NULL;
}


/* The request ends, and the result was not asked for. */
static void
drop_done(void *arg)
{
    struct dav_state *s = arg;

    free(s->job); /* done, or else it was cancelled */
    s->job = NULL;
}


static struct dav_job *
make_job(const struct dav_plan *plan)
{
    size_t          n = plan->from.n + plan->to.n + 2;
    struct dav_job *j = calloc(1, sizeof(*j) + n);

    if (j == NULL)
        check_memory(n);
    j->job = (struct job){ .work = work, .done = on_done };
    j->op = plan->op;
    j->is_folder = plan->is_folder;
    j->replaces_folder = plan->replaces_folder;
    j->makes_parents = plan->makes_parents;
    j->folder_mode = plan->folder_mode;
    j->is_temporary = plan->is_temporary;
    memcpy(j->from, plan->from.p, plan->from.n);
    j->to = j->from + plan->from.n + 1;
    if (plan->to.n != 0)
        memcpy(j->to, plan->to.p, plan->to.n);
    return j;
}


enum step
dav_job_start(struct http_request *r, const struct dav_plan *plan)
{
    struct dav_state *s = http_state_of(r, &dav_module);
    struct dav_job   *j = make_job(plan);

    if (pool == NULL)
        pool = pool_new(worker->loop, "dav", THREADS, QUEUED, &worker->log);
    if (!pool_submit(pool, &j->job)) {
        free(j);
        return http_fail(r, 503);
    }
    j->task = &r->task;
    j->state = s;
    s->job = j;
    arena_defer(r->task.arena, drop_done, s);
    wait_start(&r->task, &j->wait, cancel);
    return STEP_WAIT;
}


enum step
dav_job_end(struct http_request *r)
{
    struct dav_state *s = http_state_of(r, &dav_module);
    struct dav_job   *j = s->job;
    enum step         step = STEP_NEXT;

    if (!j->is_done)
        return STEP_WAIT;
    s->job = NULL;
    if (!j->is_ok)
        step = dav_fail(r, j->fault.error, s->not_found, j->fault.call,
                        str_copy(r->task.arena, str_of(j->fault.path)));
    free(j);
    return step;
}


void
dav_jobs_stop(void)
{
    pool_free(pool);
    pool = NULL;
}
