/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bell that all processes of the family hear: one of them has changed something
 * that others may be waiting for, and they look what it is.  Whoever waits first
 * says so where the others see it, then listens, then looks once more; he who
 * changes it rings if somebody waits.  A process that dies does not ring.
 */
#pragma once

#include "core/base/list.h"
#include "core/event/loop.h"

struct log;

struct bell {
    struct list link;
    bool        is_on;
    void (*on_ring)(struct bell *); /* there may be nothing to be seen   */
};

/* In the process that starts the others.  False: logged. */
bool bell_hang(const struct log *log);
void bell_ring(void);

/* The caller has set on_ring.  What rings from now on is heard, perhaps also what
 * has before.  Without a bell nothing is.  All of a process listen in one loop. */
void bell_listen(struct bell *b, struct loop *l);
void bell_ignore(struct bell *b);
