/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files and folders as WebDAV changes them: removing, copying, and moving,
 * whole trees too.  These functions wait for the disk; what takes long is done
 * in a thread.  They follow no links below the path that they are given: a link
 * is removed, copied and moved as such.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

/* The attribute with which clients' properties are kept, and its size. */
#define DAV_ATTRIBUTE "user.weir.dav"
enum { DAV_ATTRIBUTE_MAX = 3800 };

/* What went wrong first: after it, nothing more is done. */
struct dav_fault {
    int         error; /* errno                                              */
    const char *call;  /* "unlink()" ...                                     */
    char        path[PATH_MAX];
};

/* Removes a file, or a folder with all that is in it. */
bool dav_remove(const char *path, bool is_folder, struct dav_fault *f);

/* Copies a file, or a folder with all that is in it, to a name at which nothing
 * is, or, for files, a file, which is replaced in one step.  Modes, times and
 * properties stay, but set-user-ID and the like. */
bool dav_copy(const char *from, const char *to, bool is_folder,
              struct dav_fault *f);

/* The same, after which the source is gone: by renaming, or where to is on
 * another file system by copying. */
bool dav_move(const char *from, const char *to, bool is_folder,
              struct dav_fault *f);

/* Makes the folders above a path. */
bool dav_make_parents(const char *path, unsigned mode, struct dav_fault *f);
