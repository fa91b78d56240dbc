/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Temporary files for bodies that do not fit into memory: of requests
 * (client_body_temp_path) and of upstream responses (proxy_temp_path ...).
 * A file is a chain_file, so that pieces of chains can refer to it; it is
 * closed when the last of them has been used up.
 */
#pragma once

#include "core/base/chain.h"
#include "core/conf/types.h"
#include "core/event/task.h"

enum temp_keep {
    TEMP_NAMELESS, /* unlinked as soon as it is open                         */
    TEMP_CLEAN,    /* has a name until it is closed                          */
    TEMP_KEEP,     /* has a name and stays when it is closed                 */
};

/* A new file under path, read and written by its owner only, with one count
 * on it; folders of its levels are made as needed.  *name, when asked for, is
 * its path in t's arena, with a NUL that does not count.  NULL: logged. */
struct chain_file *temp_file_new(struct task *t, const struct temp_path *path,
                                 enum temp_keep keep, str_t *name);

/* Writes all bytes of the memory pieces at the front of in, at most limit
 * bytes (0: all), to the file from *at on; consumes them and moves *at.
 * False: logged, and what was not written is still in in. */
bool temp_file_append(struct task *t, struct chain_file *f, off_t *at,
                      struct chain *in, uint64_t limit);
