/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What status_zone counts, and the zones that a configuration names.
 */
#pragma once

#include "core/net/tally.h"
#include "modules/module.h"

/* Of TALLY_SERVER and TALLY_LOCATION; part 1 + N has the responses with a status
 * of N * TALLY_COUNTS and more. */
enum status_count {
    STATUS_REQUESTS,
    STATUS_1XX,
    STATUS_2XX,
    STATUS_3XX,
    STATUS_4XX,
    STATUS_5XX,
    STATUS_DISCARDED, /* without a response                                  */
    STATUS_RECEIVED,  /* bytes                                               */
    STATUS_SENT,
};

enum { STATUS_LAST = 599, STATUS_PARTS = STATUS_LAST / TALLY_COUNTS + 1 };

struct status_zone {
    enum tally_kind kind;
    str_t           name;
};

struct status_zones {
    VEC(struct status_zone) list;
};

extern struct module status_zone_module;
