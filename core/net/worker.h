/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A worker process as the layers above see it.
 *
 * Connections count themselves (struct conns in conn.h: conn_init with a
 * descriptor and conn_open take a place, conn_close frees it), and idle ones
 * are marked with conn_set_use; the acceptor does the rest.  Anyone who opens
 * an outgoing connection calls worker_has_room first.
 */
#pragma once

#include "core/net/conn.h"

struct generation;
struct trace;

struct worker {
    struct loop             *loop;
    struct generation       *gen;   /* the one in force                 */
    struct log               log;
    unsigned                 number; /* 0 to worker_processes - 1        */
    pid_t                    pid;
    bool                     is_exiting; /* gracefully: answer with
                                            Connection: close, keep no
                                            connection alive                 */
    const struct log *doing; /* context of the current task, set by its
                                driver: a failed check prints it             */
    struct trace          *trace; /* in a dry run: of all its tasks;
                                     otherwise NULL                          */
    const struct addr_any *local; /* in a dry run: the address that clients
                                     connected to                            */
    const struct cidr *debug; /* debug_connection                            */
    size_t             n_debug;
};

/* The worker of this process; NULL in the master. */
extern struct worker *worker;

/* Whether debug_connection includes the client: for log.debug. */
bool worker_debugs(const struct sockaddr *client);

/* Whether worker_connections allows one more connection, if need be by closing
 * an idle one or that of a slow client; false is logged. */
bool worker_has_room(const struct log *log);
