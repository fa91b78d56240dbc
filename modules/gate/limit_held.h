/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many of a key are held at the same time, by all processes, in a table of
 * limit_conn.  What a process holds is given back by others when it has died, at
 * whatever moment.
 *
 * *mine is the caller's, once for each zone, NULL at first; it must not be used
 * when the zone is not there any more.
 */
#pragma once

#include "core/shm/held.h"
#include "modules/gate/limit_table.h"

/* One that is held. */
struct limit_hold {
    struct limit_entry *entry;
    uint32_t            generation;
};

/* One more, if there are less than most.  The key that was forgotten for it is
 * copied to *lost, with its number; none: lost->n is 0. */
bool limit_hold(struct zone *z, struct holder **mine, struct limit_key *key,
                uint64_t most, struct limit_hold *out,
                struct limit_entry *lost);
/* Does nothing if the key has been forgotten. */
void limit_give_back(struct zone *z, struct holder **mine,
                     const struct limit_hold *hold);
/* How many are held. */
unsigned limit_held(const struct limit_entry *e);
