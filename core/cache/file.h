/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening files, with two caches before it.
 *
 * The first is always on and never stale: descriptors, stat results and the
 * bytes of small files are kept only while the kernel watches every folder of
 * the path and the file itself, and are dropped at its first word (tree.c).
 * Where that cannot be had, a file is opened per request.  The second is
 * open_file_cache, which a configuration asks for, and which looks again
 * after open_file_cache_valid only (recent.c).
 *
 * A struct file is shared and read-only; chain pieces that refer to it count
 * on it.
 */
#pragma once

#include <sys/stat.h>

#include "core/base/chain.h"
#include "core/base/number.h"
#include "core/event/task.h"

struct file {
    struct chain_file chain;   /* first; fd -1 where the bytes are held, and
                                  where nobody asked to read                 */
    struct block     *content; /* all size bytes, or NULL                    */
    uint64_t          size;
    time_t            mtime;
    dev_t             dev;
    ino_t             ino;
    mode_t            mode;
    bool              is_direct; /* opened with O_DIRECT                     */
};

static inline bool
file_is_folder(const struct file *f)
{
    return S_ISDIR(f->mode);
}

static inline bool
file_is_regular(const struct file *f)
{
    return S_ISREG(f->mode);
}

/* open_file_cache, as configured. */
struct file_cache_conf {
    size_t   max; /* entries; 0: off                                         */
    msec_t   inactive;
    unsigned nth; /* of the lines that say the same                          */
};

/* disable_symlinks off, on, if_not_owner. */
enum symlinks { SYMLINKS_FOLLOW, SYMLINKS_REFUSE, SYMLINKS_OWNED };

#define FILE_DIRECT_OFF UINT64_MAX

struct file_options {
    const struct file_cache_conf *cache; /* NULL: none                       */
    msec_t        valid;      /* open_file_cache_valid                       */
    uint64_t      min_uses;
    bool          errors;     /* open_file_cache_errors                      */
    uint64_t      directio;   /* O_DIRECT from this size on                  */
    uint64_t      read_ahead;
    enum symlinks symlinks;
    size_t        trusted;    /* bytes of the path where links do not matter */
    bool          test_only;  /* is it there, and what is it?                */
};

struct file_result {
    struct file *file;  /* NULL: failed; a count that file_put gives back    */
    int          error; /* errno                                             */
    const char  *call;  /* what failed: "open()", "stat()" ...               */
};

/* path ends with a NUL.  Nothing is logged.  After test_only the size and
 * times may be old ones. */
struct file_result file_open(struct task *t, str_t path,
                             const struct file_options *o);
void               file_put(struct file *f); /* NULL is allowed */

/* Opens a path with flags of open(), nothing kept, where links are not followed
 * (how is not SYMLINKS_FOLLOW) behind the trusted bytes.  -1 with errno, and
 * what failed in *call. */
int file_open_walking(str_t path, enum symlinks how, size_t trusted, int flags,
                      const char **call);

/* The struct file behind a piece's file, or NULL for others (temporary
 * files). */
struct file *file_of(struct chain_file *f);

/* Starts the caches of a worker; false (logged at notice) when nothing can be
 * kept, which does no harm. */
bool file_start(struct loop *l, const struct log *log);
void file_stop(void);

/* Drops what was kept for other open_file_cache lines than these. */
void file_keep_caches(struct file_cache_conf *const *wanted, size_t n);

/* What the caches hold, for tests and measures. */
struct file_stats {
    size_t nodes, descriptors, bytes, watches;
    size_t hits, misses, drops;
};
struct file_stats file_stats(void);
