/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queue of a group: who is in it, and whose turn it is.
 */
#include "core/upstream/queue.h"

#include "core/conf/types.h"
#include "core/os/clock.h"

enum { AGAIN_MS = 20, TIMEOUT_MS = 60 * 1000 };


static struct queued *
first(const struct upstream_queue *in)
{
    return list_entry(in->list.next, struct queued, place);
}


static bool
is_shared(const struct upstream_queue *in)
{
    return in->end.line != NULL;
}


static bool
has_some(const struct upstream_queue *in)
{
    return is_shared(in) ? line_has_some(&in->end) : in->n != 0;
}


/* Whether the first one here is the first one of all. */
static bool
is_first_here(const struct upstream_queue *in)
{
    return in->n != 0 && (!is_shared(in) || line_is_first(&in->end));
}


static void
look(struct upstream_queue *in)
{
    if (is_shared(in))
        line_look(&in->end);
    if (is_first_here(in))
        task_wake(first(in)->task);
}


static void
on_ring(struct bell *b)
{
    look(container_of(b, struct upstream_queue, bell));
}


static void
on_again(struct timer *t)
{
    struct upstream_queue *in = container_of(t, struct upstream_queue, again);

    if (in->n == 0)
        return;
    look(in);
    timer_set(first(in)->task->loop, t, AGAIN_MS);
}


/* Wherever the first one is. */
static void
wake_first(struct upstream_queue *in)
{
    if (!has_some(in))
        return;
    if (is_first_here(in))
        task_wake(first(in)->task);
    else
        bell_ring();
}


static void
on_late(struct timer *t)
{
    struct queued *q = container_of(t, struct queued, timer);

    q->is_late = true;
    task_wake(q->task);
}


static bool
has_room(struct upstream_queue *in, struct queued *q)
{
    if (is_shared(in))
        return line_enter(&in->end, in->most, &q->ticket);
    if (in->n < in->most)
        return true;
    in->refused++;
    return false;
}


/* Whoever gives back a peer from now on wakes the first one; one may have been
 * given back just before. */
static enum queue_verdict
join(struct queued *q, struct task *t, struct upstream_queue *in)
{
    if (!has_room(in, q))
        return QUEUE_FULL;
    q->in = in;
    q->task = t;
    q->is_late = false;
    q->since = clock_ms();
    list_append(&in->list, &q->place);
    q->timer.on_timeout = on_late;
    timer_set(t->loop, &q->timer, in->timeout);
    if (in->n++ == 0) {
        in->again.on_timeout = on_again;
        timer_set(t->loop, &in->again, AGAIN_MS);
        in->bell.on_ring = on_ring;
        if (is_shared(in))
            bell_listen(&in->bell, t->loop);
    }
    if (in->n == 1)
        look(in);
    return QUEUE_WAIT;
}


enum queue_verdict
queue_turn(struct queued *q, struct task *t, struct upstream_group *g)
{
    if (q->in == NULL)
        return has_some(g->queue) ? join(q, t, g->queue) : QUEUE_TRY;
    if (q->is_late) {
        queue_leave(q);
        return QUEUE_LATE;
    }
    return first(q->in) == q && is_first_here(q->in) ? QUEUE_TRY : QUEUE_WAIT;
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
    if (--in->n == 0) {
        timer_stop(&in->again);
        bell_ignore(&in->bell);
    }
    if (is_shared(in))
        line_leave(&in->end, in->n != 0 ? first(in)->ticket : 0);
    if (was_first) /* there may be room for one more */
        wake_first(in);
}


int64_t
queue_time(const struct queued *q)
{
    return q->in != NULL ? (int64_t) (clock_ms() - q->since) : 0;
}


void
queue_wake(struct upstream_group *g)
{
    if (g->queue != NULL)
        wake_first(g->queue);
}


void
queue_join(struct upstream_group *g)
{
    if (g->queue != NULL && g->set->zone != NULL && g->set->mine != NULL)
        line_join(&g->queue->end, g->set->zone, g->set->mine, g->name);
}


void
queue_count(const struct upstream_queue *q, uint64_t *n, uint64_t *refused)
{
    *n = q->n;
    *refused = q->refused;
    if (is_shared(q))
        line_count(&q->end, n, refused);
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
