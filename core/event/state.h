/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inside of a loop, for the files of core/event alone.
 */
#pragma once

#include <sys/epoll.h>

#include "core/event/loop.h"

enum { URGENT_MAX = 8, UNWATCHED_MAX = 64 };

struct loop {
    int                 epoll;
    unsigned            max_events;
    uint32_t            batch;    /* counts waits: see event_add             */
    struct epoll_event *events;
    struct event       *urgent[URGENT_MAX];
    unsigned            n_urgent;
    struct event       *unwatched[UNWATCHED_MAX]; /* added with the next wait */
    unsigned            n_unwatched;

    struct heap         timers;
    size_t              n_idle;      /* of the timers that are set           */
    bool                is_expiring; /* timers are being called              */

    struct list         posts, late, next, reaped;
    bool                is_stopped, in_turn;
    void              (*each_turn)(void *arg);
    void               *each_turn_arg;
    const struct log   *log;
};

/* epoll.c: waits at most timeout_ms (-1: for ever) and calls the handlers. */
bool epoll_open(struct loop *l);
void epoll_shut(struct loop *l);
void epoll_turn(struct loop *l, int timeout_ms);

/* timer.c: milliseconds until the next one is due, -1: none is set. */
int  timers_wait(const struct loop *l);
void timers_expire(struct loop *l);
