/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The accepting side of a worker.  Listeners are level-triggered, so what one
 * turn leaves in the backlog comes up again in the next, here or in another
 * worker.  Pausing means not watching at all: no turn is spent on a backlog
 * that cannot be taken.
 *
 * A full worker without idle connections closes slow clients (pressure.h).
 * When there are none, either, it pauses for a moment, in which other workers or
 * connections that end may help; what still waits then is refused.  Left
 * waiting, it could hold up the very connections that it waits for: those of a
 * location that proxies to its own server.  Where clients are being measured,
 * it waits for the outcome first.
 */
#include "core/net/accept.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/net/counters.h"
#include "core/net/pressure.h"
#include "core/os/clock.h"

enum {
    PAUSE_MS = 500,    /* out of descriptors                                 */
    PATIENCE_MS = 100, /* out of room                                        */
    PRESSING_MS = 50,  /* ... while clients are being measured               */
    PRESSING_MAX_MS = 2 * PACE_WINDOW,
    TELL_MS = 1000, /* of slow clients                                    */
    EVICT_MANY = 32,
    ROTATE = 16,
    REFUSE_MANY = 1024, /* of a socket in one turn                           */
    DRAIN_MANY = 65536, /* more than a backlog                               */
};

struct acceptor {
    struct loop      *loop;
    const struct log *log;
    unsigned          number;
    bool              multi_accept, exclusive, is_paused, is_stopped;
    time_t            warned_at, alerted_at;
    msec_t            full_at; /* when accepting paused for lack of room    */
    bool              is_soon; /* slow clients may be found                 */
    size_t            n_slow;  /* ... closed, not told so far               */
    struct timer      tell;
    struct timer      retry;    /* descriptors may have been freed           */
    struct timer      patience; /* for room                                  */
    struct post       resume; /* room was made                               */
    struct port      *ports;
};


static void
unwatch(struct acceptor *a)
{
    for (struct port *p = a->ports; p != NULL; p = p->next)
        event_remove(a->loop, &p->event);
}


