/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the process has compressed before: small files that it keeps in memory
 * are compressed once for each coding and level, and each dictionary (serial, 0:
 * none), not for each request.
 */
#pragma once

#include "core/base/chain.h"

/* What the bytes of a lasting block became; NULL: not known.  The caller does
 * not own it. */
struct block *compressed_find(const struct block *from, unsigned coding,
                              unsigned level, unsigned serial);
/* Keeps a copy of what a lasting block has become. */
void compressed_keep(struct block *from, unsigned coding, unsigned level,
                     unsigned serial, const struct chain *made);
void compressed_free(void);
