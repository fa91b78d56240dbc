/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Temporary files for bodies that do not fit into memory: of requests
 * (client_body_temp_path) and of upstream responses (proxy_temp_path ...).  A
 * file is a chain_file, so that pieces of chains can refer to it; it is closed
 * when the last of them has been consumed.
 */
#pragma once

#include "core/base/chain.h"
#include "core/conf/types.h"
#include "core/event/task.h"

enum temp_keep {
    TEMP_NAMELESS, /* unlinked as soon as it is open                         */
    TEMP_CLEAN,    /* has a name, and is unlinked when it is closed          */
    TEMP_KEEP,     /* has a name, and stays                                  */
};

/* A new file under path, accessible only by its owner, with one reference; the
 * folders of its levels are created as needed.  *name, if wanted, is its path
 * in t's arena, followed by a NUL that is not part of its length.  NULL:
 * logged. */
struct chain_file *temp_file_new(struct task *t, const struct temp_path *path,
                                 enum temp_keep keep, str_t *name);

/* Appends all bytes of the memory pieces at the front of in, at most limit
 * bytes (0: all), to the file at *at; consumes them and advances *at.  False:
 * logged, and what was not written is still in in. */
bool temp_file_append(struct task *t, struct chain_file *f, off_t *at,
                      struct chain *in, uint64_t limit);

/* A new file beside another one, whose folders are created as needed: with its
 * name, a dot and ten digits.  As temp_file_new with TEMP_KEEP. */
struct chain_file *temp_file_beside(struct task *t, const char *other,
                                    str_t *name);

/* Renames a file, and creates the folders of the name to; between file systems,
 * it is copied.  False: logged, and it is gone. */
bool temp_file_move(struct task *t, const char *from, char *to);
