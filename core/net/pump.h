/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes between two connections, both ways, whatever carries them: tunnels
 * behind "101 Switching Protocols", sessions of TCP.  Who has the connections
 * looks after their events and timers, and calls pump_run when something has
 * come on either, or gone out.
 */
#pragma once

#include "core/base/step.h"
#include "core/net/conn.h"

struct pump {
    struct conn *side[2];
    uint64_t     moved[2];  /* bytes read from each                          */
    bool         has_ended[2]; /* will send no more                          */
    size_t       read;      /* bytes at once                                 */
};

/* What is in the output of either goes first.  read: how many bytes are read at
 * once; 0: a default. */
void pump_init(struct pump *p, struct conn *one, struct conn *other,
               size_t read);

/* Moves what there is, as far as both take it.  STEP_WAIT: no more now;
 * STEP_NEXT: there may be, after others have had their turn; STEP_DONE: one
 * side has ended, and what it sent is out; STEP_FAIL: one is broken. */
enum step pump_run(struct pump *p);
