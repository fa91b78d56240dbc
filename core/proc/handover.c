/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Handing over a generation: both sides go through the same list of places
 * where descriptors belong, which they find in the image.
 */
#include "core/proc/handover.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/conf/image.h"
#include "core/os/clock.h"
#include "core/shm/registry.h"
#include "core/tls/renewal.h"

enum {
    PATIENCE_MS = 5000, /* a worker may be in the middle of a long turn      */
    FULL_MS = 20,       /* between tries to send to one                      */
    FDS_MAX = 65536,
};

struct place {
    int             *fd;
    struct log_file *file; /* whose descriptor it is; or NULL                */
};

struct places {
    struct arena     *arena;
    VEC(struct place) list;
};


static void
add_place(struct places *p, int *fd, struct log_file *file)
{
    *vec_push(p->arena, &p->list) = (struct place){ fd, file };
}


/* Where the descriptors belong that this worker lacks of g.  Not changed before
 * all are known. */
static void
find_places(struct places *p, struct generation *g, const listeners_t *old,
            unsigned number)
{
    p->arena = arena_new(0);
    for (struct log_file *f = g->files; f != NULL; f = f->next)
        if (f->fd != -1)
            add_place(p, &f->fd, f);
    for (struct generation_fd *f = g->fds; f != NULL; f = f->next)
        if (f->fd != -1)
            add_place(p, &f->fd, NULL);
    for (struct zone_conf *z = g->zones; z != NULL; z = z->next)
        if (z->fd != -1)
            add_place(p, &z->fd, NULL);
    for (size_t i = 0; i < g->listeners.n; i++) {
        int *fd = listener_lacks(g->listeners.at[i], old, number);

        if (fd != NULL)
            add_place(p, fd, NULL);
    }
}


/* --- in the master --------------------------------------------------------- */

/* False: errno. */
static bool
send_patiently(int channel, const struct order *o, const int *fds, unsigned n)
{
    struct pollfd p = { .fd = channel, .events = POLLOUT };

    for (unsigned waited = 0; waited < PATIENCE_MS; waited += FULL_MS) {
        if (channel_send(channel, o, sizeof(*o), fds, n))
            return true;
        /* So many descriptors are on their way in all that the system waits
         * for some to arrive. */
        if (errno == ETOOMANYREFS)
            poll(NULL, 0, FULL_MS);
        else if (errno != EAGAIN || poll(&p, 1, FULL_MS) == -1)
            return false;
    }
    return false;
}


static bool
offer(const struct child *it, struct generation *g, const listeners_t *old)
{
    struct places p = { .list = { 0 } };
    struct order  o = { .kind = ORDER_ADOPT,
                        .number = g->number,
                        .gen = g,
                        .slot = image_slot(g->image),
                        .size = image_size(g->image) };
    int           fds[CHANNEL_FDS] = { image_fd(g->image) };
    unsigned      n = 1;
    size_t        i = 0;
    bool          is_sent = true;

    find_places(&p, g, old, it->number);
    o.n_fds = (unsigned) p.list.n + 1;
    do {
        while (n < CHANNEL_FDS && i < p.list.n)
            fds[n++] = *p.list.at[i++].fd;
        is_sent = send_patiently(it->channel, &o, fds, n);
        n = 0;
    } while (is_sent && i < p.list.n);
    arena_free(p.arena);
    return is_sent;
}


/* What a child has said about that generation; false: nothing so far. */
static bool
hear(const struct child *it, uint64_t number, enum answer_kind *out)
{
    struct answer a;
    int           fds[CHANNEL_FDS];
    unsigned      n;

    while (channel_receive(it->channel, &a, sizeof(a), fds, &n)) {
        while (n > 0)
            close(fds[--n]);
        if (a.number != number)
            continue;
        *out = a.kind;
        return true;
    }
    *out = ANSWER_FAILED;
    return errno != EAGAIN;
}


struct hearing {
    struct pollfd poll[CHILDREN_MAX];
    struct child *of[CHILDREN_MAX];
    nfds_t        n;
};


static void
expect(struct hearing *h, struct child *it)
{
    h->poll[h->n] = (struct pollfd){ .fd = it->channel, .events = POLLIN };
    h->of[h->n++] = it;
}


/* Waits until all that are expected have answered, and marks those that are
 * ready.  False: it took too long for some. */
