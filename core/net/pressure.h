/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room for others, when all connections of a worker are in use and none is
 * idle: clients that have made the least progress are closed.  A client is
 * slow
 * - whose request head has been coming for more than PACE_WINDOW ms, or
 * - for whom alone something waits (a body that is to come, a response that
 *   is to be read), and who moved less than PACE_FLOOR bytes a second, over
 *   PACE_WINDOW ms where it has never been faster, over three times as long
 *   where it has.
 *
 * Nothing is measured before there is a shortage: then the connections take
 * turns in being looked at, a limited number at a time.
 */
#pragma once

#include <stdint.h>

#include "core/net/conn.h"

enum {
    PACE_FLOOR = 2048,  /* bytes a second                                    */
    PACE_WINDOW = 1000, /* ms                                                */
};

/* How fast a peer moves what waits for it; zeroed: is not measured.  Its owner
 * sets since to 0 whenever something else was waited for. */
struct pace {
    uint32_t since : 30;  /* ms of the clock; 0: is not measured             */
    uint32_t chances : 2; /* windows that it may still be slow in            */
    uint32_t moved;       /* bytes, at that time                             */
};

/* Begins to measure, now. */
void pace_start(struct pace *p);

/* Has up to n slow clients closed, those first whose heads have been coming
 * the longest; returns how many really went.  *soon says whether there may be
 * some within the next second or so.  Does nothing when it is called from
 * within. */
size_t conns_press(size_t n, bool *soon);
