/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SipHash-2-4 (Aumasson and Bernstein): a hash with a secret seed, for tables
 * whose keys clients choose.  Whoever does not know the seed cannot choose keys
 * that fall together.
 */
#pragma once

#include "core/base/str.h"

uint64_t siphash(const uint64_t seed[2], str_t s);