static bool
hear_all(struct hearing *h, uint64_t number)
{
    msec_t           end = clock_fresh_ms() + PATIENCE_MS, now;
    enum answer_kind kind;

    while (h->n != 0 && (now = clock_fresh_ms()) < end) {
        if (poll(h->poll, h->n, (int) (end - now)) == -1 && errno != EINTR)
            return false;
        for (nfds_t i = h->n; i > 0; i--) {
            if (!hear(h->of[i - 1], number, &kind))
                continue;
            h->of[i - 1]->is_ready = kind == ANSWER_READY;
            h->n--;
            h->of[i - 1] = h->of[h->n];
            h->poll[i - 1] = h->poll[h->n];
        }
    }
    return h->n == 0;
}


unsigned
handover_offer(struct children *c, struct generation *g, const listeners_t *old)
{
    struct hearing h = { .n = 0 };
    unsigned       n = 0;

    for (unsigned i = 0; i < c->n; i++) {
        struct child *it = &c->at[i];

        it->is_ready = false;
        if (it->pid != 0 && !it->is_old && it->holder != -1 && it->channel != -1
            && offer(it, g, old))
            expect(&h, it);
    }
    hear_all(&h, g->number);
    for (unsigned i = 0; i < c->n; i++)
        n += c->at[i].is_ready;
    return n;
}


bool
handover_switch(struct children *c, const struct generation *g)
{
    struct order   o = { .kind = ORDER_SWITCH, .number = g->number };
    struct hearing h = { .n = 0 };
    bool           is_done = true;

    for (unsigned i = 0; i < c->n; i++) {
        struct child *it = &c->at[i];

        if (!it->is_ready)
            continue;
        if (send_patiently(it->channel, &o, NULL, 0))
            expect(&h, it);
        else
            is_done = false;
    }
    return hear_all(&h, g->number) && is_done;
}


void
handover_drop(struct children *c, const struct generation *g)
{
    struct order o = { .kind = ORDER_DROP, .number = g->number };

    for (unsigned i = 0; i < c->n; i++) {
        struct child *it = &c->at[i];

        if (it->is_ready)
            send_patiently(it->channel, &o, NULL, 0);
        it->is_ready = false;
    }
}


void
handover_renew(const struct children *c, const struct generation *g, int fd,
               const struct log *log)
{
    struct order o = { .kind = ORDER_RENEW, .number = g->number };

    for (unsigned i = 0; i < c->n; i++) {
        const struct child *it = &c->at[i];

        if (it->pid == 0 || it->is_old
            || (it->channel != -1 && send_patiently(it->channel, &o, &fd, 1)))
            continue;
        log_at(log, LEVEL_ALERT, errno,
               "worker process %d cannot be told of changed certificates: it "
               "is replaced",
               (int) it->pid);
        if (kill(it->pid, SIGQUIT) == -1)
            log_at(log, LEVEL_ALERT, errno, "kill(%d, %d) failed",
                   (int) it->pid, SIGQUIT);
    }
}


bool
handover_ask(const struct children *c, int fd, str_t line)
{
    struct order o = { .kind = ORDER_ANSWER, .n = (uint16_t) line.n };

    if (line.n > sizeof(o.line))
        return false;
    memcpy(o.line, line.p, line.n);
    for (unsigned i = 0; i < c->n; i++) {
        const struct child *it = &c->at[i];

        if (it->pid != 0 && !it->is_old && it->channel != -1
            && channel_send(it->channel, &o, sizeof(o), &fd, 1))
            return true;
    }
    return false;
}


/* --- in the worker --------------------------------------------------------- */

static void
say(struct adoption *a, enum answer_kind kind, uint64_t number)
{
    struct answer answer = { kind, number };

    if (!channel_send(a->event.fd, &answer, sizeof(answer), NULL, 0))
        log_at(&a->self->log, LEVEL_ALERT, errno,
               "the master cannot be told about generation %llu",
               (unsigned long long) number);
}


static void
forget_order(struct adoption *a)
{
    while (a->n_fds > 0)
        if (a->fds[--a->n_fds] != -1)
            close(a->fds[a->n_fds]);
    free(a->fds);
    a->fds = NULL;
}


/* Takes it back before it was served. */
static void
drop(struct adoption *a)
{
    if (a->ready == NULL)
        return;
    listeners_close_foreign(&a->ready->listeners, &a->self->gen->listeners);
    generation_put(a->ready);
    a->ready = NULL;
    a->is_due = false;
}


/* Puts the descriptors that came into their places. */
static bool
settle(struct adoption *a, struct generation *g)
{
    const listeners_t *old = &a->self->gen->listeners;
    struct places      p = { .list = { 0 } };
    int               *next = a->fds + 1;
    bool               is_whole;

    zones_forget(g);
    find_places(&p, g, old, a->self->number);
    is_whole = a->n_fds == p.list.n + 1;
    listeners_localize(&g->listeners, old, a->self->number);
    VEC_EACH(&p.list, it) {
        *it->fd = -1;
        if (!is_whole)
            continue;
        if (it->file != NULL)
            log_file_adopt(it->file, *next);
        else
            *it->fd = *next;
        *next++ = -1;
    }
    arena_free(p.arena);
    return is_whole;
}


