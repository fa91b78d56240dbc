/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is counted for things that configurations name (status_zone, a zone of
 * limit_req): a place for each, which all processes may share.  Additions are
 * single instructions, so that nothing is lost or left behind by who dies.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

enum tally_kind {
    TALLY_RESOLVER,
    TALLY_SERVER,
    TALLY_LOCATION,
    TALLY_LIMIT_REQ,
    TALLY_LIMIT_CONN,
    TALLY_CACHE,
    TALLY_FORGOTTEN, /* what counters had when they were reset               */
};

/* Of TALLY_RESOLVER. */
enum resolver_count {
    RESOLVER_NAMES, /* lookups                                               */
    RESOLVER_SERVICES,
    RESOLVER_NOERROR, /* results                                             */
    RESOLVER_FORMERR,
    RESOLVER_SERVFAIL,
    RESOLVER_NXDOMAIN,
    RESOLVER_NOTIMP,
    RESOLVER_REFUSED,
    RESOLVER_TIMEDOUT,
    RESOLVER_UNKNOWN,
};

/* What a limit has done with a request; of TALLY_LIMIT_REQ, TALLY_LIMIT_CONN. */
enum limit_status {
    LIMIT_NONE,
    LIMIT_PASSED,
    LIMIT_DELAYED,
    LIMIT_REJECTED,
    LIMIT_DELAYED_DRY_RUN,
    LIMIT_REJECTED_DRY_RUN,
};

enum { TALLY_COUNTS = 23 };

struct tally {
    _Atomic uint64_t key; /* of what is counted; 0: free                     */
    _Atomic uint64_t at[TALLY_COUNTS];
};

/* The table: its size, and the zeroed memory that it has from now on. */
size_t tallies_size(void);
void   tallies_open(void *memory);

/* The place of a thing, and its part, where it has more counts than one place
 * holds; NULL: there is no table, or no room, which is logged.  It stays. */
struct tally *tally_of(enum tally_kind kind, unsigned part, str_t name);
/* The same if there is one. */
struct tally *tally_find(enum tally_kind kind, unsigned part, str_t name);
/* Its number, below counters_places(). */
unsigned tally_number(const struct tally *t);

/* NULL is allowed, and has counted nothing. */
static inline void
tally_add(struct tally *t, unsigned which, uint64_t n)
{
    if (t != NULL)
        atomic_fetch_add_explicit(&t->at[which], n, memory_order_relaxed);
}

static inline uint64_t
tally_get(const struct tally *t, unsigned which)
{
    return t != NULL ? atomic_load_explicit(&t->at[which], memory_order_relaxed)
                     : 0;
}

void tally_forget(struct tally *t);

/* Code as in the log of nginx: 0, that of DNS, or ETIMEDOUT. */
enum resolver_count tally_resolver_result(int code);
