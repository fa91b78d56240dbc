/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names are numbers of ten digits, counted within the process; when another
 * process has taken a name, counting restarts at a random number.  The last
 * digits name the folders, if there are levels of them.
 */
#include "http/temp_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/event/trace.h"

struct temp_file {
    struct chain_file file;
    char             *name;
    bool              is_ours; /* to be unlinked when it is closed           */
};

enum {
    NAME_DIGITS = 10,
    NAME_ROOM = NAME_DIGITS + 3 * 4 + 2, /* digits, folders, slashes, NUL    */
    ATTEMPTS = 1000,
    WRITE_PIECES = 64,
};

static _Thread_local uint32_t counter;


static void
free_temp_file(struct chain_file *file)
{
    struct temp_file *f = container_of(file, struct temp_file, file);

    if (f->is_ours)
        (void) unlink(f->name);
    (void) close(file->fd);
    free(f->name);
    free(f);
}


/* Writes path and the name for a number to out; each level uses the last
 * levels[i] digits that the levels before it have left. */
static size_t
put_name(char *out, size_t room, const struct temp_path *path, uint32_t number)
{
    char   digits[NAME_DIGITS + 1];
    size_t left = NAME_DIGITS;
    size_t n;

    (void) snprintf(digits, sizeof(digits), "%010u", number);
    n = (size_t) snprintf(out, room, STR_F, STR_A(path->path));
    for (unsigned i = 0; i < path->n_levels && path->levels[i] < left; i++) {
        left -= path->levels[i];
        n += (size_t) snprintf(out + n, room - n, "/%.*s", path->levels[i],
                               digits + left);
    }
    n += (size_t) snprintf(out + n, room - n, "/%s", digits);
    return n;
}


/* Creates the folders of a name, from base on. */
static bool
make_folders(struct task *t, char *name, size_t base)
{
    for (char *slash = name + base + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        if (mkdir(name, 0700) == -1 && errno != EEXIST) {
            log_at(t->log, LEVEL_CRIT, errno, "mkdir() \"%s\" failed", name);
            return false;
        }
        *slash = '/';
    }
    return true;
}


/* Creates a file with an unused name; -1: logged. */
static int
open_new(struct task *t, const struct temp_path *path, char *name, size_t room)
{
    uint32_t number = counter++;
    bool     made = false;
    int      fd;

    for (unsigned i = 0; i < ATTEMPTS; i++) {
        put_name(name, room, path, number);
        fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd != -1)
            return fd;
        if (errno == EEXIST) {
            counter += (uint32_t) random() % 123456;
            number = counter++;
            made = false;
            continue;
        }
        if (errno != ENOENT || path->n_levels == 0 || made)
            break;
        if (!make_folders(t, name, path->path.n))
            return -1;
        made = true;
    }
    log_at(t->log, LEVEL_CRIT, errno, "open() \"%s\" failed", name);
    return -1;
}


/* Makes the folders above a path.  Mostly the last one or two of them are missing,
 * so that they are tried from there. */
static void
make_parents(char *path)
{
    char *slash = strrchr(path, '/');

    if (slash == NULL || slash == path)
        return;
    *slash = '\0';
    if (mkdir(path, 0700) == -1 && errno == ENOENT) {
        make_parents(path);
        (void) mkdir(path, 0700);
    }
    *slash = '/';
}


/* A dry run leaves nothing behind: it uses a file in memory, with the name
 * that a file would have. */
static int
open_in_memory(const struct temp_path *path, char *name, size_t room)
{
    put_name(name, room, path, counter++);
    return memfd_create("body", MFD_CLOEXEC);
}


static struct chain_file *
make_file(int fd, const char *name, enum temp_keep keep)
{
    struct temp_file *f = calloc(1, sizeof(*f));

    if (!f)
        check_memory(sizeof(*f));
    f->file = (struct chain_file){ 1, fd, free_temp_file };
    f->name = strdup(name);
    if (!f->name)
        check_memory(strlen(name) + 1);
    f->is_ours = keep == TEMP_CLEAN;
    return &f->file;
}


