/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters of connections and requests, shared by all processes.  Each worker
 * has a row of its own, which it alone writes, so that counting costs no
 * locked instruction; who reads sums the rows.  The rows of workers that have
 * ended go on counting what they served, in row 0.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stats {
    unsigned long accepted; /* connections                                  */
    unsigned long handled;  /* of them, those that found a free slot        */
    unsigned long requests;
    unsigned long active;  /* client connections now                       */
    unsigned long reading; /* of them: in a request line or header         */
    unsigned long writing; /* of them: request read, until the answer's end */
    unsigned long waiting; /* of them: kept alive without a request        */
} __attribute__((aligned(64)));

/* The sum over all processes. */
struct stats stats_read(void);

/* Counts in the row of this process. */
#define stats_add(row, field, n) \
    __atomic_store_n(&(row)->field, (row)->field + (unsigned long) (n), \
                     __ATOMIC_RELAXED)

/* The master's: makes the shared table, once; false, with errno, without
 * memory.  Processes without one count in memory of their own. */
bool stats_open(void);
/* The number of a new connection, one that no process of the table has given
 * before. */
uint64_t stats_next_connection(void);
/* A free row for a process to come, NULL when there is none (it then counts
 * in memory of its own). */
struct stats *stats_take(void);
/* Its process has ended: keeps what adds up, and frees the row. */
void stats_put(struct stats *row);
/* Where a process without a row counts. */
extern struct stats stats_private;
