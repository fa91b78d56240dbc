/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A table of rows that is filled from the front, so that only as many pages
 * are used as the number of processes requires.
 */
#include "core/shm/held.h"

#include <string.h>

enum { ROWS = 1024 };

struct row {
    pid_t    pid; /* 0: free                                                 */
    unsigned at[];
};

struct held {
    size_t n;
    char   rows[] __attribute__((aligned(8)));
};


static size_t
row_size(size_t n)
{
    return sizeof(struct row) + n * sizeof(unsigned);
}


static struct row *
row_at(struct held *h, size_t i)
{
    return (struct row *) (void *) (h->rows + i * row_size(h->n));
}


size_t
held_size(size_t n)
{
    return sizeof(struct held) + ROWS * row_size(n);
}


void
held_init(struct held *h, size_t n)
{
    h->n = n;
}


static unsigned *
find(struct held *h, pid_t pid)
{
    for (size_t i = 0; i < ROWS; i++)
        if (row_at(h, i)->pid == pid)
            return row_at(h, i)->at;
    return NULL;
}


static struct row *
row_of(unsigned *counters)
{
    return (struct row *) (void *) ((char *) counters
                                    - offsetof(struct row, at));
}


unsigned *
held_take(struct held *h, pid_t pid)
{
    unsigned *at = find(h, 0);

    if (at != NULL)
        row_of(at)->pid = pid;
    return at;
}


unsigned *
held_find(struct held *h, pid_t pid)
{
    return find(h, pid);
}


void
held_give(struct held *h, unsigned *counters)
{
    memset(counters, 0, h->n * sizeof(*counters));
    row_of(counters)->pid = 0;
}
