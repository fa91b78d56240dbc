/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Variants: the responses to one key that differ by fields of the request, as
 * their Vary says.
 */
#pragma once

#include "core/cache/disk/cache.h"
#include "http/field.h"

/* The digest of the fields of in that vary names, for a key. */
void cache_variant(struct disk_key *out, const struct disk_key *of, str_t vary,
                   const struct fields *in);
