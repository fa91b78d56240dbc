/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Links that are being opened, and the tasks that wait for them: where a
 * connection carries several uses, those that come before it is there wait for
 * it, as many as it will carry, instead of opening one each.
 *
 * Some peers turn out to carry one use at a time, which is known only when a
 * connection is there (ALPN).  That is remembered, so that nobody waits for them
 * again.
 */
#include "core/base/check.h"
#include "core/upstream/build.h"


static void
finish(struct link_await *w, enum await_state state)
{
    w->state = state;
    w->link->n_awaits--;
    w->link = NULL;
    list_remove(&w->place);
    timer_stop(&w->timer);
}


void
link_opened(struct link *l, enum await_state state)
{
    if (!l->is_announced)
        return;
    l->is_announced = false;
    list_remove(&l->place);
    LIST_EACH(&l->awaits, it) {
        struct link_await *w = list_entry(it, struct link_await, place);

        finish(w, state);
        task_wake(w->task);
    }
}


void
link_announce(struct link *l, struct upstream_group *g)
{
    if (g->idle == NULL)
        return;
    l->is_announced = true;
    l->pool = g->idle;
    list_init(&l->awaits);
    list_append(idle_opening(g->idle), &l->place);
}


static void
on_late(struct timer *t)
{
    struct link_await *w = container_of(t, struct link_await, timer);

    finish(w, AWAIT_LATE);
    task_wake(w->task);
}


/* One that has room for one more, with the use that it is opened for. */
static struct link *
find(const struct upstream_group *g, const struct peer *peer,
     const struct link_kind *kind)
{
    LIST_EACH(idle_opening(g->idle), it) {
        struct link *l = list_entry(it, struct link, place);

        if (l->n_awaits + 1 < kind->most && link_kind_is(&l->kind, kind)
            && str_eq(l->name, peer->name))
            return l;
    }
    return NULL;
}


bool
link_await(struct link_await *w, struct task *t, const struct upstream_group *g,
           const struct peer *peer, const struct link_kind *kind,
           msec_t timeout)
{
    struct link *l;

    if (g->idle == NULL || idle_is_single(g->idle, peer->name))
        return false;
    l = find(g, peer, kind);
    if (l == NULL)
        return false;
    CHECK(w->link == NULL);
    w->link = l;
    w->task = t;
    w->state = AWAIT_OPENING;
    l->n_awaits++;
    list_append(&l->awaits, &w->place);
    w->timer.on_timeout = on_late;
    timer_set(t->loop, &w->timer, timeout);
    return true;
}


void
link_await_end(struct link_await *w)
{
    if (w->link != NULL)
        finish(w, AWAIT_VAIN);
}
