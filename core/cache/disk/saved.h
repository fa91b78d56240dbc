/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The index of a cache, saved in its folder, so that it is there soon after a start.
 * It may be old, or of another time than the files: the loader then finds out what
 * is missing, and what is too much.
 *
 *     struct of 40 bytes > 28 bytes for each key
 *
 * Numbers are in the machine's order of bytes.  Whoever can write to the folder can
 * write this file; disk_saved_read judges its bytes.
 */
#pragma once

#include "core/cache/disk/index.h"

struct disk_cache;
struct log;

#define DISK_SAVED_NAME ".weir_index"

/* A saved file in memory. */
struct disk_saved {
    const char *records;
    uint32_t    n;
    int64_t     saved_at; /* seconds since 1970                              */
};

/* Of the bytes of a file; borrowed.  False: it is not one of this folder, damaged,
 * or of another version. */
bool disk_saved_read(struct disk_saved *s, str_t file, uint64_t folder);
/* The record at i < s->n.  False: it is none. */
bool disk_saved_get(const struct disk_saved *s, uint32_t i,
                    struct disk_record *out);

/* Writes the index of the cache.  wait lets others have their turn.  False: it
 * could not be, logged. */
bool disk_saved_write(const struct disk_cache *c, const struct log *log);
/* Adds what was saved to the index, as far as it has room: how many keys. */
uint32_t disk_saved_load(const struct disk_cache *c, const struct log *log);
