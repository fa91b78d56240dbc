/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters of connections and requests, shared by all processes.  Each worker
 * has a row that only it writes, so counting needs no locked instruction; the
 * reader sums the rows.  The totals of workers that have ended are kept in row
 * 0.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stats {
    unsigned long accepted; /* connections                                  */
    unsigned long handled;  /* connections that were not refused for lack
                               of room                                      */
    unsigned long requests;
    unsigned long active;  /* client connections now                       */
    unsigned long reading; /* active ones: reading a request line or header */
    unsigned long writing; /* active ones: from a complete request to the
                              end of the response                           */
    unsigned long waiting; /* active ones: kept alive without a request    */
} __attribute__((aligned(64)));

/* The sum over all processes. */
struct stats stats_read(void);

/* Counts in the row of this process. */
#define stats_add(row, field, n) \
    __atomic_store_n(&(row)->field, (row)->field + (unsigned long) (n), \
                     __ATOMIC_RELAXED)

/* For the master: creates the shared table, once; false, with errno, without
 * memory.  Processes without a table count in memory of their own. */
bool stats_open(void);
/* The number of a new connection, unique among all processes of the table. */
uint64_t stats_next_connection(void);
/* A free row for a new process; NULL when there is none (the process then
 * counts in memory of its own). */
struct stats *stats_take(void);
/* The process of the row has ended: keeps its totals, and frees the row. */
void stats_put(struct stats *row);
/* The counters of a process without a row. */
extern struct stats stats_private;
