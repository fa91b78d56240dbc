/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file that has the servers of a group over restarts.
 */
#pragma once

#include "core/upstream/live.h"

/* Writes a file beside it, whose path is *beside.  False: logged. */
bool live_state_write(struct arena *a, const struct upstream_group *g,
                      const struct live_servers *s, str_t *beside,
                      const struct log *log);
/* Removes such files of processes that have died before that. */
void live_state_sweep(const struct upstream_group *g);
/* It takes the place of the file, or goes. */
void live_state_keep(const struct upstream_group *g, str_t beside,
                     bool is_latest, const struct log *log);
