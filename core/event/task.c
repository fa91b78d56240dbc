/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks and their waits.  Ending a task needs no knowledge of what it waits
 * for.
 */
#include "core/event/task.h"


static void
run_woken(struct post *p)
{
    struct task *t = container_of(p, struct task, wake);

    t->run(t);
}


void
task_init(struct task *t)
{
    list_init(&t->waits);
    list_init(&t->wake.link);
    t->wake.run = run_woken;
}


void
task_wake(struct task *t)
{
    if (!t->is_ended)
        post_add(t->loop, &t->wake);
}


void
wait_start(struct task *t, struct wait *w, void (*cancel)(struct wait *))
{
    CHECK(!wait_is_on(w));
    w->cancel = cancel;
    list_append(&t->waits, &w->link);
}


void
wait_end(struct wait *w)
{
    if (wait_is_on(w))
        list_remove(&w->link);
}


void
task_end(struct task *t)
{
    struct list *link;

    t->is_ended = true;
    while ((link = list_pop(&t->waits)) != NULL) {
        struct wait *w = container_of(link, struct wait, link);

        w->cancel(w);
    }
    post_cancel(&t->wake);
}


void
task_restart(struct task *t)
{
    task_end(t);
    t->is_ended = false;
}
