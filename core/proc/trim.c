/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * malloc keeps what lies below anything that is still in use, which after a burst
 * is most of it.  It goes back to the system in the first second in which little
 * is freed: as long as much is, it will be wanted again.  Much is what is worth
 * the time, 2 ms for 25 MB, beside what is in use.
 */
#include "core/proc/trim.h"

#include "core/base/chain.h"
#include "core/os/memory.h"

enum { MUCH = 4 * 1024 * 1024, LITTLE = 512 * 1024, CALM_MS = 1000 };


static size_t
all_freed(void)
{
    return arena_use()->freed + block_freed();
}


/* Since the last look. */
static size_t
freed(const struct trim *t)
{
    return all_freed() - t->then;
}


static void
on_timeout(struct timer *timer)
{
    struct trim *t = container_of(timer, struct trim, timer);

    if (freed(t) < LITTLE)
        memory_trim();
    else
        timer_set(timer->loop, timer, CALM_MS);
    t->then = all_freed();
}


void
trim_look(struct trim *t, struct loop *l)
{
    size_t n = freed(t);

    if (n < MUCH || n < arena_use()->held / 4 || timer_is_set(&t->timer))
        return;
    t->timer.on_timeout = on_timeout;
    t->timer.is_idle = true;
    timer_set(l, &t->timer, CALM_MS);
    t->then = all_freed();
}
