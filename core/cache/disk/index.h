/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The index of a disk cache, in a zone: which keys have a file, how large it is,
 * when a key was last asked for, and who is fetching it.  It survives reloads,
 * changes of the binary, and the death of any process at any instruction.
 *
 * Entries are found by their key alone, with the lock held; between two locks
 * an entry may have become another key's, so nothing outside keeps pointers to
 * them, but for versions.  When all are in use, the one that has not been used for the longest
 * time gives way, whose file is to be unlinked first (disk_index_oldest).
 */
#pragma once

#include <sys/types.h>

#include "core/cache/disk/head.h"
#include "core/shm/registry.h"

struct disk_key {
    unsigned char b[DISK_KEY_N];
};

struct disk_entry {
    struct disk_key key;
    uint32_t chain, newer, older; /* numbers of entries; 0: none             */
    uint32_t used_at;  /* seconds since 1970                                 */
    uint64_t bytes;    /* that its file takes; 0: it has none                */
    uint64_t until_ms; /* of a claim: the clock's milliseconds               */
    int64_t  valid_at; /* of error                                           */
    pid_t    claimer;
    uint32_t claim;    /* who fetches it; 0: nobody                          */
    uint32_t growing;  /* the number of the file that the claimer writes, and
                          one; 0: nobody reads it before it is complete      */
    uint32_t grown;    /* the last claim that has ended with a complete file  */
    uint32_t writes;   /* differs from entry to entry, and from file to file */
    uint32_t uses;
    uint64_t purges;   /* the last purge before it (purge.h); 0: unknown     */
    uint16_t error;    /* the status that is answered instead of a file; 0   */
    bool     is_used;  /* it has a key                                       */
    bool     is_unproved; /* only a saved index has said that it has a file  */
    bool     is_awaited; /* by others than its claimer                       */
};

/* What an entry is at a time.  It can be compared without the lock, as long as the
 * zone is mapped. */
struct disk_version {
    const struct disk_entry *e;
    uint32_t                 writes;
};

static inline bool
disk_version_is_current(const struct disk_version *v)
{
    return __atomic_load_n(&v->e->writes, __ATOMIC_ACQUIRE) == v->writes;
}

/* One for each kind of gateway: zones are not shared between them. */
extern const struct zone_use disk_index_proxy, disk_index_fastcgi,
    disk_index_uwsgi, disk_index_scgi;

void disk_index_lock(struct zone *z);
void disk_index_unlock(struct zone *z);

/* All of these with the lock. */

/* The entry of the key; NULL: there is none. */
struct disk_entry *disk_index_find(struct zone *z, const struct disk_key *key);
/* It was asked for: it becomes the newest. */
void disk_index_use(struct zone *z, struct disk_entry *e, time_t now);
/* An entry for a key that has none; NULL: all are in use. */
struct disk_entry *disk_index_add(struct zone *z, const struct disk_key *key,
                                  time_t now);
/* The one that was not used for the longest time and that nobody fetches; NULL:
 * there is none. */
struct disk_entry *disk_index_oldest(struct zone *z);
/* Entry by entry, in no order: a copy of the one that *at, 0 at first, stands for,
 * or of one behind it.  False: no more. */
bool disk_index_next(struct zone *z, uint32_t *at, struct disk_entry *out);
/* Forgets a key. */
void disk_index_remove(struct zone *z, struct disk_entry *e);
/* Whatever is known of its file outside does not hold any more. */
void disk_index_changed(struct zone *z, struct disk_entry *e);
/* It has a new file of that size; 0: none any more. */
void disk_index_set_bytes(struct zone *z, struct disk_entry *e, uint64_t bytes);

/* Claims an entry for ms milliseconds: its number for disk_index_leave; 0:
 * another process that lives has it, and in time. */
uint32_t disk_index_claim(struct zone *z, struct disk_entry *e, uint64_t ms);
bool     disk_index_is_claimed(const struct disk_entry *e);
/* It lasts for at least ms milliseconds from now on, if it is still his. */
void     disk_index_extend(struct disk_entry *e, uint32_t claim, uint64_t ms);
/* Gives it up, if it is still his: whether somebody waits for that. */
bool     disk_index_leave(struct disk_entry *e, uint32_t claim);

/* What is saved of an entry. */
struct disk_record {
    struct disk_key key;
    uint32_t        used_at, uses;
    uint64_t        bytes;
};

/* Copies what entries from *at on have, at most max of them, to out: *n.  False: it
 * has come to the end. */
bool disk_index_copy(struct zone *z, uint32_t *at, struct disk_record *out,
                     uint32_t max, uint32_t *n);
/* Adds a key as the one that was not used for the longest time; nobody has looked
 * whether it has a file.  False: it is there already, or there is no room. */
bool disk_index_restore(struct zone *z, const struct disk_record *r);
/* Of so many entries from *at on, forgets those that still are so.  False: it has
 * come to the end. */
bool disk_index_forget_unproved(struct zone *z, uint32_t *at, uint32_t max);

struct disk_totals {
    uint64_t bytes; /* of all files                                          */
    uint32_t entries, room;
    uint32_t changes; /* so far, of files                                    */
};
struct disk_totals disk_index_totals(struct zone *z);

/* The rules of purges. */
struct disk_purges *disk_index_purges(struct zone *z);

/* The folder (digest of its path and levels) that the index is of: where it was of
 * another one, it is emptied, and this is true.  Whoever asks later for another
 * folder than this has an index that knows nothing of it. */
bool disk_index_begin(struct zone *z, uint64_t folder);
/* Whether the folder may have files that are not in the index: until the loader
 * has been through. */
bool disk_index_is_cold(struct zone *z, uint64_t folder);
void disk_index_set_warm(struct zone *z, uint64_t folder);
/* The loader begins; false: nothing is left to load, or another one is at it. */
bool disk_index_begin_load(struct zone *z, uint64_t folder);
