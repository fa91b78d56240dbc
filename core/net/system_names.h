/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How this system looks names up, for a process that serves: its hosts file, and
 * the name servers of its resolv.conf.  Both are read when they are first
 * needed, and again when they change.
 */
#pragma once

#include "core/net/resolv_conf.h"
#include "core/net/resolver.h"

/* Someone who wants to know of changes; called from the loop. */
struct system_watch {
    struct list link;
    void      (*on_change)(struct system_watch *);
};

/* Reads the files, unless they were read, and tells of changes from now on. */
void system_names_watch(struct system_watch *w);
void system_names_leave(struct system_watch *w);

/* Addresses of the hosts file, without a port, of families that this machine
 * has. */
size_t system_names_hosts(str_t name,
                          struct addr_any out[HOSTS_ADDRESSES_MAX]);
/* The name servers. */
struct resolver *system_names_resolver(void);
/* What to ask them for in turn to find name, in a; their number. */
size_t system_names_search(struct arena *a, str_t name, str_t **out);
/* How long a question may take. */
msec_t system_names_timeout(void);
