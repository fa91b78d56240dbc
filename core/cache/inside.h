/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of core/cache's file part.
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
/* Reads all of it into f->content; false: it could not be read whole. */
bool file_load(struct file *f);

/* tree.c: what the kernel watches.  True: *out is the answer (an error is one
 * as well); false: it cannot be kept, open it. */
bool tree_start(struct loop *l, const struct log *log);
void tree_stop(void);
bool tree_open(str_t path, bool test_only, struct file_result *out);
struct file_stats tree_stats(void);

/* recent.c: open_file_cache. */
struct file_result recent_open(str_t path, const struct file_options *o);
void recent_stop(void);
