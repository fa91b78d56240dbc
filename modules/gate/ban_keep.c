/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When files of bans are written: a second after a change, in the process that
 * made it; so most changes of a busy time share a write, however many processes
 * there are.  Writing a long file takes time, in which nothing else is done, so
 * the next one waits for a multiple of that.
 */
#include "core/base/check.h"
#include "core/net/worker.h"
#include "modules/gate/ban.h"
#include "modules/module.h"

#include <stdlib.h>

enum { DELAY_MS = 1000, SHARE = 50 };

/* For a generation in this process. */
struct keeper {
    struct list        link;
    struct timer       timer;
    struct generation *gen;
    msec_t             delay;
};

static struct list keepers = { &keepers, &keepers };


static struct ban_main *
main_of(const struct generation *g)
{
    return generation_main(g, ban_module.slot);
}


/* False: some could not be written so far. */
static bool
save_all(const struct generation *g, unsigned how)
{
    const struct ban_main *m = main_of(g);
    bool                   is_done = true;

    if (worker->gen == g && !worker->is_exiting)
        how |= BAN_SAVE_IN_FORCE;
    VEC_EACH(&m->zones.all, it)
        if (m->folder.n != 0 && (*it)->in->zone != NULL
            && !ban_file_save(*it, m->folder, how, &worker->log))
            is_done = false;
    return is_done;
}


static void
on_timeout(struct timer *t)
{
    struct keeper *k = container_of(t, struct keeper, timer);
    msec_t         before = clock_fresh_ms();
    bool           is_done = save_all(k->gen, 0);
    msec_t         took = clock_fresh_ms() - before;

    k->delay = DELAY_MS > took * SHARE ? DELAY_MS : took * SHARE;
    if (!is_done)
        timer_set(worker->loop, &k->timer, k->delay);
}


static void
forget(void *arg)
{
    struct keeper *k = arg;

    if (timer_is_set(&k->timer))
        save_all(k->gen, BAN_SAVE_WAITS);
    timer_stop(&k->timer);
    list_remove(&k->link);
    free(k);
}


bool
ban_adopt(struct worker *w, struct generation *g)
{
    struct ban_main *m = main_of(g);
    struct keeper   *k;

    if (m->zones.all.n == 0 || m->folder.n == 0)
        return true;
    k = calloc(1, sizeof(*k));
    if (k == NULL)
        check_memory(sizeof(*k));
    *k = (struct keeper){ .timer
                          = { .on_timeout = on_timeout, .is_idle = true },
                          .gen = g,
                          .delay = DELAY_MS };
    /* What takes the place of a zone begins with all that this one has. */
    LIST_EACH(&keepers, l)
        save_all(list_entry(l, struct keeper, link)->gen, BAN_SAVE_WAITS);
    list_append(&keepers, &k->link);
    arena_defer(g->arena, forget, k);
    VEC_EACH(&m->zones.all, it)
        if ((*it)->in->zone != NULL)
            ban_file_load(*it, m->folder, &w->log);
    return true;
}


void
ban_stop(struct worker *w)
{
    (void) w;
    LIST_EACH(&keepers, l) {
        struct keeper *k = list_entry(l, struct keeper, link);

        save_all(k->gen, BAN_SAVE_WAITS);
        timer_stop(&k->timer);
    }
}


void
ban_changed(const struct generation *g)
{
    LIST_EACH(&keepers, l) {
        struct keeper *k = list_entry(l, struct keeper, link);

        if (k->gen == g && !timer_is_set(&k->timer))
            timer_set(worker->loop, &k->timer, k->delay);
    }
}


void
ban_save(const struct generation *g)
{
    if (main_of(g)->folder.n != 0 && !save_all(g, 0))
        ban_changed(g);
}