static bool
watch(struct acceptor *a)
{
    for (struct port *p = a->ports; p != NULL; p = p->next) {
        struct event *e = &p->event;

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


static void
on_tell(struct timer *t)
{
    struct acceptor *a = container_of(t, struct acceptor, tell);

    log_at(a->log, LEVEL_WARN, 0,
           "%zu worker_connections are not enough, %zu slow clients closed",
           conns.max, a->n_slow);
    a->n_slow = 0;
}


static void
on_pressed(void *arg, size_t n)
{
    struct acceptor *a = arg;

    a->n_slow += n;
    if (!timer_is_set(&a->tell))
        timer_set(a->loop, &a->tell, TELL_MS);
}


/* A few at a time.  Returns how many went that asked for nothing. */
static size_t
evict(struct acceptor *a)
{
    size_t n = conns.active / 8, gone;

    n = n > EVICT_MANY ? EVICT_MANY : n != 0 ? n : 1;
    a->is_soon = false;
    gone = conns_evict(CONN_IDLE, n);
    if (gone == 0 && conns_press(n, &a->is_soon) == 0)
        gone = conns_evict(CONN_NEW, 1);
    return gone;
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
    if (evict(a) == 0)
        return !is_full();
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
    if (!a->is_soon || a->alerted_at != clock_seconds())
        log_at(a->log, LEVEL_ALERT, 0, "%zu worker_connections are not enough",
               conns.max);
    a->alerted_at = clock_seconds();
    a->full_at = clock_ms();
    timer_set(a->loop, &a->patience, a->is_soon ? PRESSING_MS : PATIENCE_MS);
    pause_accepting(a);
    return false;
}


static void
refuse(const struct port *p)
{
    unsigned n;
    int      fd;

    for (n = 0; n < REFUSE_MANY; n++) {
        fd = accept4(p->event.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd == -1)
            return;
        (void) close(fd);
        counter_add(CONNS_ACCEPTED, 1);
    }
}


static void
on_impatient(struct timer *t)
{
    struct acceptor *a = container_of(t, struct acceptor, patience);

    if (!make_room(a) && a->is_soon
        && clock_ms() < a->full_at + PRESSING_MAX_MS) {
        timer_set(a->loop, t, PRESSING_MS);
        return;
    }
    for (struct port *p = a->ports; p != NULL && !make_room(a); p = p->next)
        if (p->event.fd != -1)
            refuse(p);
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
        evict(a);
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
go_behind(struct port *p)
{
    struct acceptor *a = p->acceptor;

    if (!a->exclusive || !p->event.added)
        return;
    event_remove(a->loop, &p->event);
    watch(a);
}


/* False: errno. */
static bool
take(struct port *p)
{
    struct addr_any peer = { .len = sizeof(peer.un) };
    int             fd = accept4(p->event.fd, &peer.sa, &peer.len,
                                 SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd == -1)
        return false;
    if (peer.len == 0 || peer.len == sizeof(peer.sa.sa_family))
        peer.sa.sa_family = p->addr.sa.sa_family;
    p->listener->accept(p, p->acceptor->loop, fd, &peer);
    return true;
}


static bool
accept_one(struct port *p)
{
    struct acceptor *a = p->acceptor;

    if (!has_room(a))
        return false;
    if (!take(p))
        return on_failure(a, errno);
    if (++p->accepted % ROTATE == 0)
        go_behind(p);
    return a->multi_accept;
}


static void
on_connection(struct event *e)
{
    struct port *p = container_of(e, struct port, event);

    /* Whether anybody else waits is not known: nobody is evicted for it. */
    while (accept_one(p) && e->added && !is_full())
        continue;
    if (is_full()) /* the others first, from now on */
        go_behind(p);
}


/* The socket is going to be closed: the system would reset what waits there. */
static void
drain(struct port *p)
{
    unsigned n = 0;

    if (p->event.fd == -1)
        return;
    while (n++ < DRAIN_MANY && !is_full()
           && (take(p) || errno == EINTR || errno == ECONNABORTED))
        continue;
}


struct acceptor *
acceptor_new(struct loop *l, unsigned number, const struct log *log)
{
    struct acceptor *a = calloc(1, sizeof(*a));

    CHECK(a != NULL);
    a->loop = l;
    a->log = log;
    a->number = number;
    a->retry.on_timeout = on_retry;
    a->retry.is_idle = true;
    a->patience.on_timeout = on_impatient;
    a->patience.is_idle = true;
    a->resume.run = on_resume;
    a->tell.on_timeout = on_tell;
    a->tell.is_idle = true;
    conns.on_room = on_room;
    conns.on_pressed = on_pressed;
    conns.arg = a;
    return a;
}


void
port_put(struct port *p)
{
    if (p != NULL && --p->refs == 0)
        free(p);
}


static struct port *
find_port(const struct acceptor *a, const struct listener *l)
{
    struct port *p = a->ports;

    while (
        p != NULL
        && !(p->type == l->type && addr_same(&p->addr.sa, &l->addr.sa, true)))
        p = p->next;
    return p;
}


static struct port *
add_port(struct acceptor *a, const struct listener *l)
{
    struct port *p = calloc(1, sizeof(*p));

    CHECK(p != NULL);
    *p = (struct port){
        .event = { .fd = -1, .on_read = on_connection },
        .next = a->ports,
        .acceptor = a,
        .addr = l->addr,
        .type = l->type,
        .refs = 1,
    };
    a->ports = p;
    return p;
}


/* Gives up the ports that nobody listens at any more. */
static void
drop_ports(struct acceptor *a)
{
    struct port **at = &a->ports, *p;

    while ((p = *at) != NULL) {
        if (p->listener != NULL) {
            at = &p->next;
            continue;
        }
        *at = p->next;
        event_remove(a->loop, &p->event);
        p->event.fd = -1;
        port_put(p);
    }
}


static const struct listener *
find_listener(const listeners_t *in, const struct port *p)
{
    for (size_t i = 0; i < in->n; i++)
        if (in->at[i]->type == p->type
            && addr_same(&p->addr.sa, &in->at[i]->addr.sa, true))
            return in->at[i];
    return NULL;
}


/* To the same address in another configuration; NULL: it has not. */
static void
move_port(struct port *p, const struct listener *to)
{
    struct acceptor *a = p->acceptor;
    int              fd = to != NULL ? listener_fd(to, a->number) : -1;

    if (p->event.fd != fd) {
        drain(p);
        event_remove(a->loop, &p->event);
        p->event.fd = fd;
    }
    p->listener = to;
}


bool
acceptor_adopt(struct acceptor *a, const listeners_t *listeners,
               bool multi_accept, bool exclusive)
{
    if (a->exclusive != exclusive)
        unwatch(a); /* to be watched in the other way */
    a->multi_accept = multi_accept;
    a->exclusive = exclusive;
    for (struct port *p = a->ports; p != NULL; p = p->next)
        move_port(p, find_listener(listeners, p));
    for (size_t i = 0; i < listeners->n; i++) {
        const struct listener *l = listeners->at[i];

        if (l->type == SOCK_STREAM && find_port(a, l) == NULL)
            move_port(add_port(a, l), l);
    }
    drop_ports(a);
    return a->is_paused || a->is_stopped || watch(a);
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
acceptor_leave(struct acceptor *a)
{
    for (struct port *p = a->ports; p != NULL; p = p->next)
        if (p->listener->n_fds != 0)
            drain(p);
    acceptor_stop(a);
}


void
acceptor_free(struct acceptor *a)
{
    if (a == NULL)
        return;
    acceptor_stop(a);
    if (a->n_slow != 0)
        on_tell(&a->tell);
    timer_stop(&a->tell);
    for (struct port *p = a->ports; p != NULL; p = p->next)
        p->listener = NULL;
    drop_ports(a);
    if (conns.arg == a) {
        conns.on_room = NULL;
        conns.on_pressed = NULL;
        conns.arg = NULL;
    }
    free(a);
}
