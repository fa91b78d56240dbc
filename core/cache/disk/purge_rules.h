/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules of purges as they lie in a zone; for the files of purge.h only.
 * Everything with the zone's lock.
 */
#pragma once

#include "core/cache/disk/purge.h"

enum {
    PREFIX_ROOM = 238, /* longer ones are cut: they purge more               */
    PREFIXES_MAX = 256,
    PURGE_WAYS = 8, /* places for each hash                                  */
};

struct purge_when {
    uint64_t number; /* 0: never                                             */
    uint32_t at;     /* seconds since 1970                                   */
    uint32_t ends;   /* when nothing is as old                               */
};

struct purge_mark {
    uint64_t          hash;
    struct purge_when hard, soft;
};

struct purge_table {
    /* The latest ones that made room: what is older may have been purged. */
    struct purge_when  hard, soft;
    uint32_t           sets;
    struct purge_mark *marks;
};

struct purge_prefix {
    struct purge_when when;
    uint16_t          n;
    bool              is_soft;
    char              text[PREFIX_ROOM];
};

struct disk_purges {
    uint64_t             last; /* number                                     */
    uint64_t             bytes; /* of the file, about                        */
    struct purge_table   keys, tags;
    uint32_t             room;
    struct purge_prefix *prefixes;
};

struct disk_purges *purge_rules_of(const struct disk_cache *c);
/* The next one, which was at that time; and when its rule is there. */
struct purge_when purge_rules_next(const struct disk_cache *c,
                                   struct disk_purges *p, uint32_t at);
void purge_rules_publish(struct disk_purges *p, struct purge_when when);
void purge_rules_clear(struct disk_purges *p);
void purge_rules_mark(struct purge_table *t, uint64_t hash, bool soft,
                      struct purge_when when);
void purge_rules_prefix(struct disk_purges *p, str_t prefix, bool soft,
                        struct purge_when when);
uint64_t purge_hash_key(const struct disk_key *key);
uint64_t purge_hash_tag(str_t tag);

/* Adds what was just purged to the file; sort: k, a key; t, a tag. */
void purge_file_add_mark(const struct disk_cache *c, struct disk_purges *p,
                         char sort, uint64_t hash, bool soft);
void purge_file_add_prefix(const struct disk_cache *c, struct disk_purges *p,
                           str_t prefix, bool soft);

/* A line of the file, without its end; false: it is none. */
struct purge_line {
    char         sort; /* k, t; p: a prefix; f: all keys that were forgotten; g:
                          all tags                                           */
    bool         is_soft;
    uint32_t     at;
    uint64_t     hash;
    size_t       n; /* of the prefix                                         */
    char         text[PREFIX_ROOM];
};
bool purge_line_parse(str_t line, struct purge_line *out);
