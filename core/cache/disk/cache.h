/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk cache: a folder with a file for each key, and an index of it in a zone.
 * It knows keys, files and times, and nothing of what is cached.
 *
 * Files are named by the key's digest and lie in folders of its last digits
 * (levels); they are written under another name and renamed.  A file may vanish
 * at any time, and the folder, too: the index is only what was last known.
 */
#pragma once

#include "core/cache/disk/index.h"
#include "core/conf/conf.h"

enum { DISK_LEVELS = 3 };

/* How a helper that goes through files lets others have their turn. */
struct disk_pace {
    uint64_t files;     /* in one go                                         */
    uint64_t sleep;     /* milliseconds between them                         */
    uint64_t threshold; /* the longest time of one go, in milliseconds       */
};

/* PREFIX_cache_path. */
struct disk_cache {
    struct disk_cache *next;
    struct zone_conf  *in;
    str_t              path;     /* absolute, without a slash at its end     */
    uint8_t            levels[DISK_LEVELS]; /* digits; 0: no such level      */
    uint64_t           folder;   /* digest of both                           */
    uint64_t           inactive; /* seconds                                  */
    uint64_t           max_size, min_free; /* bytes; 0: no such limit        */
    uint64_t           memory; /* bytes of copies in each process            */
    struct disk_tier  *hot;    /* of this process; NULL: none                */
    bool               uses_temp_path, has_purger;
    struct disk_pace   manager, loader, purger;
    const char        *file;
    unsigned           line;
    /* Of the manager: */
    time_t   save_at;       /* the index, again; 0: not known                */
    uint32_t saved_changes; /* of the index that was saved                   */
};

/* All caches of a generation: the main object of disk_cache_module. */
struct disk_caches {
    struct disk_cache *first;
};

extern struct module disk_cache_module;

/* The type of PREFIX_cache_path; the row's detail is the struct zone_use. */
extern const struct conf_type disk_cache_path_type;
#define DISK_CACHE_SYNTAX                                                      \
    "path [levels=levels] [use_temp_path=on|off] keys_zone=name:size "         \
    "[inactive=time] [max_size=size] [min_free=size] [memory=size] "           \
    "[manager_files=number] "                                                  \
    "[manager_sleep=time] [manager_threshold=time] [loader_files=number] "     \
    "[loader_sleep=time] [loader_threshold=time] [purger=on|off] "           \
    "[purger_files=number] [purger_sleep=time] [purger_threshold=time]"

/* The cache whose keys_zone has that name, for that use; NULL: there is none. */
struct disk_cache *disk_cache_named(const struct generation *g, str_t name,
                                    const struct zone_use *use);

enum { DISK_PATH_MAX = 4000, DISK_NAME_MAX = DISK_PATH_MAX + 64 };

/* The name of a key's file, ended by a NUL, in room for DISK_NAME_MAX bytes;
 * returns its length. */
size_t disk_cache_name(const struct disk_cache *c, const struct disk_key *key,
                       char *out);
/* Whether name, of a file in the folder below path that levels names (such as
 * "a/2b" or ""), is that of a key. */
bool disk_cache_parse_name(const struct disk_cache *c, str_t below, str_t name,
                           struct disk_key *key);

/* What the index says of a key that is asked for. */
struct disk_asked {
    bool     may_have_file;
    bool     is_new;   /* it was not in the index                            */
    uint64_t uses;     /* with this one                                      */
    uint64_t bytes;    /* that its file takes; 0: unknown                    */
    time_t   used_at;  /* before; 0: is_new                                  */
    uint64_t purges;   /* the last one before it (purge.h); 0: unknown       */
    uint64_t last_purge;
    unsigned error;    /* the status to answer with; 0: none                 */
    struct disk_version version;
};
/* False: the index is full of what is being fetched. */
bool disk_cache_ask(const struct disk_cache *c, const struct disk_key *key,
                    struct disk_asked *out);

/* After the key's file was opened: where another one may have taken its place since
 * the index was asked, it counts as older than all purges. */
