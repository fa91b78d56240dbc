/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The master process: starts workers, restarts them when they die, and handles
 * signals.
 */
#pragma once

#include "core/proc/outcome.h"
#include "core/proc/setup.h"

/* Runs until it is told to end; g is open.  on_ready is called once, when the
 * workers accept. */
void master_run(struct setup *s, struct generation *g,
                void (*on_ready)(const struct setup *s));
