/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters.  Whoever counts something brings rows that say what it is; a
 * process counts in a line of memory that only it writes, so that counting
 * needs no locked instruction; the reader sums the lines of all processes.
 * What a process that has ended counted in all is kept.
 *
 * Counters have numbers: core's are below, those of a module begin at its
 * first_counter (struct module).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum counter_kind {
    COUNTER_TOTAL, /* of events: only rises                                  */
    COUNTER_NOW,   /* of what is there: ends with its process                */
};

struct counter_row {
    const char       *name;   /* of letters and "_"; NULL ends a table       */
    const char       *labels; /* as name="value",name="value"; or NULL       */
    enum counter_kind kind;
    const char       *help; /* a sentence; the same for all of one name    */
};

/* Of connections from clients. */
enum {
    CONNS_ACCEPTED,
    CONNS_HANDLED, /* those that were not refused for lack of room           */
    CONNS_ACTIVE,
    WORKERS_RESPAWNED, /* counted by the master, in the new one's line       */
    /* Handshakes of TLS with clients. */
    TLS_SHAKEN,
    TLS_FAILED, /* for these reasons, or others: */
    TLS_NO_PROTOCOL,
    TLS_NO_CIPHER,
    TLS_TIMED_OUT,
    TLS_REJECTED, /* the client has refused the certificate                  */
    TLS_REUSED, /* sessions                                                  */
    /* Certificates of clients and upstreams that are refused. */
    TLS_NO_CERT,
    TLS_EXPIRED_CERT,
    TLS_REVOKED_CERT,
    TLS_WRONG_NAME,
    TLS_OTHER_CERT,
    COUNTERS_OF_CORE,
};

enum { COUNTERS_MAX = 256, COUNTERS_LINE = 64 };
/* Counters of COUNTER_NOW behind those that have rows, for things that get their
 * number when they are met: counters_place(i). */
enum { COUNTERS_PLACES = 512 };

/* Where this process counts. */
extern uint64_t *counters_own;

/* Counts n more, or less.  Never an atomic addition, since nobody else writes
 * there; readers see it whole. */
static inline void
counter_add(unsigned number, int n)
{
    uint64_t *at = &counters_own[number];

    __atomic_store_n(at, *at + (uint64_t) (int64_t) n, __ATOMIC_RELAXED);
}

/* Adds rows, which are static, before there is a table; the number of the first
 * one. */
unsigned counters_bring(const struct counter_row *rows);

/* All counters: how many there are, what each one is, and its sum over all
 * processes. */
unsigned                  counters_count(void);
const struct counter_row *counters_row(unsigned number);
unsigned                  counters_place(unsigned i);
uint64_t                  counters_sum(unsigned number);

/* One process after the other: i is 0 at first, and behind it after the call; its
 * pid, and a counter of its own.  False: there are no more. */
struct counters_process {
    unsigned line;
    pid_t    pid;
};
bool     counters_next_process(unsigned *i, struct counters_process *out);
uint64_t counters_of(const struct counters_process *p, unsigned number);

/* The bytes of a table, and the table that processes share: zeroed, or what
 * other processes with the same counters have made of it.  Processes without a
 * table count in memory of their own. */
size_t counters_size(void);
void   counters_open(void *table);
/* A line for a new process, zeroed; NULL when there is none left. */
uint64_t *counters_take(void);
/* The process of that line, or NULL, has ended: keeps its totals, and frees the
 * line. */
void counters_put(uint64_t *line);
/* For a new process: it counts there from now on; NULL: in memory of its own. */
void counters_use(uint64_t *line);

/* The number of a new connection, unique among all processes of the table. */
uint64_t counters_next_connection(void);
