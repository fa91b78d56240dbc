/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * States of peers that processes share, in a zone.  They are found by the
 * group's name and the peer's, so that they belong to no generation: another
 * one, or another binary, goes on with those of the peers that it has, too.
 */
#pragma once

#include "core/shm/registry.h"
#include "core/upstream/group.h"

/* Of groups in http {}, and in stream {}. */
extern const struct zone_use upstream_zone, upstream_stream_zone;

/* In a process that serves: puts the states of a new set in a zone.  A peer that
 * is there already keeps its own, but for a weight that has changed.  False:
 * there is no room, and the set is as it was. */
bool shared_join(struct peer_set *set, str_t group, struct zone *z);
/* The set is not used any more: states that no other has may become those of
 * other peers. */
void shared_leave(struct peer_set *set);

/* For sets that have joined or not: the lock of the states, and whether this
 * process has one more connection to a peer, or one less. */
void shared_lock(const struct peer_set *set);
void shared_unlock(const struct peer_set *set);
void shared_count(struct peer_set *set, const struct peer *peer);
void shared_uncount(struct peer_set *set, const struct peer *peer);

/* With the lock of a set that has joined: how many peers that the group had, and
 * has no more, are in use. */
unsigned shared_zombies(const struct peer_set *set, str_t group);

/* The lock of the states in a zone; zone_unlock gives it back. */
void shared_zone_lock(struct zone *z);
/* What live.c and line.c have in the zone; with the lock. */
void **shared_lives(struct zone *z);
void **shared_lines(struct zone *z);
