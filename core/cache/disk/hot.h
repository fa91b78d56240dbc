/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is asked for often is kept by each process: small files whole, in memory;
 * of others the head, and the open file.  A copy is used as long as three things
 * hold: the index has the same version of the entry, which all that replaces,
 * purges or renews a file changes (disk_cache_changed); the kernel has told of no
 * change of the file, or of a folder that it is in (inotify), so that one that
 * anybody unlinks is gone; and it is fresh, which its user checks.
 *
 * Copies are the process's: they outlive the generations that share a folder.
 */
#pragma once

#include "core/base/chain.h"
#include "core/cache/disk/cache.h"

struct loop;

/* Of one file; read-only to users. */
struct disk_hot {
    struct list        link;  /* of its tier, the last used first            */
    struct disk_hot   *chain; /* with the same hash                          */
    struct disk_hot   *wd_chain;
    struct disk_tier  *tier;
    uint32_t           hash;
    int                wd;
    struct disk_key    main, key; /* differ: a variant                       */
    struct disk_version version;
    uint64_t           purges;  /* the last one that it is not older than    */
    time_t             used_at; /* in the index                              */
    uint32_t           uses;    /* that the index has not been told of       */
    size_t             cost;    /* bytes of memory                           */

    str_t              text; /* the key, in start                            */
    struct block      *block;
    str_t              start; /* in block: the whole file, or its head       */
    struct chain_file *file;  /* NULL: start is all                          */
    uint64_t           size;
    struct disk_head   head; /* texts point into start                       */

    struct block *made; /* what its user makes of the head; or NULL          */
};

/* For a cache that is served in this process, until disk_hot_close.  NULL: there
 * is nothing to keep, or no means to know of changes. */
struct disk_tier *disk_hot_open(const struct disk_cache *c, struct loop *l);
void              disk_hot_close(struct disk_tier *t);
/* The process serves no more: nothing is kept from now on. */
void              disk_hot_stop(void);

/* The copy of a key's file, or of its variant (NULL: the main one).  It is valid
 * until the process waits for events, or adds another one. */
struct disk_hot *disk_hot_find(const struct disk_cache *c, str_t text,
                               const struct disk_key *variant);

/* It is not older than that purge (purge.h), of which its user is sure. */
void disk_hot_confirmed(struct disk_hot *h, uint64_t purges);

/* Whether what was asked for is to be kept.  Then its file is watched, from before
 * it is opened: *wd, for disk_hot_add or disk_hot_unwatch. */
bool disk_hot_watch(const struct disk_cache *c, const struct disk_key *key,
                    const struct disk_asked *asked, int *wd);
void disk_hot_unwatch(const struct disk_cache *c, int wd);
/* How large a file may be to be kept whole. */
uint64_t disk_hot_most(const struct disk_cache *c);

/* A file that was opened and read; takes its own references.  start has at least
 * the head. */
struct disk_source {
    struct disk_key         main, key;
    struct chain_file      *file;
    str_t                   start;
    uint64_t                size;
    const struct disk_head *head;
};
/* NULL: it cannot be kept; the watch has ended. */
struct disk_hot *disk_hot_add(const struct disk_cache *c,
                              const struct disk_source *s,
                              const struct disk_asked *asked, int wd);
/* Keeps what its user has made of the head with it: the reference is its own. */
void disk_hot_set_made(struct disk_hot *h, struct block *made);
