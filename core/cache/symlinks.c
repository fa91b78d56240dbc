/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disable_symlinks: opening a path component by component, so that no link is
 * followed, or only those that belong to the owner of what they lead to.
 * Links in the trusted part at the path's start do not matter.  What may be
 * made is never opened by a link.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "core/cache/inside.h"

enum { NEW_FILE_MODE = 0644 };

struct walk {
    int         at; /* descriptor of the folder reached                      */
    const char *call;
};


/* A link may be followed to something that its owner owns.  The link is
 * opened as what it leads to, and compared with what it is itself. */
static int
open_owned(struct walk *w, const char *name, int flags)
{
    struct stat link, target;
    int         fd;

    fd = openat(w->at, name, flags | O_NONBLOCK | O_CLOEXEC, NEW_FILE_MODE);
    w->call = "openat()";
    if (fd == -1)
        return -1;
    w->call = "fstatat()";
    if (fstatat(w->at, name, &link, AT_SYMLINK_NOFOLLOW) == -1)
        goto close_fd;
    w->call = "fstat()";
    if (fstat(fd, &target) == -1)
        goto close_fd;
    if (!S_ISLNK(link.st_mode) || link.st_uid == target.st_uid)
        return fd;
    w->call = "openat()";
    errno = ELOOP;

close_fd:
    flags = errno;
    close(fd);
    errno = flags;
    return -1;
}


static int
open_name(struct walk *w, const char *name, int flags, enum symlinks how)
{
    w->call = "openat()";
    if (how == SYMLINKS_OWNED)
        return open_owned(w, name, flags);
    return openat(w->at, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
                  NEW_FILE_MODE);
}


static bool
enter(struct walk *w, const char *name, enum symlinks how)
{
    int fd = open_name(w, name, O_PATH | O_DIRECTORY, how);

    if (fd == -1)
        return false;
    close(w->at);
    w->at = fd;
    return true;
}


/* The folder where the walk begins: the trusted part, or the root. */
static bool
begin(struct walk *w, const char *path, size_t trusted)
{
    char start[PATH_MAX];

    w->call = "open()";
    if (trusted >= sizeof(start)) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(start, path, trusted);
    memcpy(start + trusted, trusted ? "" : "/", trusted ? 1 : 2);
    w->at = open(start, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return w->at != -1;
}


static int
walk(struct walk *w, str_t rest, enum symlinks how, int flags)
{
    char  name[NAME_MAX + 1];
    str_t part;

    for (;;) {
        while (rest.n != 0 && rest.p[0] == '/')
            rest = str_from(rest, 1);
        part = str_cut(&rest, '/');
        if (part.n > NAME_MAX) {
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(name, part.n ? part.p : ".", part.n ? part.n : 1);
        name[part.n ? part.n : 1] = '\0';
        if (rest.p == NULL)
            return open_name(w, name, flags,
                             flags & O_CREAT ? SYMLINKS_REFUSE : how);
        if (!enter(w, name, how))
            return -1;
    }
}


int
file_open_walking(str_t path, enum symlinks how, size_t trusted, int flags,
                  const char **call)
{
    struct walk w = { .at = -1 };
    int         fd, errnum;

    if (trusted >= path.n)
        trusted = 0;
    fd = begin(&w, path.p, trusted)
             ? walk(&w, str_from(path, trusted), how, flags)
             : -1;
    errnum = errno;
    if (w.at != -1)
        close(w.at);
    *call = w.call;
    errno = errnum;
    return fd;
}
