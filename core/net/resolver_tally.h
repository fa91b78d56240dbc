/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was asked of resolvers with status_zone=, and what came of it: a place
 * for each zone, which all processes may share.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

enum resolver_result {
    RESOLVER_NOERROR,
    RESOLVER_FORMERR,
    RESOLVER_SERVFAIL,
    RESOLVER_NXDOMAIN,
    RESOLVER_NOTIMP,
    RESOLVER_REFUSED,
    RESOLVER_TIMEDOUT,
    RESOLVER_UNKNOWN,
    RESOLVER_RESULTS,
};

struct resolver_tally {
    _Atomic uint64_t key; /* of the zone's name; 0: free                     */
    _Atomic uint64_t names, services; /* lookups                             */
    _Atomic uint64_t results[RESOLVER_RESULTS];
};

/* The table: its size, and the zeroed memory that it has from now on. */
size_t resolver_tallies_size(void);
void   resolver_tallies_open(void *table);

/* The place of a zone; NULL: there is no table, or no room.  It stays. */
struct resolver_tally *resolver_tally(str_t zone);

/* NULL is allowed. */
void resolver_tally_ask(struct resolver_tally *t, bool is_service);
/* Code as in the log of nginx: 0, that of DNS, or ETIMEDOUT. */
void resolver_tally_end(struct resolver_tally *t, int code);
