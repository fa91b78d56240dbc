/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Facts to JSON.
 */
#include "core/proc/status.h"

#include <stdlib.h>
#include <unistd.h>

#include "core/base/version.h"
#include "core/net/counters.h"
#include "core/os/clock.h"


struct status_generation *
status_generation(struct status *s, uint64_t number, time_t since)
{
    struct status_generation *g;

    VEC_EACH(&s->generations, it)
        if (it->number == number)
            return it;
    g = vec_push(s->arena, &s->generations);
    g->number = number;
    g->since = since;
    return g;
}


void
status_add(struct status *s, const struct child *c)
{
    static const struct holds nothing;
    const struct hold        *all = c->holds ? c->holds->at : nothing.at, *h;
    struct status_worker     *w = vec_push(s->arena, &s->workers);

    *w = (struct status_worker){ .pid = c->pid,
                                 .number = c->number,
                                 .generation = all->number,
                                 .started_at = c->started_at,
                                 .is_ending = c->is_old };
    if (c->row != NULL)
        w->connections = c->row[CONNS_ACTIVE];
    for (h = all; h < all + HOLDS_MAX && h->number != 0; h++) {
        struct status_generation *g
            = status_generation(s, h->number, (time_t) h->since);

        g->requests += h->requests;
        g->connections += h->connections;
    }
}


static int
newest_first(const void *a, const void *b)
{
    const struct status_generation *x = a, *y = b;

    return (x->number < y->number) - (x->number > y->number);
}


static void
put_generations(struct json_text *t, struct status *s)
{
    if (s->generations.n != 0)
        qsort(s->generations.at, s->generations.n, sizeof(*s->generations.at),
              newest_first);
    json_open(t, "generations", '[');
    VEC_EACH(&s->generations, g) {
        json_open(t, NULL, '{');
        json_put_number(t, "number", g->number);
        json_put_number(t, "since", (uint64_t) g->since);
        json_put_number(t, "requests", g->requests);
        json_put_number(t, "connections", g->connections);
        json_close(t, '}');
    }
    json_close(t, ']');
}


static void
put_workers(struct json_text *t, const struct status *s)
{
    msec_t now = clock_fresh_ms();

    json_open(t, "workers", '[');
    VEC_EACH(&s->workers, w) {
        json_open(t, NULL, '{');
        json_put_number(t, "number", w->number);
        json_put_number(t, "pid", (uint64_t) w->pid);
        json_put_number(t, "generation", w->generation);
        json_put_number(t, "uptime", (now - w->started_at) / 1000);
        json_put_number(t, "connections", w->connections);
        json_put_bool(t, "ending", w->is_ending);
        json_close(t, '}');
    }
    json_close(t, ']');
}


void
status_put(struct json_text *t, struct status *s)
{
    json_open(t, NULL, '{');
    json_put(t, "version", STR(WEIR_VERSION));
    json_put_number(t, "pid", (uint64_t) getpid());
    json_put_number(t, "time", (uint64_t) time(NULL));
    json_put_number(t, "generation", s->generation);
    put_generations(t, s);
    put_workers(t, s);
    outcome_put(t, "reload", s->reload);
    json_close(t, '}');
}
