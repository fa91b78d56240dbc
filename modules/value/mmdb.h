/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MaxMind DB files: opened and checked in one process, mapped in others, which
 * need not be allowed to open them.
 */
#pragma once

#include <maxminddb.h>
#include <stdbool.h>
#include <sys/stat.h>

/* A file's status, to recognize a new one. */
struct mmdb_mark {
    dev_t           device;
    ino_t           inode;
    off_t           size;
    struct timespec changed;
};

/* What lookups need to know of a file.  Has no pointers but those into the
 * mapping, so that processes can hand it on. */
struct mmdb {
    MMDB_s           db;
    size_t           data_at; /* of the data section in the file             */
    struct mmdb_mark mark;
};

/* An attempt to open a file. */
struct mmdb_opening {
    const char *path;
    struct mmdb found; /* not mapped                                         */
    int         fd; /* -1: the file has not changed, or opening failed      */
    int         error;  /* errno of stat(), or 0                             */
    int         status; /* of the library                                    */
};

/* Opens o->path, unless it still is what old (or NULL) says, and checks it.  In
 * any thread; the process has called mapped_init. */
void mmdb_open(struct mmdb_opening *o, const struct mmdb_mark *old);

/* Maps the file that m was found in; false: errno says why.  Reading is done in
 * mapped_try, since the file may be truncated. */
bool mmdb_map(struct mmdb *m, int fd);
void mmdb_unmap(struct mmdb *m);
