/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which states of peers have got or lost a connection lately, for balancers that
 * keep the peers of a large set in an order: instead of looking at all of them,
 * they look at those that have changed since the last time.
 */
#pragma once

#include "core/upstream/group.h"

enum { CHANGES_ROOM = 512 };

struct peer_changes {
    uint64_t n; /* that were noted so far; the latest ones are in at         */
    const struct peer_state *at[CHANGES_ROOM];
};

/* From so many peers on, looking at all of them takes too long. */
enum { PEERS_MANY = 64 };

/* With the lock of the states.  NULL: changes of that set are not noted. */
const struct peer_changes *peer_set_changes(const struct peer_set *set);

static inline void
changes_note(struct peer_changes *c, const struct peer_state *state)
{
    if (c != NULL)
        c->at[c->n++ % CHANGES_ROOM] = state;
}

/* Any may have changed. */
static inline void
changes_note_all(struct peer_changes *c)
{
    if (c != NULL)
        c->n += CHANGES_ROOM + 1;
}
