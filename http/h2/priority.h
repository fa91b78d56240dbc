/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Priorities of responses (RFC 9218): the value of the field Priority, a
 * dictionary of RFC 8941.  Pure.
 */
#pragma once

#include "core/base/str.h"

struct h2_priority {
    uint8_t urgency;        /* 0 (first) to 7                                 */
    bool    is_incremental; /* shares with others of its urgency             */
};

enum { H2_URGENCY = 3 }; /* unless said */

/* Changes what the value says something about.  False: it is no dictionary, and
 * nothing was changed; members that are unknown, or of another type or range,
 * are ignored. */
bool h2_priority_parse(str_t value, struct h2_priority *p);
