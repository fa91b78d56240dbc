/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who waits for a peer of a group, in all processes that share its zone: what
 * their queues (queue.h) know of each other.
 *
 * Everyone who waits has a ticket, of a number that grows.  A process has a
 * place in the line while somebody waits in it: how many they are, and the
 * ticket of the first of them.  Who has the least ticket of all is first, but
 * for processes that have not looked for a second: those are stuck, and do not
 * hold up others.  The place of a process that has died goes with what it held
 * (held.h).
 */
#pragma once

#include "core/shm/held.h"

struct line;  /* of a group, in its zone                                      */
struct place; /* of a process                                                 */

/* What one queue of a process has of it. */
struct line_end {
    struct zone   *zone;
    struct line   *line;
    struct holder *who; /* this process                                      */
    struct place  *own; /* NULL: nobody waits here                           */
};

/* Without a line where the zone has no room. */
void line_join(struct line_end *e, struct zone *z, struct holder *who,
               str_t group);

/* One more waits.  False: as many as may wait already, or the zone has no
 * room. */
bool line_enter(struct line_end *e, uint64_t most, uint64_t *ticket);
/* One waits no more, and the first one here has that ticket now. */
void line_leave(struct line_end *e, uint64_t first);

/* Without the lock: whether somebody waits, perhaps one who has died. */
bool line_has_some(const struct line_end *e);
/* Whether somebody waits here who is the first one of all. */
bool line_is_first(const struct line_end *e);
/* This process is not stuck. */
void line_look(const struct line_end *e);

/* How many wait, and how often one was refused. */
void line_count(const struct line_end *e, uint64_t *n, uint64_t *refused);

/* With the lock, lines are those of a zone: the process has died. */
void lines_forget(struct zone *z, void *lines, const struct holder *who);
