/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Table from strings to pointers, open addressing, in an arena; it grows as
 * it is filled, so that no directive has to size it.  Keys are borrowed: the
 * caller keeps them alive.  Lookup of a built table is read-only.
 */
#pragma once

#include "core/base/arena.h"

struct hash;

enum hash_case { HASH_EXACT, HASH_NOCASE };

struct hash *hash_new(struct arena *a, size_t expected, enum hash_case fold);

/* Sets key to value (not NULL) and returns the previous value, or NULL. */
void *hash_set(struct hash *h, str_t key, void *value);

/* The value of key, or NULL. */
void *hash_get(const struct hash *h, str_t key);

/* How many keys there are. */
size_t hash_count(const struct hash *h);

typedef void hash_fn(str_t key, void *value, void *arg);

/* Calls fn for each key, in no order. */
void hash_each(const struct hash *h, hash_fn *fn, void *arg);
