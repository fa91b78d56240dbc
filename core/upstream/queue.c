/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queue of a group: who is in it, and whose turn it is.
 */
#include "core/upstream/queue.h"

#include "core/conf/types.h"

enum { AGAIN_MS = 20, TIMEOUT_MS = 60 * 1000 };


static struct queued *
first(const struct upstream_queue *in)
{
    return list_entry(in->list.next, struct queued, place);
}


static void
on_again(struct timer *t)
{
    struct upstream_queue *in = container_of(t, struct upstream_queue, again);

    if (in->n == 0)
        return;
    task_wake(first(in)->task);
    timer_set(first(in)->task->loop, t, AGAIN_MS);
}


static void
on_late(struct timer *t)
{
    struct queued *q = container_of(t, struct queued, timer);

    q->is_late = true;
    task_wake(q->task);
}


static enum queue_verdict
join(struct queued *q, struct task *t, struct upstream_queue *in)
{
    if (in->n >= in->most) {
        in->overflows++;
        return QUEUE_FULL;
    }
    q->in = in;
    q->task = t;
    q->is_late = false;
    list_append(&in->list, &q->place);
    in->n++;
    q->timer.on_timeout = on_late;
    timer_set(t->loop, &q->timer, in->timeout);
    if (!timer_is_set(&in->again)) {
        in->again.on_timeout = on_again;
        timer_set(t->loop, &in->again, AGAIN_MS);
    }
    return QUEUE_WAIT;
}


enum queue_verdict
queue_turn(struct queued *q, struct task *t, struct upstream_group *g)
{
    if (q->in == NULL)
        return g->queue == NULL || g->queue->n == 0 ? QUEUE_TRY
                                                    : join(q, t, g->queue);
    if (q->is_late) {
        queue_leave(q);
        return QUEUE_LATE;
    }
    return first(q->in) == q ? QUEUE_TRY : QUEUE_WAIT;
}


enum queue_verdict
queue_wait(struct queued *q, struct task *t, struct upstream_group *g)
{
    return q->in != NULL ? QUEUE_WAIT : join(q, t, g->queue);
}


void
queue_leave(struct queued *q)
{
    struct upstream_queue *in = q->in;
    bool                   was_first;

    if (in == NULL)
        return;
    was_first = first(in) == q;
    list_remove(&q->place);
    timer_stop(&q->timer);
    q->in = NULL;
    if (--in->n == 0)
        timer_stop(&in->again);
    else if (was_first) /* there may be room for one more */
        task_wake(first(in)->task);
}


void
queue_wake(struct upstream_group *g)
{
    if (g->queue != NULL && g->queue->n != 0)
        task_wake(first(g->queue)->task);
}


static const char *
parse(struct conf *cf, void *field)
{
    struct upstream_group *g = upstream_at_hand(cf);
    struct upstream_queue *q = arena_make(cf->arena, struct upstream_queue);
    str_t                  value;

    (void) field;
    if (!number_parse(cf->args[1], INT32_MAX, &q->most) || q->most == 0)
        return conf_error(
            cf, "invalid value \"" STR_F "\" in \"" STR_F "\" directive",
            STR_A(cf->args[1]), STR_A(cf->args[0]));
    q->timeout = TIMEOUT_MS;
    if (cf->n_args > 2
        && (!conf_param(cf->args[2], "timeout", &value)
            || !number_time(value, false, &q->timeout)))
        return conf_error(cf, "invalid parameter \"" STR_F "\"",
                          STR_A(cf->args[2]));
    list_init(&q->list);
    g->queue = q;
    return NULL;
}


const struct conf_type upstream_queue_type = {
    .name = "queue",
    .parse = parse,
};
