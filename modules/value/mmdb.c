/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The library opens files by their names only, and what it allocates for one is
 * of no use to another process.  So it is asked to check a file, and what it
 * has found is kept without its pointers: lookups only use those into the
 * mapping.
 */
#include "modules/value/mmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/os/mapped.h"

/* How often in a row a file is opened anew because it was replaced meanwhile */
enum { TRIES = 3 };


static struct mmdb_mark
mark_of(const struct stat *st)
{
    return (struct mmdb_mark){
        .device = st->st_dev,
        .inode = st->st_ino,
        .size = st->st_size,
        .changed = st->st_mtim,
    };
}


static bool
is_same(const struct mmdb_mark *a, const struct mmdb_mark *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size
           && a->changed.tv_sec == b->changed.tv_sec
           && a->changed.tv_nsec == b->changed.tv_nsec;
}


/* False: o->error. */
static bool
look_at(struct mmdb_opening *o, struct stat *st)
{
    if (stat(o->path, st) == 0)
        return true;
    o->error = errno;
    o->status = MMDB_FILE_OPEN_ERROR;
    return false;
}


static void
load(void *arg)
{
    struct mmdb_opening *o = arg;

    o->status = MMDB_open(o->path, MMDB_MODE_MMAP, &o->found.db);
}


/* Keeps what has no owner. */
static void
strip(struct mmdb *m)
{
    MMDB_s db = m->db;

    m->data_at = (size_t) (db.data_section - db.file_content);
    MMDB_close(&m->db);
    m->db = (MMDB_s){
        .flags = db.flags,
        .file_size = db.file_size,
        .data_section_size = db.data_section_size,
        .full_record_byte_size = db.full_record_byte_size,
        .depth = db.depth,
        .ipv4_start_node = db.ipv4_start_node,
        .metadata = {
            .node_count = db.metadata.node_count,
            .record_size = db.metadata.record_size,
            .ip_version = db.metadata.ip_version,
            .build_epoch = db.metadata.build_epoch,
        },
    };
}


/* Opens and checks the file; false: o->status. */
static bool
open_once(struct mmdb_opening *o)
{
    o->status = MMDB_FILE_OPEN_ERROR;
    o->fd = open(o->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (o->fd == -1)
        return false;
    o->status = MMDB_IO_ERROR;
    if (mapped_try(load, o) && o->status == MMDB_SUCCESS) {
        strip(&o->found);
        return true;
    }
    close(o->fd);
    o->fd = -1;
    return false;
}


/* Whether what has been opened twice, here and by the library, is one file: it
 * has been at its path all the time. */
static bool
is_settled(struct mmdb_opening *o, const struct mmdb_mark *before)
{
    struct stat      st;
    struct mmdb_mark opened, now;

    if (fstat(o->fd, &st) == -1)
        return false;
    opened = mark_of(&st);
    if (stat(o->path, &st) == -1)
        return false;
    now = mark_of(&st);
    return is_same(before, &opened) && is_same(before, &now)
           && o->found.db.file_size == (ssize_t) before->size;
}


void
mmdb_open(struct mmdb_opening *o, const struct mmdb_mark *old)
{
    struct stat st;

    o->fd = -1;
    for (unsigned i = 0; i < TRIES; i++) {
        if (!look_at(o, &st))
            return;
        o->found.mark = mark_of(&st);
        if (old != NULL && is_same(&o->found.mark, old))
            return;
        o->status = MMDB_IO_ERROR;
        if (!S_ISREG(st.st_mode)) /* opening a pipe would block           */
            return;
        if (!open_once(o) || is_settled(o, &o->found.mark))
            return;
        close(o->fd);
        o->fd = -1;
        o->status = MMDB_IO_ERROR;
    }
}


bool
mmdb_map(struct mmdb *m, int fd)
{
    void *p
        = mmap(NULL, (size_t) m->db.file_size, PROT_READ, MAP_SHARED, fd, 0);

    if (p == MAP_FAILED)
        return false;
    m->db.file_content = p;
    m->db.data_section = m->db.file_content + m->data_at;
    return true;
}


void
mmdb_unmap(struct mmdb *m)
{
    if (m->db.file_content == NULL)
        return;
    munmap((void *) (uintptr_t) m->db.file_content, (size_t) m->db.file_size);
    m->db.file_content = m->db.data_section = NULL;
}
