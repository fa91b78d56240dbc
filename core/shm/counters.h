/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of counters (core/net/counters.h) in a zone of the process.
 */
#pragma once

#include "core/log/log.h"

/* In the master, before the first fork: from now on, processes count where it
 * sees them, on top of what a binary before has counted, if its counters were
 * the same.  False: logged. */
bool counters_share(const struct log *log);
