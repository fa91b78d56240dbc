/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A table in a zone, from values of a key to numbers: what limit_req, limit_conn
 * and ban count, and to which servers sticky has bound sessions.  All workers use it, and it survives reloads and changes of
 * the binary.
 *
 * It never refuses a key: when it is full, the key that has not been used for
 * the longest time is forgotten.  A value that does not fit into an entry is
 * found by its digest, so keys may have any length and cost the same.
 */
#pragma once

#include "core/shm/registry.h"

extern const struct zone_use limit_req_use, limit_conn_use, limit_ban_use,
    limit_sticky_use;

enum { LIMIT_KEY_MAX = 31 };

/* A value as it is in a table: itself, or a digest of it. */
struct limit_key {
    uint32_t kind; /* values of different kinds are different keys           */
    uint32_t hash; /* in one table, if is_hashed                             */
    bool     is_hashed;
    uint8_t  n;
    char     bytes[LIMIT_KEY_MAX];
};

/* value is not empty. */
struct limit_key limit_key_of(str_t value, uint32_t kind);

struct limit_entry {
    uint64_t at;    /* limit_req: the moment of count, in milliseconds;
                       limit_conn: a number that it has as long as its key;
                       sticky: the last use, in milliseconds                 */
    uint64_t count; /* thousandths of requests or answers; connections; the
                       key of a peer                                         */
    uint32_t hash, chain, newer, older;
    uint8_t  n;     /* of the key; 0: it has none                            */
    char     key[LIMIT_KEY_MAX];
};

/* The lock of the table.  Taking it gives back what processes had held that
 * have ended. */
void limit_lock(struct zone *z);
void limit_unlock(struct zone *z);

/* With the lock (as all that follows): a key is that of one table from then on.
 * The entry of the key, which becomes the newest one, or NULL. */
struct limit_entry *limit_find(struct zone *z, struct limit_key *key);
/* For a key that has none: an entry without a count.  Whose place it takes is
 * copied to *lost; nobody's: lost->n is 0. */
struct limit_entry *limit_add(struct zone *z, struct limit_key *key,
                              struct limit_entry *lost);
/* Forgets the key of the entry. */
void limit_remove(struct zone *z, struct limit_entry *e);
/* With the lock: all entries with a key, from the newest one; e NULL: the first
 * of them.  NULL: no more. */
struct limit_entry *limit_next(struct zone *z, const struct limit_entry *e);
/* The kind of its key. */
uint32_t limit_kind(struct zone *z, const struct limit_entry *e);
/* True once in the life of the zone. */
bool limit_is_news(struct zone *z);

/* What is said of the whole table by who keeps a file of it; all 0 at first. */
struct limit_notes {
    uint64_t changes, saved; /* saved: the changes that are in the file      */
    uint64_t epoch;          /* of the file, 0: it was not read so far       */
};
struct limit_notes *limit_notes(struct zone *z);

/* With the lock: counts one more, which is subtracted when this process gives
 * it back or ends. */
void limit_hold(struct zone *z, struct limit_entry *e);
/* Takes the lock itself.  at: the entry's when it was held, as it may have
 * become another key's. */
void limit_give_back(struct zone *z, struct limit_entry *e, uint64_t at);
