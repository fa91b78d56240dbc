/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys of bans as people read and write them.  Pure.
 *
 * An address or a network stands as such where the key of the zone is one
 * ($binary_remote_addr, $remote_prefix).  Other keys stand for themselves; bytes
 * that ASCII cannot print, spaces and backslashes are \xHH, and a key of which
 * only a digest is known is "sha256:" and its digits.
 */
#pragma once

#include "core/base/arena.h"
#include "modules/gate/limit_table.h"

enum ban_key { BAN_KEY_TEXT, BAN_KEY_ADDR, BAN_KEY_PREFIX };

/* By the text of the expression that the key is. */
enum ban_key ban_key_of(str_t expression);

/* In a: the text of a key as it is in an entry. */
str_t ban_key_text(struct arena *a, enum ban_key as, const char *bytes,
                   uint8_t n);
/* The key for a text; kind is that of the zone.  False: it is none. */
bool ban_key_parse(struct arena *a, enum ban_key as, str_t text, uint32_t kind,
                   struct limit_key *out);
