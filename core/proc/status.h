/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What `weir status` shows: the generations that are alive, who holds them, and
 * the workers.
 */
#pragma once

#include "core/proc/children.h"
#include "core/proc/outcome.h"

struct status_worker {
    pid_t         pid;
    unsigned      number;     /* 0 to worker_processes - 1                   */
    uint64_t      generation; /* the one that it serves                      */
    msec_t        started_at; /* monotonic                                   */
    uint64_t      connections; /* of clients                                 */
    bool          is_ending;
};

struct status_generation {
    uint64_t      number;
    time_t        since;
    uint64_t      requests, connections; /* that run under it                */
};

struct status {
    struct arena                 *arena;
    uint64_t                      generation; /* in force                    */
    VEC(struct status_generation) generations;
    VEC(struct status_worker)     workers;
    const struct reload_outcome  *reload;
};

/* The generation of that number, added where it is new. */
struct status_generation *status_generation(struct status *s, uint64_t number,
                                            time_t since);

/* A worker that runs, and what it counts for its generation. */
void status_add(struct status *s, const struct child *c);

/* Writes it as an object. */
void status_put(struct json_text *t, struct status *s);