struct chain_file *
temp_file_new(struct task *t, const struct temp_path *path, enum temp_keep keep,
              str_t *name)
{
    size_t room = path->path.n + NAME_ROOM;
    char  *text = arena_bytes(t->arena, room);
    int    fd;

    if (task_is_dry(t)) {
        keep = TEMP_KEEP;
        fd = open_in_memory(path, text, room);
    } else {
        fd = open_new(t, path, text, room);
    }
    if (fd == -1)
        return NULL;
    if (keep == TEMP_NAMELESS)
        (void) unlink(text);
    if (name)
        *name = str_of(text);
    return make_file(fd, text, keep);
}


struct chain_file *
temp_file_beside(struct task *t, const char *other, str_t *name)
{
    bool  made = false;
    str_t text;
    int   fd;

    for (unsigned i = 0; i < ATTEMPTS; i++) {
        text = arena_printf(t->arena, "%s.%0*u", other, NAME_DIGITS, counter++);
        fd = open(text.p, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd != -1) {
            *name = text;
            return make_file(fd, text.p, TEMP_KEEP);
        }
        if (errno == ENOENT && !made) {
            make_parents((char *) (uintptr_t) text.p);
            made = true;
        } else if (errno != EEXIST) {
            break;
        }
    }
    log_at(t->log, LEVEL_CRIT, errno, "open() \"%s\" failed", text.p);
    return NULL;
}


/* Collects the memory pieces at the front, as many as fit. */
static int
gather(const struct chain *in, uint64_t limit, struct iovec *iov)
{
    int n = 0;

    for (const struct piece *p = in->head; p && limit; p = p->next) {
        size_t take = p->n < limit ? p->n : (size_t) limit;

        if (n == WRITE_PIECES || (!p->p && p->n))
            break;
        if (take == 0)
            continue;
        iov[n++] = (struct iovec){ (void *) (uintptr_t) p->p, take };
        limit -= take;
    }
    return n;
}


bool
temp_file_append(struct task *t, struct chain_file *f, off_t *at,
                 struct chain *in, uint64_t limit)
{
    struct iovec iov[WRITE_PIECES] UNSET;
    uint64_t     left = limit && limit < in->n ? limit : in->n;

    while (left) {
        int     n = gather(in, left, iov);
        ssize_t done;

        if (n == 0)
            break;
        done = pwritev(f->fd, iov, n, *at);
        if (done == -1 && errno == EINTR)
            continue;
        if (done <= 0) {
            log_at(t->log, LEVEL_CRIT, done == -1 ? errno : 0,
                   "pwritev() \"%s\" failed",
                   container_of(f, struct temp_file, file)->name);
            return false;
        }
        *at += done;
        left -= (uint64_t) done;
        chain_skip(in, (uint64_t) done);
    }
    return true;
}


/* --- moving ------------------------------------------------------------------- */

/* Between file systems, copies the file to a temporary name beside its
 * target: ten digits follow, by which a cache knows what was left there. */
static bool
copy_across(struct task *t, const char *from, const char *to)
{
    str_t beside
        = arena_printf(t->arena, "%s.%010lu", to, (unsigned long) random());
    char    buf[16384] UNSET;
    int     in = open(from, O_RDONLY | O_CLOEXEC);
    int     out = open(beside.p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ssize_t n = -1;

    while (in != -1 && out != -1 && (n = read(in, buf, sizeof(buf))) > 0) {
        if (write(out, buf, (size_t) n) != n) {
            n = -1;
            break;
        }
    }
    if (in != -1)
        (void) close(in);
    if (out != -1)
        (void) close(out);
    if (n == 0 && rename(beside.p, to) == 0) {
        (void) unlink(from);
        return true;
    }
    (void) unlink(beside.p);
    return false;
}


bool
temp_file_move(struct task *t, const char *from, char *to)
{
    if (rename(from, to) == 0)
        return true;
    if (errno == ENOENT) {
        make_parents(to);
        if (rename(from, to) == 0)
            return true;
    }
    if (errno == EXDEV && copy_across(t, from, to))
        return true;
    log_at(t->log, LEVEL_CRIT, errno, "rename() \"%s\" to \"%s\" failed", from,
           to);
    (void) unlink(from);
    return false;
}
