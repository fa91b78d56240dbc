/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One question to one peer:
 *
 *     connect (or the connection of the question before) -> kind->run -> done
 *
 * and what follows from its outcome.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/net/worker.h"
#include "core/os/clock.h"
#include "core/os/random.h"
#include "core/upstream/health_inside.h"

enum { IDLE_READ = 16384 };

const struct health_kind health_tcp = { .name = "tcp" };


enum step
probe_blame(struct health_probe *p, const char *doing, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    p->why = arena_vprintf(p->task.arena, fmt, args);
    va_end(args);
    p->doing = doing;
    return STEP_FAIL;
}


/* --- the outcome -------------------------------------------------------------- */

static void
tell(const struct health_probe *p, bool is_good)
{
    const struct health_check   *c = health_check_of(p->health);
    const struct upstream_group *g = health_group(p->health);
    struct log                   log = worker->log;

    log_at(&log, is_good ? LEVEL_NOTICE : LEVEL_WARN, 0,
           "peer is %s while %s, health check \"" STR_F "\" of peer " STR_F
           " in upstream \"" STR_F "\"%s" STR_F,
           is_good ? "healthy" : "unhealthy", p->doing, STR_A(c->name),
           STR_A(p->name), STR_A(g->name), p->why.n != 0 ? ": " : "",
           STR_A(p->why));
}


static void
set_state(struct health_probe *p, enum health_state state)
{
    struct health_slot *s = p->slot;

    if (state == HEALTH_DOWN)
        s->unhealthy++;
    atomic_store(&s->state, (unsigned) state);
    tell(p, state == HEALTH_UP);
}


static void
count(struct health_probe *p, bool is_good)
{
    const struct health_check *c = health_check_of(p->health);
    struct health_slot        *s = p->slot;
    unsigned                   state;

    if (s == NULL)
        return;
    state = atomic_load(&s->state);
    s->used_at = clock_ms();
    s->checks++;
    s->last_passed = is_good;
    s->passes = is_good ? s->passes + 1 : 0;
    s->fails = is_good ? 0 : s->fails + 1;
    if (!is_good)
        s->all_fails++;
    if (is_good && state != HEALTH_UP && s->passes >= c->passes)
        set_state(p, HEALTH_UP);
    else if (!is_good && state != HEALTH_DOWN && s->fails >= c->fails)
        set_state(p, HEALTH_DOWN);
}


static void
drop_link(struct health_probe *p)
{
    if (p->link != NULL)
        link_discard(p->link);
    p->link = NULL;
    p->is_connected = false;
}


static bool
may_keep(const struct health_probe *p)
{
    const struct health_check *c = health_check_of(p->health);

    return p->is_reusable && c->keepalive_time != 0 && p->link->conn.out.n == 0
           && clock_ms() - p->connected_at < c->keepalive_time
           && (c->keepalive_requests == 0 || p->asked < c->keepalive_requests);
}


static void
set_next(struct health_probe *p)
{
    const struct health_check *c = health_check_of(p->health);
    uint32_t                   random = 0;

    if (c->jitter != 0)
        random_fill(&random, sizeof(random));
    health_due_in(p, c->interval + (c->jitter != 0 ? random % c->jitter : 0));
}


static void
done(struct health_probe *p, bool is_good)
{
    p->is_asking = false;
    p->is_good = is_good;
    if (is_good && may_keep(p)) {
        timer_stop(&p->link->conn.read_timer);
        timer_stop(&p->link->conn.write_timer);
        link_drop_input(p->link);
        p->link->idle_bytes = 0;
        if (p->link->conn.event.readable)
            task_wake(&p->task);
    } else {
        drop_link(p);
    }
    set_next(p);
    count(p, is_good);
}


/* --- asking -------------------------------------------------------------------- */

/* A connection that was idle and is closed says nothing of the peer. */
static bool
connect_again(struct health_probe *p)
{
    if (p->asked <= 1 || p->is_stale)
        return false;
    p->is_stale = true;
    return true;
}


static enum step
connect_peer(struct health_probe *p)
{
    const struct health_check *c = health_check_of(p->health);
    const struct link_kind     kind = { .protocol = c->kind->protocol };
    struct link_options        o = { .from = NULL };
    enum step                  s;

    p->doing = "connecting to upstream";
    p->link = link_new(&p->task, p->name, &kind);
    p->asked = 0;
    p->connected_at = clock_ms();
    if (c->kind->connect != NULL)
        c->kind->connect(p, &o);
    s = link_connect(p->link, &p->addr, &o, c->connect_timeout);
    if (s == STEP_FAIL && p->link->is_untried)
        return STEP_ACCEPT; /* nothing was learned */
    return s == STEP_FAIL
               ? probe_blame(p, p->doing, "connect() failed (%d: %s)",
                             p->link->error, strerror(p->link->error))
               : s;
}


