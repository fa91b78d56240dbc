/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A worker process as the layers above see it.
 *
 * Connections count themselves (struct conns in conn.h: conn_init with a
 * descriptor and conn_open take a place, conn_close gives it back), and idle
 * ones are offered by conn_set_use; the acceptor looks after the rest.
 * Who opens a connection to somewhere else asks worker_has_room first.
 */
#pragma once

#include "core/net/conn.h"
#include "core/net/stats.h"

struct generation;
struct trace;

struct worker {
    struct loop             *loop;
    struct generation       *gen;   /* served now                       */
    struct stats            *stats; /* never NULL                       */
    struct log               log;
    unsigned                 number; /* 0 to worker_processes - 1        */
    pid_t                    pid;
    bool                     is_exiting; /* gracefully: answer with
                                            Connection: close, keep nothing
                                            alive                            */
    const struct log *doing; /* of the task at hand, which its driver sets:
                                a check that fails prints its context        */
    struct trace          *trace; /* a dry run: of all its tasks; or NULL    */
    const struct addr_any *local; /* ... the address that clients came to    */
    const struct cidr *debug; /* debug_connection                            */
    size_t             n_debug;
};

/* This process's; NULL in the master. */
extern struct worker *worker;

/* Whether debug_connection names the client: for log.debug. */
bool worker_debugs(const struct sockaddr *client);

/* Whether worker_connections allows for one more, which may cost an idle one
 * or a slow client; false is logged. */
bool worker_has_room(const struct log *log);
