/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order of a turn, and posted work.  The loop itself makes one system call
 * per turn, the wait.
 */
#include "core/event/loop.h"

#include <limits.h>
#include <stdlib.h>

#include "core/event/state.h"
#include "core/os/clock.h"

enum { MAX_EVENTS = 512 };


struct loop *
loop_new(const struct log *log, unsigned max_events)
{
    struct loop *l = calloc(1, sizeof(*l));

    CHECK(l != NULL);
    l->log = log;
    l->max_events = max_events != 0 ? max_events : MAX_EVENTS;
    list_init(&l->posts);
    list_init(&l->late);
    list_init(&l->next);
    list_init(&l->reaped);
    clock_update();
    if (!epoll_open(l)) {
        free(l);
        return NULL;
    }
    return l;
}


/* Runs all posts in the list, and those added meanwhile. */
static void
run_all(struct list *posts)
{
    struct list *link;

    while ((link = list_pop(posts)) != NULL) {
        struct post *p = container_of(link, struct post, link);

        p->run(p);
    }
}


/* Late posts may add normal posts, which run before the other late ones. */
static void
run_posts(struct loop *l)
{
    struct list *link;

    for (;;) {
        struct post *p;

        run_all(&l->posts);
        link = list_pop(&l->late);
        if (link == NULL)
            return;
        p = container_of(link, struct post, link);
        p->run(p);
    }
}


void
loop_free(struct loop *l)
{
    if (l == NULL)
        return;
    run_all(&l->reaped);
    epoll_shut(l);
    heap_fini(&l->timers);
    free(l);
}


static bool
has_posts(const struct loop *l)
{
    return !list_empty(&l->posts) || !list_empty(&l->late)
           || !list_empty(&l->next) || !list_empty(&l->reaped);
}


static int
wait_time(const struct loop *l, msec_t max_wait_ms)
{
    int wait = timers_wait(l);

    if (has_posts(l))
        return 0;
    if (wait == -1)
        return max_wait_ms > INT_MAX ? -1 : (int) max_wait_ms;
    return max_wait_ms < (msec_t) wait ? (int) max_wait_ms : wait;
}


void
loop_turn(struct loop *l, msec_t max_wait_ms)
{
    int wait = wait_time(l, max_wait_ms);

    CHECK(!l->in_turn);
    l->in_turn = true;
    list_splice(&l->posts, &l->next);
    epoll_turn(l, wait);
    timers_expire(l);
    run_posts(l);
    run_all(&l->reaped);
    if (l->each_turn != NULL)
        l->each_turn(l->each_turn_arg);
    l->in_turn = false;
}


void
loop_run(struct loop *l)
{
    while (!l->is_stopped)
        loop_turn(l, (msec_t) -1);
    l->is_stopped = false;
}


void
loop_stop(struct loop *l)
{
    l->is_stopped = true;
}


void
loop_each_turn(struct loop *l, void (*fn)(void *arg), void *arg)
{
    l->each_turn = fn;
    l->each_turn_arg = arg;
}


static void
add_to(struct list *posts, struct post *p)
{
    if (!post_is_added(p))
        list_append(posts, &p->link);
}


void
post_add(struct loop *l, struct post *p)
{
    add_to(&l->posts, p);
}


void
post_add_late(struct loop *l, struct post *p)
{
    add_to(&l->late, p);
}


void
post_add_next(struct loop *l, struct post *p)
{
    add_to(&l->next, p);
}


void
post_cancel(struct post *p)
{
    if (post_is_added(p))
        list_remove(&p->link);
}


void
loop_reap(struct loop *l, struct post *p)
{
    post_cancel(p);
    list_append(&l->reaped, &p->link);
}