static struct generation *
adopt(struct adoption *a)
{
    const struct order *o = &a->order;
    struct generation  *g = o->gen;
    struct image       *image = image_map(o->slot, o->size, a->fds[0]);

    if (image == NULL) {
        log_at(&a->self->log, LEVEL_ALERT, errno,
               "the configuration cannot be mapped");
        return NULL;
    }
    a->ready = g;
    if (settle(a, g) && zones_map(g) && modules_adopt(a->self, g))
        return g;
    drop(a);
    return NULL;
}


static void
on_adopt(struct adoption *a)
{
    struct generation *g = adopt(a);

    forget_order(a);
    say(a, g != NULL ? ANSWER_READY : ANSWER_FAILED, a->order.number);
}


/* A further message of the order that is coming in, or the first of another. */
static void
add_order(struct adoption *a, const struct order *o, int *fds, unsigned n)
{
    if (a->fds == NULL || o->number != a->order.number) {
        forget_order(a);
        drop(a);
        a->order = *o;
        CHECK(o->n_fds > 0 && o->n_fds <= FDS_MAX);
        a->fds = calloc(o->n_fds, sizeof(int));
        if (a->fds == NULL)
            check_memory(o->n_fds * sizeof(int));
    }
    CHECK(n <= a->order.n_fds - a->n_fds);
    memcpy(a->fds + a->n_fds, fds, n * sizeof(int));
    a->n_fds += n;
    if (a->n_fds == a->order.n_fds)
        on_adopt(a);
}


/* The numbers differ where the generation was taken over by a worker that
 * started later: it has them already. */
static void
renew(struct adoption *a, const struct order *o, int *fds, unsigned n)
{
    struct generation *g = a->self->gen;

    if (n == 1 && g->number == o->number && !tls_renewal_take(g, fds[0]))
        log_at(&a->self->log, LEVEL_ALERT, errno,
               "changed certificates cannot be taken over");
    while (n > 0)
        close(fds[--n]);
}


static void
on_answer(struct adoption *a, const struct order *o, const int *fds, unsigned n)
{
    CHECK(n == 1 && o->n <= sizeof(o->line));
    inquiry_answer(a->self, fds[0], (str_t){ o->line, o->n });
}


static void
on_order(struct adoption *a, const struct order *o, int *fds, unsigned n)
{
    switch (o->kind) {
    case ORDER_ANSWER:
        on_answer(a, o, fds, n);
        break;
    case ORDER_ADOPT:
        add_order(a, o, fds, n);
        break;
    case ORDER_SWITCH:
        a->is_due = a->ready != NULL && a->ready->number == o->number;
        break;
    case ORDER_DROP:
        drop(a);
        break;
    case ORDER_RENEW:
        renew(a, o, fds, n);
        break;
    }
}


/* After an order to switch, none is read before that is done: the next one is
 * for a worker that serves that generation.  When the master is gone, the worker
 * serves on until it is told to end. */
static void
on_message(struct event *e)
{
    struct adoption *a = container_of(e, struct adoption, event);
    struct order     o;
    int              fds[CHANNEL_FDS];
    unsigned         n;

    while (!a->is_due && channel_receive(e->fd, &o, sizeof(o), fds, &n))
        on_order(a, &o, fds, n);
    if (a->is_due)
        return;
    e->readable = false;
    if (errno != EAGAIN)
        adoption_stop(a);
}


bool
adoption_start(struct adoption *a, struct worker *w, int channel)
{
    *a = (struct adoption){ .self = w,
                            .event = { .fd = channel, .on_read = on_message } };
    return channel == -1 || event_add(w->loop, &a->event);
}


void
adoption_stop(struct adoption *a)
{
    forget_order(a);
    drop(a);
    if (a->event.fd == -1)
        return;
    event_remove(a->self->loop, &a->event);
    close(a->event.fd);
    a->event.fd = -1;
}


struct generation *
adoption_take(struct adoption *a)
{
    struct generation *g = a->is_due ? a->ready : NULL;

    if (g == NULL)
        return NULL;
    a->is_due = false;
    a->ready = NULL;
    return g;
}


void
adoption_served(struct adoption *a, const struct generation *g)
{
    say(a, ANSWER_SERVING, g->number);
    on_message(&a->event);
}
