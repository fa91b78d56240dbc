/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Log files.  Reopening replaces the file behind a descriptor only after the
 * new one is open, so that a failure leaves the old file in use.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/log/log.h"
#include "core/os/wary.h"

enum {
    HOW = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
    MODE = 0644,
    OWNER_MODE = 0600, /* all of it, where the file is secret                */
};


/* A descriptor of the process. */
struct held {
    struct held *next;
    unsigned     refs; /* files that write to it                             */
    int          fd;
    bool         is_secret;
    char         path[];
};

enum { BUCKETS = 64 };

/* By the hash of their paths. */
static struct held *all[BUCKETS];


/* Where it hangs, or would: *at is NULL. */
static struct held **
find(str_t path)
{
    struct held **at = &all[str_hash(path) % BUCKETS];

    while (*at != NULL && !str_eq(str_of((*at)->path), path))
        at = &(*at)->next;
    return at;
}


static struct held *
hold(str_t path, int fd)
{
    struct held *h = malloc(sizeof(*h) + path.n + 1);

    if (h == NULL)
        check_memory(sizeof(*h) + path.n + 1);
    *h = (struct held){ .fd = fd };
    memcpy(h->path, path.p, path.n);
    h->path[path.n] = '\0';
    return h;
}


static bool
is_same(int a, int b)
{
    struct stat x, y;

    return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev
           && x.st_ino == y.st_ino;
}


/* Puts the file behind fd in place of the one that was open there, with the
 * number that all who write to it know. */
static void
put_in_place(const struct held *h, int fd)
{
    if (!is_same(h->fd, fd))
        dup3(fd, h->fd, O_CLOEXEC);
    close(fd);
}


int
log_file_find(str_t path)
{
    const struct held *h = *find(path);

    return h != NULL ? h->fd : -1;
}


void
log_file_adopt(struct log_file *f, int fd)
{
    struct held **h = find(f->path);

    if (*h == NULL)
        *h = hold(f->path, fd);
    else
        put_in_place(*h, fd);
    (*h)->refs++;
    (*h)->is_secret |= f->is_secret;
    f->fd = (*h)->fd;
}


static mode_t
mode_of(bool is_secret)
{
    return is_secret ? OWNER_MODE : MODE;
}


/* Others may not read what was there already, either.  False: errno. */
static bool
hide(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0
           && (!S_ISREG(st.st_mode) || (st.st_mode & 0777) == OWNER_MODE
               || fchmod(fd, OWNER_MODE) == 0);
}


bool
log_file_open(struct log_file *f, const struct log *log)
{
    int fd = open(f->path.p, HOW, mode_of(f->is_secret));

    if (fd != -1 && f->is_secret && !hide(fd)) {
        log_at(log, LEVEL_EMERG, errno, "chmod() \"%s\" failed", f->path.p);
        close(fd);
        return false;
    }
    if (fd == -1) {
        log_at(log, LEVEL_EMERG, errno, "open() \"%s\" failed", f->path.p);
        return false;
    }
    log_file_adopt(f, fd);
    return true;
}


void
log_file_close(struct log_file *f)
{
    struct held **at = find(f->path), *h = *at;

    if (f->fd == -1 || h == NULL)
        return;
    if (f->flush != NULL)
        f->flush(f);
    f->fd = -1;
    if (--h->refs != 0)
        return;
    *at = h->next;
    close(h->fd);
    free(h);
}


/* The master reopens as root, but the workers must be able to open the file
 * too, so it gets their owner.  They could have replaced it with a link to
 * somebody else's file, which must not be given to them. */
static int
open_for(const struct held *h, uid_t owner)
{
    mode_t mode = mode_of(h->is_secret);

    if (owner == LOG_OWNER_KEPT)
        return open(h->path, HOW, mode);
    return wary_open(h->path, HOW, mode, owner);
}


static bool
give_to(int fd, const char *path, uid_t owner, const struct log *log)
{
    struct stat st;

    if (fstat(fd, &st) == -1) {
        log_at(log, LEVEL_EMERG, errno, "fstat() \"%s\" failed", path);
        return false;
    }
    if (!S_ISREG(st.st_mode))
        return true;
    if (st.st_uid != owner && fchown(fd, owner, (gid_t) -1) == -1) {
        log_at(log, LEVEL_EMERG, errno, "chown(\"%s\", %d) failed", path,
               (int) owner);
        return false;
    }
    if ((st.st_mode & OWNER_MODE) != OWNER_MODE
        && fchmod(fd, (st.st_mode | OWNER_MODE) & 07777) == -1)
    {
        log_at(log, LEVEL_EMERG, errno, "chmod() \"%s\" failed", path);
        return false;
    }
    return true;
}


static void
reopen(const struct held *h, uid_t owner, const struct log *log)
{
    int fd = open_for(h, owner);

    if (fd == -1) {
        log_at(log, LEVEL_EMERG, errno, "open() \"%s\" failed", h->path);
        return;
    }
    if (owner != LOG_OWNER_KEPT && !give_to(fd, h->path, owner, log)) {
        close(fd);
        return;
    }
    put_in_place(h, fd);
}


void
log_files_reopen(uid_t owner, const struct log *log)
{
    for (unsigned i = 0; i < BUCKETS; i++)
        for (struct held *h = all[i]; h != NULL; h = h->next)
            reopen(h, owner, log);
}


void
log_files_flush(struct log_file *first)
{
    for (struct log_file *f = first; f != NULL; f = f->next)
        if (f->flush != NULL)
            f->flush(f);
}
