/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of counters: an anonymous mapping that the master creates before
 * it forks.  Row 0 has the totals of workers that have ended.  A row is free
 * while its is_taken is false, which only the master changes.
 */
#include "core/net/stats.h"

#include <sys/mman.h>

#include "core/net/pressure.h"
#include "core/net/worker.h"

enum { ROWS = 1024 };

struct table {
    struct stats rows[ROWS];
    bool         is_taken[ROWS];
    uint64_t     connections; /* numbered so far, by all processes           */
};

static struct table *table;
static uint64_t      own_connections; /* used without a table                */

struct stats   stats_private;
struct worker *worker;


bool
stats_open(void)
{
    void *p;

    if (table != NULL)
        return true;
    p = mmap(NULL, sizeof(*table), PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return false;
    table = p;
    return true;
}


uint64_t
stats_next_connection(void)
{
    uint64_t *n = table != NULL ? &table->connections : &own_connections;

    return __atomic_add_fetch(n, 1, __ATOMIC_RELAXED);
}


struct stats *
stats_take(void)
{
    for (unsigned i = 1; table != NULL && i < ROWS; i++) {
        if (table->is_taken[i])
            continue;
        table->is_taken[i] = true;
        return &table->rows[i];
    }
    return NULL;
}


void
stats_put(struct stats *row)
{
    if (row == NULL || table == NULL)
        return;
    stats_add(&table->rows[0], accepted, row->accepted);
    stats_add(&table->rows[0], handled, row->handled);
    stats_add(&table->rows[0], requests, row->requests);
    *row = (struct stats){ .accepted = 0 };
    table->is_taken[row - table->rows] = false;
}


static void
sum(struct stats *to, const struct stats *row)
{
#define SUM(field) to->field += __atomic_load_n(&row->field, __ATOMIC_RELAXED)
    SUM(accepted);
    SUM(handled);
    SUM(requests);
    SUM(active);
    SUM(reading);
    SUM(writing);
    SUM(waiting);
#undef SUM
}


struct stats
stats_read(void)
{
    struct stats all = { .accepted = 0 };

    sum(&all, &stats_private);
    for (unsigned i = 0; table != NULL && i < ROWS; i++)
        if (i == 0 || table->is_taken[i])
            sum(&all, &table->rows[i]);
    return all;
}


bool
worker_has_room(const struct log *log)
{
    bool soon;

    if (conns.max == 0 || conns.active < conns.max)
        return true;
    if (conns_evict(CONN_IDLE, 1) == 0 && conns_press(1, &soon) == 0)
        conns_evict(CONN_NEW, 1);
    if (conns.active < conns.max)
        return true;
    log_at(log, LEVEL_ALERT, 0, "%zu worker_connections are not enough",
           conns.max);
    return false;
}


bool
worker_debugs(const struct sockaddr *client)
{
    for (size_t i = 0; i < worker->n_debug; i++)
        if (cidr_match(&worker->debug[i], client))
            return true;
    return false;
}
