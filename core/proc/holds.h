/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which generations a worker has, and what runs under them: memory that it
 * writes and the master reads, which so need not ask, nor wait.
 */
#pragma once

#include "core/conf/generation.h"

enum { HOLDS_MAX = 64 };

struct hold {
    uint64_t number; /* of the generation; 0: the end                        */
    uint64_t since;
    uint64_t requests, connections;
};

/* The newest ones; the last one stands for all that are older, too. */
struct holds {
    bool        is_taken;
    struct hold at[HOLDS_MAX];
};

/* For the master, once.  False: errno. */
bool holds_open(void);
/* For a new process, with nothing in it; NULL: there are none left. */
struct holds *holds_take(void);
/* The process of that, or of NULL, has ended. */
void holds_put(struct holds *h);

/* In the worker: what holds the generations of the list (by its alive). */
void holds_publish(struct holds *h, const struct list *alive);
