/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All workers go through all certificates; whoever claims one asks.  A few
 * questions are under way at a time; when all that can be claimed is, a timer
 * waits for the next one.
 */
#include "http/stapling.h"

#include <time.h>

#include "core/conf/error_log.h"
#include "core/net/worker.h"
#include "core/tls/stapling.h"
#include "http/conn.h"
#include "http/responder.h"
#include "http/server.h"
#include "http/tls.h"

enum {
    AT_ONCE = 4,
    CLAIMED = RESPONDER_MS / 1000 + 5, /* seconds that a question may take   */
    REST_MOST = 3600,                  /* between two passes                 */
};

/* Handshakes with certificates that are good for nothing without a response. */
enum {
    LOOK_MS = 20, /* whether it is there, as another worker may be asking    */
    LOOKS = 150,  /* after so many, the handshake goes on without            */
};

/* Of the process. */
static struct {
    struct timer          timer;
    struct responder_ask *asks[AT_ONCE];
    size_t                n_asks;
    size_t                at;   /* the next certificate of this pass         */
    time_t                next; /* when there is something to do again       */
    struct generation    *gen;  /* that was adopted last; NULL: it is gone   */
    struct list           held; /* handshakes: http_conn.later               */
    struct timer          look;
} own = { .held = { &own.held, &own.held } };


/* What is to be served next is asked for before it is served. */
static struct generation *
current(void)
{
    return own.gen != NULL ? own.gen : worker->gen;
}


static void
note(time_t at)
{
    if (at < own.next)
        own.next = at;
}


static void
forget(const struct responder_ask *a)
{
    for (size_t i = 0; i < own.n_asks; i++)
        if (own.asks[i] == a) {
            own.asks[i] = own.asks[--own.n_asks];
            return;
        }
}


/* The others follow in the next turn: this one may be about to close
 * connections. */
static void
on_done(struct responder_ask *a)
{
    const struct tls_staple *st = a->owner;

    forget(a);
    if (str_eq(a->request, st->question.request)) /* it was not renewed */
        note(tls_staple_take(st, a->answer, time(NULL), &a->log));
    if (!worker->is_exiting)
        timer_set(worker->loop, &own.timer, 0);
}


static void
ask(const struct http_staple *it)
{
    const struct tls_staple *st = it->staple;
    struct log log = { .targets = error_log_targets(it->server->conf) };
    struct responder_ask *a;

    a = responder_ask(current(), it->server->conf, &log, st->responder,
                      st->question.request, true);
    a->owner = (void *) (uintptr_t) st;
    a->certificate = st->pair->path.p;
    a->on_done = on_done;
    own.asks[own.n_asks++] = a;
}


/* False: as many questions are under way as may be at once. */
static bool
go_on(const http_staples_t *all, time_t now)
{
    time_t until;

    for (; own.at < all->n; own.at++) {
        if (own.n_asks == AT_ONCE)
            return false;
        if (tls_staple_claim(all->at[own.at].staple, now, CLAIMED, &until))
            ask(&all->at[own.at]);
        else
            note(until);
    }
    return true;
}


static void
rest(time_t now)
{
    time_t seconds = own.next > now ? own.next - now : 1;

    if (seconds > REST_MOST)
        seconds = REST_MOST;
    own.at = 0;
    own.next = now + REST_MOST;
    timer_set(worker->loop, &own.timer, (msec_t) seconds * 1000);
}


static void
on_time(struct timer *t)
{
    time_t now = time(NULL);

    (void) t;
    if (!worker->is_exiting && go_on(http_tls_staples(current()), now))
        rest(now);
}


/* A new pass, as there may be something new. */
static void
begin(void)
{
    own.at = 0;
    own.next = time(NULL) + REST_MOST;
    timer_set(worker->loop, &own.timer, 0);
}


/* --- handshakes that wait ------------------------------------------------------- */

static void
go_on_with(struct post *p)
{
    struct event *e = &container_of(p, struct http_conn, later)->conn.event;

    e->on_read(e);
}


static void
on_look(struct timer *t)
{
    struct list *l;

    (void) t;
    while ((l = list_pop(&own.held)) != NULL)
        post_add(worker->loop, container_of(l, struct post, link));
}


enum step
http_stapling_await(struct conn *c)
{
    struct http_conn    *h = http_conn_of_conn(c);
    struct tls_settings *s = http_tls_settings(h);

    if (post_is_added(&h->later))
        return STEP_WAIT;
    if (s->staples == NULL || h->staple_looks == LOOKS
        || !tls_staples_are_awaited(s->staples, time(NULL)))
        return STEP_NEXT;
    h->staple_looks++;
    h->later.run = go_on_with;
    list_append(&own.held, &h->later.link);
    own.look.on_timeout = on_look;
    own.look.is_idle = true;
    if (!timer_is_set(&own.look))
        timer_set(worker->loop, &own.look, LOOK_MS);
    return STEP_WAIT;
}


/* --- the process -------------------------------------------------------------------- */

static void
forget_generation(void *g)
{
    if (own.gen == g)
        own.gen = NULL;
}


void
http_stapling_start(struct worker *w, struct generation *g)
{
    if (w->trace != NULL)
        return;
    own.gen = g;
    arena_defer(g->arena, forget_generation, g);
    if (http_tls_staples(g)->n == 0) {
        timer_stop(&own.timer);
        return;
    }
    own.timer.on_timeout = on_time;
    own.timer.is_idle = true;
    tls_stapling_renewed = begin;
    begin();
}


void
http_stapling_stop(struct worker *w)
{
    (void) w;
    timer_stop(&own.timer);
    timer_stop(&own.look);
    while (own.n_asks != 0)
        responder_cancel(own.asks[--own.n_asks]);
}
