/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Idle coders, the last used one first, because its memory is the most likely
 * to be in the processor's cache.  Those that have been idle for longest go
 * when all of them have too much memory.
 */
#include "modules/filter/coder.h"

enum { IDLE_MAX = 8 << 20 }; /* bytes                                     */

/* One list for each process. */
static struct {
    struct list list;
    size_t      bytes;
} idle = { .list = { &idle.list, &idle.list } };


static void
leave(struct coder *c)
{
    list_remove(&c->link);
    idle.bytes -= c->bytes;
}


static struct coder *
take_idle(const struct coder_plan *plan)
{
    struct coder *c;

    LIST_EACH(&idle.list, l) {
        c = list_entry(l, struct coder, link);
        if (c->codec == plan->codec && c->kind == plan->kind) {
            leave(c);
            return c;
        }
    }
    return NULL;
}


struct coder *
coder_get(const struct coder_plan *plan)
{
    struct coder *c = take_idle(plan);

    if (c != NULL && plan->codec->reset(c, plan))
        return c;
    if (c != NULL)
        c->codec->destroy(c);
    c = plan->codec->create(plan);
    if (c == NULL)
        return NULL;
    c->codec = plan->codec;
    c->kind = plan->kind;
    list_init(&c->link);
    return c;
}


static void
drop_oldest(void)
{
    struct coder *c = list_entry(idle.list.prev, struct coder, link);

    leave(c);
    c->codec->destroy(c);
}


void
coder_put(struct coder *c)
{
    if (c == NULL)
        return;
    list_insert(&idle.list, &c->link);
    idle.bytes += c->bytes;
    while (idle.bytes > IDLE_MAX)
        drop_oldest();
}


void
coders_free(void)
{
    while (!list_empty(&idle.list))
        drop_oldest();
}
