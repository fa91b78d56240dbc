/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The generation before, when a process has begun to serve another.
 */
#pragma once

#include "core/net/worker.h"

/* Another one is served in place of g from now on: idle connections move over,
 * a slice at a time, so that others get their turns.  What runs under g may go
 * on, for worker_shutdown_timeout where g has one.  Takes over the reference to
 * g, which is put when nothing idle depends on it any more. */
void retire(struct worker *w, struct generation *g);

/* The process ends. */
void retire_stop(void);
