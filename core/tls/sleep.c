/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One list has those that are awake, in the order in which they are looked at; who
 * has been used since goes to its end.  So nothing but a flag is set for each use,
 * and a connection falls asleep between once and twice the time after the last one.
 */
#include "core/tls/sleep.h"

#include "core/os/clock.h"
#include "core/tls/slot.h"

enum {
    AT_ONCE = 64,  /* that are looked at in one turn of the loop              */
    SOON_MS = 5,   /* ... and the next ones after that                        */
    LOOKS = 4,     /* in that time                                            */
    OFF_MS = 3000, /* ... where nobody sleeps: for slots that are free        */
};

/* Of the process. */
static struct list  awake = { &awake, &awake };
static struct timer timer;
static struct loop *loop;
static msec_t       after;
static msec_t       trim_at; /* the next time                                 */


static void
put_last(struct slot *s)
{
    s->look_at = clock_ms() + after;
    list_append(&awake, &s->link);
}


/* Whether anything is under way, here; or may soon be. */
static bool
is_busy(const struct tls *t)
{
    return t->in != NULL || t->out != NULL || t->owed != 0 || t->has_ahead
           || t->is_early || t->op != NULL || !SSL_is_init_finished(t->handle)
           || SSL_has_pending(t->handle);
}


static void
look(struct slot *s)
{
    struct tls *t = s->owner;

    list_remove(&s->link);
    if (t->rest == REST_NONE || is_busy(t)) {
        t->rest = REST_QUIET;
        put_last(s);
    } else {
        t->packed = slot_pack(s);
        t->rest = REST_ASLEEP;
    }
}


/* False: there are more. */
static bool
look_at_some(msec_t now)
{
    struct slot *s;

    for (unsigned n = 0; after != 0 && !list_empty(&awake); n++) {
        s = list_entry(awake.next, struct slot, link);
        if (s->look_at > now)
            break;
        if (n == AT_ONCE)
            return false;
        look(s);
    }
    return true;
}


static msec_t
period(void)
{
    return after != 0 ? after : OFF_MS;
}


static void
on_timeout(struct timer *t)
{
    msec_t now = clock_ms();

    if (now >= trim_at) {
        slot_trim();
        trim_at = now + period();
    }
    if (!look_at_some(now))
        timer_set(loop, t, SOON_MS);
    else if ((after != 0 && !list_empty(&awake)) || slot_can_trim())
        timer_set(loop, t, period() / LOOKS + 1);
}


static void
start_timer(void)
{
    if (loop == NULL || timer_is_set(&timer))
        return;
    timer.is_idle = 1;
    timer.on_timeout = on_timeout;
    timer_set(loop, &timer, period() / LOOKS + 1);
}


void
sleep_set(msec_t after_ms)
{
    after = after_ms;
    if (loop != NULL)
        timer_stop(&timer);
    start_timer();
}


void
sleep_watch(struct conn *c)
{
    struct tls  *t = c->tls;
    struct slot *s = slot_of(t->handle);

    if (s == NULL)
        return;
    loop = c->loop;
    s->owner = t;
    put_last(s);
    start_timer();
}


void
sleep_leave(struct conn *c)
{
    struct slot *s = slot_of(c->tls->handle);

    if (s == NULL)
        return;
    if (s->owner != NULL)
        list_remove(&s->link);
    loop = c->loop;
    start_timer();
}


void
sleep_end(struct tls *t)
{
    struct slot *s;

    if (t->rest == REST_ASLEEP) {
        slot_unpack(t->packed);
        t->packed = NULL;
        s = slot_of(t->handle);
        put_last(s);
        start_timer();
    }
    t->rest = REST_NONE;
}


SSL *
tls_ssl(const struct conn *c)
{
    return c->tls != NULL && c->tls->is_open ? tls_awake(c->tls) : NULL;
}


SSL *
tls_handle(const struct conn *c)
{
    return c->tls != NULL ? tls_awake(c->tls) : NULL;
}