static enum step
connected(struct health_probe *p)
{
    const struct link *l = p->link;
    enum step          s = link_connected(p->link);

    if (s == STEP_FAIL && l->is_connected)
        return probe_blame(p, "SSL handshaking to upstream",
                           "the handshake failed");
    if (s == STEP_FAIL)
        return probe_blame(p, p->doing, "connect() failed (%d: %s)", l->error,
                           strerror(l->error));
    return s;
}


static void
note_asked(struct health_probe *p)
{
    p->asked++;
    p->asked_at = clock_ms();
    link_wait_read(p->link, health_check_of(p->health)->timeout);
}


/* An answer has its time as a whole: one that comes drop by drop is none. */
static bool
is_late(const struct health_probe *p)
{
    return p->link->timed_out
           || (p->asked != 0
               && clock_ms() - p->asked_at
                      > health_check_of(p->health)->timeout);
}


/* STEP_ACCEPT: the question comes to nothing. */
static enum step
advance(struct health_probe *p)
{
    const struct health_check *c = health_check_of(p->health);
    bool                       is_first = false;
    enum step                  s;

    if (is_late(p))
        return probe_blame(p, p->doing, "timed out");
    if (!p->is_connected) {
        s = connected(p);
        if (s != STEP_NEXT)
            return s;
        p->is_connected = is_first = true;
        p->connected_at = clock_ms();
    }
    if (c->kind->run == NULL)
        return STEP_DONE;
    if (p->asked == 0 || is_first) {
        is_first = true;
        note_asked(p);
    }
    return c->kind->run(p, is_first);
}


static void
finish(struct health_probe *p, enum step s)
{
    if (s == STEP_FAIL && connect_again(p)) {
        drop_link(p);
        p->state = NULL;
        s = connect_peer(p);
        if (s == STEP_NEXT)
            s = advance(p);
    }
    if (s == STEP_WAIT)
        return;
    if (s == STEP_ACCEPT) {
        p->is_asking = p->is_good = false;
        drop_link(p);
        set_next(p);
        return;
    }
    done(p, s == STEP_DONE);
}


/* Something has come between two questions; false: that was the end. */
static bool
stays_idle(struct health_probe *p)
{
    struct link                *l = p->link;
    const struct link_protocol *protocol
        = health_check_of(p->health)->kind->protocol;
    ssize_t n;

    while ((n = link_read(l, IDLE_READ)) > 0) {
        l->idle_bytes += (uint64_t) n;
        if (l->idle_bytes > LINK_HEARD_MAX || protocol == NULL
            || protocol->on_idle == NULL
            || !protocol->on_idle(l, buf_str(&l->in), &l->conn.out)
            || conn_flush(&l->conn, 0) != FLUSH_DONE)
            return false;
        link_drop_input(l);
    }
    link_drop_input(l);
    return n == CONN_AGAIN;
}


static void
run(struct task *t)
{
    struct health_probe *p = container_of(t, struct health_probe, task);

    if (p->link == NULL)
        return;
    if (!p->is_asking) {
        if (!stays_idle(p))
            drop_link(p);
        return;
    }
    finish(p, advance(p));
}


void
probe_init(struct health_probe *p)
{
    static const struct log_targets nowhere = { .level = LEVEL_STDERR };

    p->log = (struct log){ .targets = &nowhere };
    p->task.arena = arena_new(0);
    p->task.log = &p->log;
    p->task.run = run;
    p->task.kind = FOR_HTTP;
    task_init(&p->task);
}


void
probe_begin(struct health_probe *p)
{
    const struct health_check *c = health_check_of(p->health);
    enum step                  s = STEP_NEXT;

    p->is_asking = true;
    p->is_reusable = p->is_stale = false;
    p->why = STR("");
    p->state = NULL;
    if (p->link == NULL) {
        arena_reset(p->task.arena);
        s = connect_peer(p);
    } else {
        arena_reset(p->task.arena);
        chain_init(&p->link->conn.out, p->task.arena);
        note_asked(p);
        finish(p, c->kind->run(p, true));
        return;
    }
    finish(p, s == STEP_NEXT ? advance(p) : s);
}


void
probe_cut(struct health_probe *p)
{
    drop_link(p);
    task_end(&p->task);
}
