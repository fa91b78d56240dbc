/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Internal to core/cache: shared by the files that open files.
 */
#pragma once

#include "core/cache/file.h"

/* file.c: opening without a cache. */
struct file_result file_open_plain(str_t path, const struct file_options *o);
struct file *file_new(int fd, const struct stat *st);
static inline struct file *
file_get(struct file *f)
{
    f->chain.refs++;
    return f;
}
/* Reads the whole file into f->content; false: it could not be read
 * completely. */
bool file_load(struct file *f);

/* tree.c: the cache that the kernel keeps valid.  True: *out is the answer
 * (which can be an error); false: the path cannot be cached, the caller opens
 * it. */
bool tree_start(struct loop *l, const struct log *log);
void tree_stop(void);
bool tree_open(str_t path, bool test_only, struct file_result *out);
struct file_stats tree_stats(void);

/* recent.c: open_file_cache. */
struct file_result recent_open(str_t path, const struct file_options *o);
void recent_stop(void);
