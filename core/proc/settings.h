/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process settings of the main level and of events {}.
 */
#pragma once

#include <sched.h>

#include "core/conf/conf.h"

struct user {
    const char *name; /* NULL: the master's user                             */
    uid_t       uid;
    gid_t       gid;
};

/* worker_rlimit_*: RLIM_INFINITY where not set. */
struct limit {
    bool     is_set;
    uint64_t value;
};

struct affinity {
    bool           is_auto;
    VEC(cpu_set_t) masks; /* with is_auto: none, or the processors to choose
                             from                                            */
};

/* What a failed check does besides ending the worker. */
enum { DEBUG_ABORT, DEBUG_STOP };

struct process_conf {
    struct user     user;
    str_t           pid;
    bool            daemon, master_process;
    bool            no_jit; /* pcre_jit off                                  */
    unsigned        workers;
    int             priority;
    struct limit    nofile, core;
    struct affinity affinity;
    str_t           working_directory;
    struct texts   *env; /* "NAME" or "NAME=value"                           */
    str_t           lock_file;
    msec_t          shutdown_timeout; /* 0: none                             */
    msec_t          timer_resolution; /* no effect                           */
    unsigned        debug_points;     /* on a failed check: DEBUG_STOP, or
                                         just end                             */
};

struct debug_list {
    VEC(struct cidr) list;
};

struct events_conf {
    uint64_t          connections;
    bool              multi_accept, accept_mutex;
    msec_t            accept_mutex_delay;
    unsigned          method;
    uint64_t          aio_requests; /* no effect                             */
    uint64_t          epoll_events;
    struct debug_list debug;
};

extern struct module core_module, events_module;

static inline const struct process_conf *
process_conf_of(const struct generation *g)
{
    return confs_get(g->root->conf, &core_module);
}

/* NULL: there is no events {}. */
const struct events_conf *events_conf_of(const struct generation *g);
