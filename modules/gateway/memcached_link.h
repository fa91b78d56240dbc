/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection to memcached that several exchanges share: what they ask for in
 * one turn goes out at once, and the answers come in the order of the requests.
 * Each exchange has a link of its own inside of it.
 */
#pragma once

#include "core/upstream/link.h"
#include "modules/gateway/memcached_order.h"

/* The state of an inner link. */
struct memcached_use {
    struct memcached_turn turn; /* its key is set before the request is sent,
                                   and lasts as long as the task             */
    struct link          *link;
    struct chain          in;   /* of the answer, not read so far            */
};

/* For connections. */
extern const struct link_protocol memcached_link;
