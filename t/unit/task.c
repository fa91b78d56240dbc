/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks: waking, waits, and that nothing calls a task that has ended.
 */
#include "core/event/task.h"
#include "t/unit/tap.h"

struct thing {
    struct task task;
    int         runs, wakes_left;
    struct wait wait[3];
    int         cancelled;
};

static struct thing *current;


static void
run(struct task *t)
{
    struct thing *x = container_of(t, struct thing, task);

    x->runs++;
    if (x->wakes_left-- > 0)
        task_wake(t);
}


static void
cancel(struct wait *w)
{
    ok(!wait_is_on(w), "out of the list before it is cancelled");
    current->cancelled++;
    wait_end(w);
}


static void
cancel_others(struct wait *w)
{
    cancel(w);
    wait_end(&current->wait[1]);
    task_wake(&current->task);
}


static unsigned failed_with;


static void
fail_with(struct task *t, unsigned status)
{
    (void) t;
    failed_with = status;
}


int
main(void)
{
    struct loop *l = loop_new(&log_start, 16);
    struct thing x = { .task = { .loop = l, .run = run, .fail = fail_with } };

    current = &x;
    task_init(&x.task);
    task_wake(&x.task);
    task_wake(&x.task);
    is(x.runs, 0, "not called from within");
    loop_turn(l, 1000);
    is(x.runs, 1, "once");
    x.wakes_left = 2;
    task_wake(&x.task);
    loop_turn(l, 1000);
    is(x.runs, 4, "a task may wake itself");

    ok(!wait_is_on(&x.wait[0]), "zeroed: not on");
    wait_start(&x.task, &x.wait[0], cancel);
    ok(wait_is_on(&x.wait[0]), "on");
    wait_end(&x.wait[0]);
    wait_end(&x.wait[0]);
    ok(!wait_is_on(&x.wait[0]), "over");
    is(x.cancelled, 0, "not cancelled");

    wait_start(&x.task, &x.wait[0], cancel_others);
    wait_start(&x.task, &x.wait[1], cancel);
    wait_start(&x.task, &x.wait[2], cancel);
    task_wake(&x.task);
    task_end(&x.task);
    is(x.cancelled, 2, "cancelled, but not what another cancel has ended");
    task_wake(&x.task);
    loop_turn(l, 0);
    is(x.runs, 4, "an ended task is not called");

    is(task_fail(&x.task, 403), STEP_FAIL, "a refusal");
    is(failed_with, 403, "with its status");
    loop_free(l);
    return done();
}
