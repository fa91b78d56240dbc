/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Log files.  Reopening replaces the descriptor only after the new one is
 * open, so that a failure leaves the old file in use.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log/log.h"
#include "core/os/wary.h"

enum {
    HOW = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
    MODE = 0644,
    OWNER_MODE = 0600,
};


bool
log_file_open(struct log_file *f, const struct log *log)
{
    f->fd = open(f->path.p, HOW, MODE);
    if (f->fd == -1)
        log_at(log, LEVEL_EMERG, errno, "open() \"%s\" failed", f->path.p);
    return f->fd != -1;
}


/* The master reopens as root, but the workers must be able to open the file
 * too, so it gets their owner.  They could have replaced it with a link to
 * somebody else's file, which must not be given to them. */
static int
open_for(const struct log_file *f, uid_t owner)
{
    if (owner == LOG_OWNER_KEPT)
        return open(f->path.p, HOW, MODE);
    return wary_open(f->path.p, HOW, MODE, owner);
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
reopen(struct log_file *f, uid_t owner, const struct log *log)
{
    int fd;

    if (f->flush != NULL)
        f->flush(f);
    fd = open_for(f, owner);
    if (fd == -1) {
        log_at(log, LEVEL_EMERG, errno, "open() \"%s\" failed", f->path.p);
        return;
    }
    if (owner != LOG_OWNER_KEPT && !give_to(fd, f->path.p, owner, log)) {
        close(fd);
        return;
    }
    if (f->fd != -1)
        close(f->fd);
    f->fd = fd;
}


void
log_files_reopen(struct log_file *first, uid_t owner, const struct log *log)
{
    for (struct log_file *f = first; f != NULL; f = f->next)
        if (f->path.n != 0)
            reopen(f, owner, log);
}


void
log_files_flush(struct log_file *first)
{
    for (struct log_file *f = first; f != NULL; f = f->next)
        if (f->flush != NULL)
            f->flush(f);
}
