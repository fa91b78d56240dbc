/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The accepting side of a worker.  Listeners are level-triggered, so what one
 * turn leaves in the backlog comes up again in the next, here or in another
 * worker.  Pausing means not watching at all: no turn is spent on a backlog
 * that cannot be taken.
 *
 * A full worker pauses for a moment, in which other workers or connections
 * that end may help; what still waits then is refused.  Left waiting, it could
 * hold up the very connections that it waits for: those of a location that
 * proxies to its own server.
 */
#include "core/net/accept.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/net/worker.h"
#include "core/os/clock.h"

enum {
    PAUSE_MS = 500,    /* out of descriptors                                 */
    PATIENCE_MS = 100, /* out of room                                        */
    EVICT_MANY = 32,
    ROTATE = 16,
    REFUSE_MANY = 1024, /* of a socket in one turn                           */
};

struct gate {
    struct event     event;
    struct acceptor *acceptor;
    struct listener *listener;
    unsigned         accepted;
};

struct acceptor {
    struct loop      *loop;
    const struct log *log;
    bool              multi_accept, exclusive, is_paused, is_stopped;
    time_t            warned_at;
    struct timer      retry;    /* descriptors may have been freed           */
    struct timer      patience; /* for room                                  */
    struct post       resume; /* room was made                               */
    size_t            n;
    struct gate       gates[];
};


static void
unwatch(struct acceptor *a)
{
    for (size_t i = 0; i < a->n; i++)
        event_remove(a->loop, &a->gates[i].event);
}


static bool
watch(struct acceptor *a)
{
    for (size_t i = 0; i < a->n; i++) {
        struct event *e = &a->gates[i].event;

        if (e->fd == -1 || e->added)
            continue;
        if (!event_add_listener(a->loop, e, a->exclusive)) {
            log_at(a->log, LEVEL_ALERT, errno, "epoll_ctl(1, %d) failed",
                   e->fd);
            return false;
        }
    }
    return true;
}


static void
pause_accepting(struct acceptor *a)
{
    a->is_paused = true;
    unwatch(a);
}


static void
resume_accepting(struct acceptor *a)
{
    if (!a->is_paused || a->is_stopped)
        return;
    a->is_paused = false;
    timer_stop(&a->patience);
    watch(a);
}


static void
on_retry(struct timer *t)
{
    resume_accepting(container_of(t, struct acceptor, retry));
}


static void
on_resume(struct post *p)
{
    struct acceptor *a = container_of(p, struct acceptor, resume);

    if (!timer_is_set(&a->retry))
        resume_accepting(a);
}


/* In the middle of somebody's conn_close. */
static void
on_room(void *arg)
{
    struct acceptor *a = arg;

    if (a->is_paused)
        post_add(a->loop, &a->resume);
}


/* A few at a time: newcomers that have not asked for anything yet are idle as
 * well, at the end of the list. */
static size_t
evict(void)
{
    size_t n = conns.active / 8;

    return conns_evict(n > EVICT_MANY ? EVICT_MANY : n != 0 ? n : 1);
}


static bool
is_full(void)
{
    return conns.max != 0 && conns.active >= conns.max;
}


/* That somebody had to go is said once a second. */
static bool
make_room(struct acceptor *a)
{
    if (!is_full())
        return true;
    if (evict() == 0)
        return false;
    if (a->warned_at != clock_seconds())
        log_at(a->log, LEVEL_WARN, 0,
               "%zu worker_connections are not "
               "enough, reusing connections",
               conns.max);
    a->warned_at = clock_seconds();
    return !is_full();
}


static bool
has_room(struct acceptor *a)
{
    if (make_room(a))
        return true;
    log_at(a->log, LEVEL_ALERT, 0, "%zu worker_connections are not enough",
           conns.max);
    timer_set(a->loop, &a->patience, PATIENCE_MS);
    pause_accepting(a);
    return false;
}


static void
refuse(const struct gate *g)
{
    unsigned n;
    int      fd;

    for (n = 0; n < REFUSE_MANY; n++) {
        fd = accept4(g->event.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd == -1)
            return;
        (void) close(fd);
        stats_add(worker->stats, accepted, 1);
    }
}