void disk_cache_opened(struct disk_asked *asked);

/* Claims the key for ms milliseconds: whoever has it fetches it.  The number to
 * leave it with; 0: another one has it. */
uint32_t disk_cache_claim(const struct disk_cache *c,
                          const struct disk_key *key, uint64_t ms);
/* Whether somebody has it; then it is awaited, and the bell rings when he leaves
 * it (core/event/bell.h). */
bool     disk_cache_await(const struct disk_cache *c,
                          const struct disk_key *key);
/* It lasts for ms milliseconds from now on. */
void     disk_cache_extend(const struct disk_cache *c,
                           const struct disk_key *key, uint32_t claim,
                           uint64_t ms);
void     disk_cache_leave(const struct disk_cache *c,
                          const struct disk_key *key, uint32_t claim);

/* Whoever has the claim lets others read what he writes, a file with the name of
 * the key's, a dot and ten digits: it begins to be there, and was asked for when
 * that was the last purge. */
void disk_cache_grows(const struct disk_cache *c, const struct disk_key *key,
                      uint32_t claim, uint32_t number, uint64_t purges);
/* ... has more bytes: rings if somebody waits for them; */
void disk_cache_grew(const struct disk_cache *c, const struct disk_key *key,
                     uint32_t claim);
/* ... and is complete. */
void disk_cache_grown(const struct disk_cache *c, const struct disk_key *key,
                      uint32_t claim);
/* For the others: whether there is such a file, since which nothing was purged,
 * whose, and its number. */
bool disk_cache_growing(const struct disk_cache *c, const struct disk_key *key,
                        uint32_t *claim, uint32_t *number);
enum disk_growth { DISK_GROWS, DISK_GROWN, DISK_GIVEN_UP };
/* What has become of it.  DISK_GROWS: the caller waits for the bell. */
enum disk_growth disk_cache_growth(const struct disk_cache *c,
                                   const struct disk_key *key, uint32_t claim);

/* The key's file is about to be replaced by one that was asked for when that was the
 * last purge: until disk_cache_stored tells of it, what is there counts as older
 * than both are. */
void disk_cache_replaces(const struct disk_cache *c, const struct disk_key *key,
                         uint64_t purges);
/* The key has a new file of n bytes, which was asked for when that was the last
 * purge; 0 bytes: it has none any more. */
void disk_cache_stored(const struct disk_cache *c, const struct disk_key *key,
                       uint64_t n, uint64_t purges);
/* Whatever processes know of the key's file does not hold any more: after it was
 * written to, or is no longer to be used as it is. */
void disk_cache_changed(const struct disk_cache *c, const struct disk_key *key);
/* It was asked for n times since the last time that the index was told. */
void disk_cache_used(struct zone *z, const struct disk_key *key, uint32_t n);
/* The file that it had in that version is not older than that purge. */
void disk_cache_confirmed(const struct disk_cache   *c,
                          const struct disk_key     *key,
                          const struct disk_version *v, uint64_t purges);
/* Deletes the file of a key and forgets it.  Whether there was one. */
bool disk_cache_remove(const struct disk_cache *c, const struct disk_key *key);
/* The key is answered with a status instead of a file, until then. */
void disk_cache_set_error(const struct disk_cache *c,
                          const struct disk_key *key, unsigned status,
                          int64_t valid_at, uint64_t purges);

/* Deletes what was not used for the longest time.  False: there is nothing. */
bool disk_cache_evict(const struct disk_cache *c);

/* Adds a file that was found to the index, unless it is there. */
void disk_cache_found(const struct disk_cache *c, const struct disk_key *key,
                      uint64_t n);

/* Whether the folders of all caches have nothing but what caches have: NULL, or a
 * message. */
const char *disk_folder_check(struct conf *cf, const struct disk_caches *all);

/* The helpers. */
void disk_manager_run(const struct helper_run *h);
void disk_loader_run(const struct helper_run *h);
