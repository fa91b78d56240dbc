/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event loop of a process: descriptors (epoll, edge-triggered), timers,
 * posted work.  A turn is
 *
 *     wait for events > urgent descriptors > the others > timers > posted
 *     work, until there is none > the tail: what was given up in this turn
 *     is freed
 *
 * Handlers free nothing that an event may still point at: they hand it to
 * loop_reap, and it goes at the tail.  Objects are embedded and found back
 * with container_of.
 */
#pragma once

#include "core/base/heap.h"
#include "core/base/list.h"
#include "core/base/number.h"

struct loop;
struct log;

/* Flags become true with an event, and stay true until a read or write returned
 * EAGAIN and the caller clears them.  Handlers are called on changes only. */
struct event {
    int      fd;       /* -1: not open                                       */
    uint32_t batch;    /* number of the wait in which it was added           */
    bool     readable; /* may be read until it says EAGAIN                   */
    bool     writable;
    bool     is_told;  /* the kernel has said that it is readable; cleared by
                          whoever wants to know of it                        */
    bool     hangup;   /* the peer has closed its side, or all is broken     */
    bool     added;
    bool     write_first; /* connecting: on_write tells the outcome, on_read
                             waits for it                                    */
    bool     is_urgent : 1;   /* handled before the others of a turn
                                 (inotify)                                   */
    bool     is_listener : 1; /* level-triggered: on_read at each turn       */
    bool     knows_room : 1;  /* the kernel tells when it becomes writable   */
    bool     is_unwatched : 1; /* will be added with the next wait           */
    void   (*on_read)(struct event *);  /* readable or hangup became true    */
    void   (*on_write)(struct event *); /* writable became true              */
};

struct timer {
    struct heap_node node;
    struct loop     *loop;
    msec_t           at : 63; /* monotonic; may be later than node.key       */
    msec_t           is_idle : 1; /* does not delay the end of a worker; set it
                                     before timer_set */
    void           (*on_timeout)(struct timer *);
};

struct post {
    struct list link; /* zeroed or list_init'ed: not posted                  */
    void      (*run)(struct post *);
};

/* NULL when epoll is not available; the reason is logged. */
struct loop *loop_new(const struct log *log, unsigned max_events);
void         loop_free(struct loop *l);

/* Runs turns until loop_stop; the handlers of signals set flags, which
 * each_turn looks at.  Each turn waits no longer than the next timer
 * and calls each_turn(arg), if set, at its end. */
void loop_run(struct loop *l);
/* One turn, waiting at most max_wait_ms. */
void loop_turn(struct loop *l, msec_t max_wait_ms);
void loop_stop(struct loop *l);
void loop_each_turn(struct loop *l, void (*fn)(void *arg), void *arg);

/* Starts watching e->fd for both directions, edge-triggered.  False with
 * errno set. */
bool event_add(struct loop *l, struct event *e);
/* The same for a socket that is writable; that it has become writable again is
 * only told after event_blocked.  The kernel calls for a Unix socket whenever
 * its peer has read something. */
bool event_add_writable(struct loop *l, struct event *e);
/* The same, but only before the loop waits the next time: a peer that connect
 * has woken then finds sooner what is written meanwhile. */
bool event_add_late(struct loop *l, struct event *e);
/* A write has found no room, or not enough of it: no longer writable. */
void event_blocked(struct loop *l, struct event *e);
/* Starts watching a listening socket: level-triggered reading, exclusive where
 * several workers wait on it. */
bool event_add_listener(struct loop *l, struct event *e, bool exclusive);
/* Stops watching.  Events for it in the current batch are dropped. */
void event_remove(struct loop *l, struct event *e);
/* The same without a system call, for a descriptor that is closed right after
 * it. */
void event_forget(struct loop *l, struct event *e);

/* Arms or re-arms t to expire in delay_ms; moving it to later costs a
 * store.  t->on_timeout is called once, with t no longer set. */
void timer_set(struct loop *l, struct timer *t, msec_t delay_ms);
void timer_stop(struct timer *t);
static inline bool
timer_is_set(const struct timer *t)
{
    return t->node.place != 0;
}
/* Milliseconds until it expires, 0 when due or not set. */
msec_t timer_left(const struct timer *t);
/* The number of set timers, without idle ones. */
size_t timer_count(const struct loop *l);

/* Runs p->run in this turn, after events and timers; nothing happens when it
 * is posted already. */
void post_add(struct loop *l, struct post *p);
/* The same, but after everything else in this turn: for gathered writes. */
void post_add_late(struct loop *l, struct post *p);
/* Runs it in the next turn, which does not wait for events: lets others run
 * during long work. */
void post_add_next(struct loop *l, struct post *p);
void post_cancel(struct post *p);
static inline bool
post_is_added(const struct post *p)
{
    return p->link.next != NULL && p->link.next != &p->link;
}

/* Runs p->run at the end of the turn, when no handler is active: to free
 * memory. */
void loop_reap(struct loop *l, struct post *p);