static void
on_impatient(struct timer *t)
{
    struct acceptor *a = container_of(t, struct acceptor, patience);

    for (size_t i = 0; i < a->n && !make_room(a); i++)
        if (a->gates[i].event.fd != -1)
            refuse(&a->gates[i]);
    resume_accepting(a);
}


/* Whether to go on with this socket. */
static bool
on_failure(struct acceptor *a, int error)
{
    switch (error) {
    case EAGAIN:
        return false;
    case EINTR:
        return true;
    case ECONNABORTED:
        log_errno(a->log, error, "accept4() failed");
        return true;
    case EMFILE:
    case ENFILE:
        log_at(a->log, LEVEL_CRIT, error, "accept4() failed");
        evict();
        timer_set(a->loop, &a->retry, PAUSE_MS);
        pause_accepting(a);
        return false;
    default:
        log_at(a->log, LEVEL_ALERT, error, "accept4() failed");
        return false;
    }
}


/* The kernel wakes the first of the workers that wait on a socket, and always
 * the same one while they are idle: so each goes to the end of the row after
 * some connections. */
static void
go_behind(struct gate *g)
{
    struct acceptor *a = g->acceptor;

    if (!a->exclusive || !g->event.added)
        return;
    event_remove(a->loop, &g->event);
    watch(a);
}


static bool
accept_one(struct gate *g)
{
    struct acceptor *a = g->acceptor;
    struct addr_any  peer = { .len = sizeof(peer.un) };
    int              fd;

    if (!has_room(a))
        return false;
    fd = accept4(g->event.fd, &peer.sa, &peer.len,
                 SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd == -1)
        return on_failure(a, errno);
    if (peer.len == 0 || peer.len == sizeof(peer.sa.sa_family))
        peer.sa.sa_family = g->listener->addr.sa.sa_family;
    g->listener->accept(g->listener, a->loop, fd, &peer);
    if (++g->accepted % ROTATE == 0)
        go_behind(g);
    return a->multi_accept;
}


static void
on_connection(struct event *e)
{
    struct gate *g = container_of(e, struct gate, event);

    /* Whether anybody else waits is not known: nobody is evicted for it. */
    while (accept_one(g) && e->added && !is_full())
        continue;
    if (is_full()) /* the others first, from now on */
        go_behind(g);
}


struct acceptor *
acceptor_new(struct loop *l, const listeners_t *listeners, unsigned number,
             bool multi_accept, const struct log *log)
{
    struct acceptor *a
        = calloc(1, sizeof(*a) + listeners->n * sizeof(struct gate));

    CHECK(a != NULL);
    a->loop = l;
    a->log = log;
    a->multi_accept = multi_accept;
    a->retry.on_timeout = on_retry;
    a->retry.is_idle = true;
    a->patience.on_timeout = on_impatient;
    a->patience.is_idle = true;
    a->resume.run = on_resume;
    for (size_t i = 0; i < listeners->n; i++) {
        if (listeners->at[i]->type != SOCK_STREAM)
            continue;
        a->gates[a->n++] = (struct gate){
            .event = { .fd = listener_fd(listeners->at[i], number),
                       .on_read = on_connection },
            .acceptor = a,
            .listener = listeners->at[i],
        };
    }
    conns.on_room = on_room;
    conns.arg = a;
    return a;
}


bool
acceptor_start(struct acceptor *a, bool exclusive)
{
    a->exclusive = exclusive;
    return watch(a);
}


void
acceptor_stop(struct acceptor *a)
{
    a->is_stopped = true;
    timer_stop(&a->retry);
    timer_stop(&a->patience);
    post_cancel(&a->resume);
    unwatch(a);
}


void
acceptor_free(struct acceptor *a)
{
    if (a == NULL)
        return;
    acceptor_stop(a);
    if (conns.arg == a) {
        conns.on_room = NULL;
        conns.arg = NULL;
    }
    free(a);
}
