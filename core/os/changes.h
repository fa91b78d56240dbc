/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether files may have become others: the kernel tells of it (inotify).  All
 * folders that a path leads through are watched, those behind symbolic links,
 * too, so that it makes no difference whether a file is written to, another is
 * renamed over it, or a link on the way leads somewhere else from now on.
 */
#pragma once

#include <stdbool.h>

struct arena;
struct hash;

struct changes {
    int           fd; /* becomes readable; -1: the kernel does not tell      */
    struct arena *arena;
    struct hash  *folders; /* that are watched                               */
    struct hash  *names;   /* that matter in each of them                    */
};

/* Nothing is watched so far.  False with errno: it cannot be. */
bool changes_open(struct changes *c);
void changes_close(struct changes *c);

/* Watches all that leads to a path, as it is now: when something has
 * changed, begin anew.  Folders that cannot be watched are left out. */
void changes_add(struct changes *c, const char *path);

/* Takes what the kernel has told so far, without waiting: whether it is about
 * a name on the way to one of the files. */
bool changes_read(struct changes *c);
