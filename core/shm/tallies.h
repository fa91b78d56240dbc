/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of what is counted by name (core/net/tally.h) in a zone of the
 * process.
 */
#pragma once

#include "core/log/log.h"

/* In the process that starts the others; kept until it ends, and by another
 * binary.  False: logged. */
bool tallies_share(const struct log *log);
