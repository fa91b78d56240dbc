/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A short memory that all processes share: whether something was seen before.
 * It forgets what others have pushed out, and never remembers what was not
 * seen (but for one chance in 2^50).
 */
#pragma once

#include "core/base/str.h"
#include "core/log/log.h"

/* In the process that starts the others; kept until it ends, and by another
 * binary.  False: logged. */
bool seen_share(const struct log *log);
/* Without such a memory, nothing is noted, and nothing was seen. */
void seen_note(str_t what);
bool seen_before(str_t what);
