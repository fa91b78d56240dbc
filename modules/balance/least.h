/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What least_conn, least_time and random two compare: how busy a peer is.
 */
#pragma once

#include "core/upstream/group.h"
#include "modules/module.h"

/* By what peers are compared. */
struct least {
    enum least_by {
        LEAST_CONNS,
        LEAST_HEADER,    /* the time to the head of a response               */
        LEAST_LAST_BYTE, /* the time to its end                              */
    } by;
    bool is_inflight; /* requests under way count, as long as they are        */
};

/* The less, the better: connections, or an average time for each of them, in
 * relation to the peer's share of the work. */
double least_measure(const struct least *l, const struct peer_set *set,
                     const struct peer *peer);

/* Of the peers that may be asked the one with the least measure; round robin
 * among equals. */
const struct peer *least_next(struct pick *p, const struct least *l);

/* The order of a large set, which is its balance; NULL: the set has none. */
void *least_order_new(struct arena *a, const struct peer_set *set);
/* The primary peer that comes first in it, always by the same measure; NULL: it
 * is not known, or there is none. */
const struct peer *least_order_next(struct pick *p, const struct least *by,
                                    time_t now);

/* "header" or "last_byte".  False: neither. */
bool least_parse(str_t word, struct least *out);
