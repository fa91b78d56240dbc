/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors by epoll.  Connections are registered once, edge-triggered for
 * both directions, so that no system call is spent on changes of interest; but
 * for those that are writable and would be called too often.
 *
 * A handler may remove and close the descriptor of a later entry of the batch,
 * and may even add the same struct event again with another descriptor.  So an
 * entry is only used when its event is still added, and was added before the
 * batch was fetched (event.batch).  Memory is freed at the end of the turn,
 * after the batch.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/event/state.h"
#include "core/log/log.h"
#include "core/os/clock.h"

#define BOTH_WAYS ((uint32_t) (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET))


bool
epoll_open(struct loop *l)
{
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll == -1) {
        log_at(l->log, LEVEL_EMERG, errno, "epoll_create() failed");
        return false;
    }
    l->events = calloc(l->max_events, sizeof(l->events[0]));
    CHECK(l->events != NULL);
    return true;
}


void
epoll_shut(struct loop *l)
{
    if (l->epoll != -1)
        close(l->epoll);
    free(l->events);
}


static bool
add(struct loop *l, struct event *e, uint32_t what)
{
    struct epoll_event ev = { .events = what, .data.ptr = e };

    if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, e->fd, &ev) == -1)
        return false;
    e->added = true;
    e->batch = l->batch;
    if (e->is_urgent) {
        CHECK(l->n_urgent < URGENT_MAX);
        l->urgent[l->n_urgent++] = e;
    }
    return true;
}


bool
event_add(struct loop *l, struct event *e)
{
    e->knows_room = true;
    return add(l, e, BOTH_WAYS);
}


bool
event_add_writable(struct loop *l, struct event *e)
{
    e->knows_room = false;
    e->writable = true;
    return add(l, e, BOTH_WAYS & ~(uint32_t) EPOLLOUT);
}


bool
event_add_late(struct loop *l, struct event *e)
{
    if (l->n_unwatched == UNWATCHED_MAX)
        return event_add_writable(l, e);
    e->knows_room = false;
    e->writable = e->is_unwatched = true;
    l->unwatched[l->n_unwatched++] = e;
    return true;
}


/* What one has told already, the kernel tells at once. */
static void
add_unwatched(struct loop *l)
{
    for (unsigned i = 0; i < l->n_unwatched; i++) {
        struct event *e = l->unwatched[i];

        e->is_unwatched = false;
        if (!(e->writable ? event_add_writable(l, e) : event_add(l, e)))
            log_at(l->log, LEVEL_ALERT, errno, "epoll_ctl(1, %d) failed",
                   e->fd);
    }
    l->n_unwatched = 0;
}


void
event_blocked(struct loop *l, struct event *e)
{
    struct epoll_event ev = { .events = BOTH_WAYS, .data.ptr = e };

    e->writable = false;
    if (!e->added || e->knows_room)
        return;
    e->knows_room = true;
    if (epoll_ctl(l->epoll, EPOLL_CTL_MOD, e->fd, &ev) == -1)
        log_at(l->log, LEVEL_ALERT, errno, "epoll_ctl(3, %d) failed", e->fd);
}


bool
event_add_listener(struct loop *l, struct event *e, bool exclusive)
{
    e->is_listener = true;
    return add(l, e, EPOLLIN | (exclusive ? EPOLLEXCLUSIVE : 0));
}


/* Takes e off a list, and returns how many are left. */
static unsigned
without(struct event **list, unsigned all, const struct event *e)
{
    unsigned n = 0;

    for (unsigned i = 0; i < all; i++)
        if (list[i] != e)
            list[n++] = list[i];
    return n;
}


void
event_forget(struct loop *l, struct event *e)
{
    e->added = e->readable = e->writable = e->hangup = false;
    if (e->is_urgent)
        l->n_urgent = without(l->urgent, l->n_urgent, e);
    if (e->is_unwatched)
        l->n_unwatched = without(l->unwatched, l->n_unwatched, e);
    e->is_unwatched = false;
}


void
event_remove(struct loop *l, struct event *e)
{
    struct epoll_event ev = { 0 };

    if (e->is_unwatched)
        event_forget(l, e);
    if (!e->added)
        return;
    if (epoll_ctl(l->epoll, EPOLL_CTL_DEL, e->fd, &ev) == -1)
        log_at(l->log, LEVEL_ALERT, errno, "epoll_ctl(2, %d) failed", e->fd);
    event_forget(l, e);
}


static bool
is_current(const struct loop *l, const struct event *e)
{
    return e->added && e->batch != l->batch;
}


static void
call_write(struct loop *l, struct event *e, bool is_change)
{
    if (is_change && is_current(l, e) && e->on_write != NULL)
        e->on_write(e);
}


static void
call_read(struct loop *l, struct event *e, bool is_change)
{
    if (is_change && is_current(l, e) && e->on_read != NULL)
        e->on_read(e);
}


/* All flags are set before the first handler is called, so that it sees them
 * all.  A broken socket is marked ready for everything: the next call on it
 * returns the error. */
static void
dispatch(struct loop *l, struct event *e, uint32_t what)
{
    bool is_broken = what & (EPOLLERR | EPOLLHUP);
    bool is_hangup = is_broken || (what & EPOLLRDHUP);
    bool may_read = is_hangup || (what & EPOLLIN);
    bool may_write = is_broken || (what & EPOLLOUT);
    bool read_changed, write_changed, write_first;

    if (!is_current(l, e))
        return;
    if (e->is_listener) {
        e->readable = true;
        call_read(l, e, true);
        return;
    }
    read_changed = (may_read && !e->readable) || (is_hangup && !e->hangup);
    write_changed = may_write && !e->writable;
    e->readable |= may_read;
    e->is_told |= may_read;
    e->hangup |= is_hangup;
    e->writable |= may_write;

    write_first = e->write_first;
    if (write_first)
        call_write(l, e, write_changed);
    call_read(l, e, read_changed);
    if (!write_first)
        call_write(l, e, write_changed);
}


/* When the batch is full, urgent events may still be in the kernel: fetch those
 * separately. */
static void
poll_urgent(struct loop *l)
{
    struct pollfd p[URGENT_MAX];
    struct event *e[URGENT_MAX];
    unsigned      n = l->n_urgent;

    for (unsigned i = 0; i < n; i++) {
        e[i] = l->urgent[i];
        p[i] = (struct pollfd){ .fd = e[i]->fd, .events = POLLIN };
    }
    if (n == 0 || poll(p, n, 0) <= 0)
        return;
    for (unsigned i = 0; i < n; i++)
        if (p[i].revents != 0)
            dispatch(l, e[i], EPOLLIN);
}


static void
handle(struct loop *l, unsigned n)
{
    bool has_urgent = l->n_urgent != 0;

    for (unsigned i = 0; has_urgent && i < n; i++) {
        struct event *e = l->events[i].data.ptr;

        if (is_current(l, e) && e->is_urgent)
            dispatch(l, e, l->events[i].events);
    }
    if (n == l->max_events)
        poll_urgent(l);
    for (unsigned i = 0; i < n; i++) {
        struct event *e = l->events[i].data.ptr;

        if (!e->is_urgent)
            dispatch(l, e, l->events[i].events);
    }
}


void
epoll_turn(struct loop *l, int timeout_ms)
{
    int n;

    add_unwatched(l);
    n = epoll_wait(l->epoll, l->events, (int) l->max_events, timeout_ms);
    l->batch++;
    if (n == -1 && errno != EINTR)
        log_at(l->log, LEVEL_ALERT, errno, "epoll_wait() failed");
    clock_update();
    if (n > 0)
        handle(l, (unsigned) n);
}
