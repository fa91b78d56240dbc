/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of what resolvers count (core/net/resolver_tally.h) in a zone of the
 * process.
 */
#pragma once

#include "core/log/log.h"

/* In the process that starts the others; kept until it ends, and by another
 * binary.  False: logged. */
bool resolver_tallies_share(const struct log *log);
