/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A reader may see numbers of two moments; they are for people.
 */
#include "core/proc/holds.h"

#include <sys/mman.h>

/* More than there are children: during an upgrade, two masters have some. */
enum { TABLES = 2048 };

static struct holds *tables;


bool
holds_open(void)
{
    void *p = mmap(NULL, sizeof(*tables) * TABLES, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        return false;
    tables = p;
    return true;
}


struct holds *
holds_take(void)
{
    for (unsigned i = 0; tables != NULL && i < TABLES; i++)
        if (!tables[i].is_taken) {
            tables[i].is_taken = true;
            return &tables[i];
        }
    return NULL;
}


void
holds_put(struct holds *h)
{
    if (h != NULL)
        memset(h, 0, sizeof(*h));
}


void
holds_publish(struct holds *h, const struct list *alive)
{
    unsigned           n = 0;
    const struct list *l;

    for (l = alive->prev; l != alive; l = l->prev) {
        const struct generation *g = list_entry(l, struct generation, alive);
        struct hold              before = { .number = 0 };

        if (n == HOLDS_MAX)
            before = h->at[--n];
        h->at[n++] = (struct hold){
            .number = g->number,
            .since = (uint64_t) g->since,
            .requests = before.requests + g->requests,
            .connections = before.connections + g->connections,
        };
    }
    if (n < HOLDS_MAX)
        h->at[n].number = 0;
}
