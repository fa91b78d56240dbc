/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was purged.  A purge does not look for what it is about: it is a rule, in
 * the cache's zone, that says from when on a key (with its variants), all keys
 * with a prefix, or all that has a tag, is not to be used; whoever is about to
 * use something asks the rules.  So a purge takes the same time however much it
 * purges, and what was being fetched meanwhile is purged, too.
 *
 * Purges are numbered.  What is stored has the number of the last purge before
 * it was asked for, and is older than those with larger numbers; without one
 * (found in the folder) it is older than those of the same second, or later.
 *
 * Rules end when nothing can be so old.  They are few: where there is no room
 * for one more, the oldest ones are merged into one that purges more.  They are
 * kept in a file of the cache's folder, too.
 */
#pragma once

#include "core/cache/disk/cache.h"

enum disk_purged {
    PURGED_NOT,
    PURGED_SOFT, /* stale, but of use until there is something newer         */
    PURGED_HARD,
};

#define DISK_PURGES_FILE ".weir_purges" /* in the folder                     */

/* How old something is. */
struct disk_age {
    uint64_t number; /* of the last purge before it; 0: unknown              */
    int64_t  date;   /* when it was stored                                   */
};

/* The number of the last purge, at least 1. */
uint64_t disk_purge_number(const struct disk_cache *c);

/* Whether so much was purged since then that nobody knows whether a key was. */
bool disk_purge_is_unsure(const struct disk_cache *c, uint64_t number);

/* Purge; the file of the key itself is deleted at once, unless soft.  Whether
 * there was one. */
bool disk_purge_key(const struct disk_cache *c, const struct disk_key *key,
                    bool soft);
/* The same for what is of no use any more; kept in the file only if something was
 * stored. */
void disk_purge_invalid(const struct disk_cache *c, const struct disk_key *key);
/* All keys that begin so; with an empty prefix, everything. */
void disk_purge_prefix(const struct disk_cache *c, str_t prefix, bool soft);
void disk_purge_tag(const struct disk_cache *c, str_t tag, bool soft);

/* Whether something of that age was purged by its key: key is the digest of
 * text; is_main: it is in the file of that, not of a variant. */
enum disk_purged disk_purge_of_key(const struct disk_cache *c,
                                   const struct disk_key *key, str_t text,
                                   const struct disk_age *age, bool is_main);
/* ... or by one of its tags. */
enum disk_purged disk_purge_of_tag(const struct disk_cache *c, str_t tag,
                                   const struct disk_age *age);

/* The next tag of a list of them, which commas and spaces separate; empty: no
 * more. */
str_t disk_purge_next_tag(str_t *list);

/* The part of a zone that rules take; with the zone's lock, or before anyone knows
 * it.  NULL: there is no room. */
struct disk_purges *disk_purges_make(struct zone *z);
/* Takes what was kept in the folder of a cache whose index is new. */
void disk_purges_load(const struct disk_cache *c);

/* Goes through the cache and deletes what was purged by its key.  False: it has
 * to end. */
bool disk_purger_go(const struct helper_run *h, const struct disk_cache *c);
void disk_purger_run(const struct helper_run *h);
