/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Generations on their way out.  An idle connection does not count the
 * generation whose log it writes to, so the process does, until all idle ones
 * have moved over.
 */
#include "core/proc/retire.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/proc/settings.h"

/* As long as the generation is there. */
struct retired {
    struct timer       timer; /* worker_shutdown_timeout                     */
    struct list        link;  /* of leaving, while it is held                */
    struct generation *gen;
};

static struct list leaving = { &leaving, &leaving };


static void
put_held(void)
{
    struct list *l;

    while ((l = list_pop(&leaving)) != NULL)
        generation_put(list_entry(l, struct retired, link)->gen);
}


static void
move_more(struct post *p)
{
    if (conns_adopt_slice())
        put_held();
    else
        post_add_next(worker->loop, p);
}


static struct post more
    = { .link = { &more.link, &more.link }, .run = move_more };


static void
forget(void *arg)
{
    struct retired *r = arg;

    timer_stop(&r->timer);
    free(r);
}


static void
on_timeout(struct timer *t)
{
    const struct generation *g = container_of(t, struct retired, timer)->gen;

    log_at(&worker->log, LEVEL_NOTICE, 0,
           "what still runs under configuration %llu is cut off",
           (unsigned long long) g->number);
    conns_cut(g);
}


void
retire(struct worker *w, struct generation *g)
{
    msec_t          limit = process_conf_of(g)->shutdown_timeout;
    struct retired *r = calloc(1, sizeof(*r));

    if (r == NULL)
        check_memory(sizeof(*r));
    r->gen = g;
    r->timer.on_timeout = on_timeout;
    r->timer.is_idle = true;
    arena_defer(g->arena, forget, r);
    if (limit != 0)
        timer_set(w->loop, &r->timer, limit);
    list_append(&leaving, &r->link);
    conns_adopt_start();
    post_add_next(w->loop, &more);
}


void
retire_stop(void)
{
    post_cancel(&more);
    put_held();
}
