/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A table in a zone, from values of a key to numbers: what limit_req, limit_conn
 * and ban count, and to which servers sticky has bound sessions.  All workers use
 * it, and it survives reloads and changes of the binary.
 *
 * It never refuses a key: when it is full, the key that has not been used for
 * the longest time is forgotten.  A value that does not fit into an entry is
 * found by its digest, so keys may have any length and cost the same.
 *
 * A request is counted without the lock, which is for keys that come and go: see
 * limit_peek, and limit_held.h.
 */
#pragma once

#include <string.h>

#include "core/shm/registry.h"

extern const struct zone_use limit_req_use, limit_conn_use, limit_ban_use,
    limit_sticky_use;

enum { LIMIT_KEY_MAX = 31, LIMIT_DIGEST = 32 };

/* A value as it is in a table: itself, or a digest of it. */
struct limit_key {
    uint32_t kind; /* values of different kinds are different keys           */
    uint32_t hash; /* in one table, if is_hashed                             */
    bool     is_hashed;
    uint8_t  n;
    char     bytes[LIMIT_KEY_MAX];
};

/* Makes a digest its value. */
void limit_key_digest(struct limit_key *key, str_t value);


/* value is not empty.  Of the bytes, those that count are set. */
static inline void
limit_key_set(struct limit_key *key, str_t value, uint32_t kind)
{
    key->kind = kind;
    key->is_hashed = false;
    key->n = (uint8_t) value.n;
    if (value.n == 4)
        memcpy(key->bytes, value.p, 4); /* an address: an instruction        */
    else if (value.n <= LIMIT_KEY_MAX)
        memcpy(key->bytes, value.p, value.n);
    else
        limit_key_digest(key, value);
}


static inline struct limit_key
limit_key_of(str_t value, uint32_t kind)
{
    struct limit_key key = { .n = 0 };

    limit_key_set(&key, value, kind);
    return key;
}

/* limit_req and limit_conn have a word that is changed without the lock; the
 * other two have a moment and a number that are only changed with it. */
struct limit_entry {
    union {
        uint64_t         at; /* sticky: the last use, in milliseconds        */
        _Atomic uint64_t listed; /* a number, the higher the later it became
                                    the newest entry                         */
    };
    union {
        uint64_t         count; /* thousandths of answers; the key of a peer */
        _Atomic uint64_t word;  /* what is counted, above a generation       */
    };
    _Atomic uint32_t hash, chain;
    uint32_t         newer, older;
    uint8_t          n; /* of the key; 0: it has none                        */
    char             key[LIMIT_KEY_MAX];
};

/* The lowest bits of a word: a number that changes when the entry gets another
 * key, and is odd while it has none. */
enum { LIMIT_REQ_TAG = 8, LIMIT_CONN_TAG = 32 };

/* --- without the lock ------------------------------------------------------- */

/* The entry of the key, and its word, which belongs to that key.  NULL: it has
 * none, or it is time to tell by limit_find that it is used. */
struct limit_entry *limit_peek(struct zone *z, struct limit_key *key,
                               uint64_t *word);
/* Whether the key has no entry; false: perhaps it has one. */
bool limit_lacks(struct zone *z, struct limit_key *key);
/* True once in the life of the zone. */
bool limit_is_news(struct zone *z);


/* Changes the word from *word; false: it was different, *word says how.  Where
 * its generation is the same, it still belongs to the key.  A release, so that
 * the key was compared before it; and an acquire, for what is compared after. */
static inline bool
limit_swap(struct limit_entry *e, uint64_t *word, uint64_t next)
{
    return atomic_compare_exchange_strong_explicit(
        &e->word, word, next, memory_order_acq_rel, memory_order_acquire);
}

/* --- with the lock ---------------------------------------------------------- */

/* The lock of the table.  Taking it gives back what processes had held that
 * have ended. */
void limit_lock(struct zone *z);
void limit_unlock(struct zone *z);

/* A key is that of one table from then on.  The entry of the key, which becomes
 * the newest one, or NULL. */
struct limit_entry *limit_find(struct zone *z, struct limit_key *key);
/* For a key that has none: an entry without a count.  Whose place it takes is
 * copied to *lost; nobody's: lost->n is 0. */
struct limit_entry *limit_add(struct zone *z, struct limit_key *key,
                              struct limit_entry *lost);
/* Forgets the key of the entry. */
void limit_remove(struct zone *z, struct limit_entry *e);
/* All entries with a key, from the newest one; e NULL: the first of them.  NULL:
 * no more. */
struct limit_entry *limit_next(struct zone *z, const struct limit_entry *e);
/* The kind of its key. */
uint32_t limit_kind(struct zone *z, const struct limit_entry *e);

/* What a request costs (limit_bucket.h): words that were counted with another
 * cost, because the rate was another one, are changed so that as many requests
 * are in their buckets as before.  Takes the lock. */
void limit_set_cost(struct zone *z, uint64_t cost);

/* What is said of the whole table by who keeps a file of it; all 0 at first. */
struct limit_notes {
    uint64_t changes, saved; /* saved: the changes that are in the file      */
    uint64_t epoch;          /* of the file, 0: it was not read so far       */
};
struct limit_notes *limit_notes(struct zone *z);
