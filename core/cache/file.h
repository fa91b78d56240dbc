/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening files, with two caches in front.
 *
 * The first is always on and never stale: descriptors, stat results and the
 * bytes of small files are kept only while the kernel watches the file and
 * every folder of its path, and are dropped as soon as it reports a change
 * (tree.c).  Where a path cannot be watched, the file is opened for each
 * request.  The second is open_file_cache, which a configuration has to ask
 * for; it checks an entry again only after open_file_cache_valid (recent.c).
 *
 * A struct file is shared and read-only; chain pieces that refer to it hold
 * references.
 */
#pragma once

#include <sys/stat.h>

#include "core/base/chain.h"
#include "core/base/number.h"
#include "core/event/task.h"

struct file {
    struct chain_file chain;   /* first; fd -1 if the bytes are in content,
                                  or if nobody asked to read                 */
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
    unsigned nth; /* among the identical lines                               */
};

/* disable_symlinks off, on, if_not_owner. */
enum symlinks { SYMLINKS_FOLLOW, SYMLINKS_REFUSE, SYMLINKS_OWNED };

#define FILE_DIRECT_OFF UINT64_MAX

struct file_options {
    const struct file_cache_conf *cache; /* NULL: no open_file_cache         */
    msec_t        valid;      /* open_file_cache_valid                       */
    uint64_t      min_uses;
    bool          errors;     /* open_file_cache_errors                      */
    uint64_t      directio;   /* O_DIRECT for files of at least this size    */
    uint64_t      read_ahead;
    enum symlinks symlinks;
    size_t        trusted;    /* length of the path's prefix in which links
                                 are allowed                                 */
    bool          test_only;  /* only stat, do not open                      */
};

struct file_result {
    struct file *file;  /* NULL: failed; otherwise a reference, to be
                           dropped by file_put                               */
    int          error; /* errno                                             */
    const char  *call;  /* the call that failed: "open()", "stat()" ...      */
};

/* path ends with a NUL.  Nothing is logged.  With test_only, the size and the
 * times may be out of date. */
struct file_result file_open(struct task *t, str_t path,
                             const struct file_options *o);
void               file_put(struct file *f); /* NULL is allowed */

/* Opens a path with flags of open(), uncached, for a how other than
 * SYMLINKS_FOLLOW: links are restricted after the trusted bytes.  -1 with
 * errno, and the call that failed in *call. */
int file_open_walking(str_t path, enum symlinks how, size_t trusted, int flags,
                      const char **call);

/* The struct file that a piece's file belongs to, or NULL for others
 * (temporary files). */
struct file *file_of(struct chain_file *f);

/* Starts the caches of a worker.  False (logged at notice): no cache is
 * available, and files are opened for each request. */
bool file_start(struct loop *l, const struct log *log);
void file_stop(void);

/* Drops the entries of all open_file_cache lines but these. */
void file_keep_caches(struct file_cache_conf *const *wanted, size_t n);

/* Usage of the cache, for tests and benchmarks. */
struct file_stats {
    size_t nodes, descriptors, bytes, watches;
    size_t hits, misses;
};
struct file_stats file_stats(void);
