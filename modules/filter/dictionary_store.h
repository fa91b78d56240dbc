/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The dictionaries that a process has ready: those of the configuration that
 * were asked for, and those that it has seen pass.  The least recently used go
 * when all of them have more than the memory that they may have.
 */
#pragma once

#include "core/base/list.h"
#include "modules/filter/coder.h"
#include "modules/filter/dictionary_field.h"

struct dictionary_tables;

struct dictionary {
    struct coder_with         with; /* first: what a plan has of it          */
    struct list               link; /* the last used first                   */
    unsigned                  refs;
    unsigned char             hash[DICTIONARY_HASH];
    str_t                     origin; /* of those seen; else empty           */
    str_t                     name;   /* ... and what it was seen as; or empty */
    str_t                     data;   /* ... and its bytes                   */
    struct dictionary_tables *tables; /* for each level                      */
    size_t                    bytes;
};

enum {
    DICTIONARY_LEAST = 64,     /* bytes: less is of no use                   */
    DICTIONARY_MOST = 8 << 20, /* ... and clients need not have a larger
                                  window for it (RFC 9842 section 5)         */
};

/* Whether these bytes can be a dictionary of raw bytes. */
bool dictionary_is_fit(str_t data);
void dictionary_hash(str_t data, unsigned char hash[DICTIONARY_HASH]);

/* One that is there, and belongs to its list, or NULL.  Who keeps it has to
 * get it. */
struct dictionary *dictionary_find(str_t origin, const unsigned char *hash);
/* A new one, without bytes, for those of a configuration; NULL: no memory. */
struct dictionary *dictionary_add(str_t origin, const unsigned char *hash);
/* Whether a response of that origin was added under that name. */
bool dictionary_is_seen(str_t origin, str_t name);
/* Adds one that was seen. */
void dictionary_see(str_t origin, str_t name, str_t data, size_t memory);

struct dictionary *dictionary_get(struct dictionary *d);
void               dictionary_put(struct dictionary *d);

/* Makes it ready for a level; data is the dictionary.  Then others may go, so
 * that all have no more than so many bytes.  False: no memory, or making others
 * ready has taken too long just now. */
bool dictionary_prepare(struct dictionary *d, str_t data, int level,
                        size_t memory);
/* What libzstd has for it, when it is ready for that level. */
const struct ZSTD_CDict_s *dictionary_at(const struct dictionary *d, int level);

/* Room for the bytes of one that may become one: false: too much is being
 * collected already. */
bool dictionary_reserve(size_t n, size_t memory);
void dictionary_release(size_t n);

void dictionaries_free(void);
