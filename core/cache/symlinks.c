/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disable_symlinks: opens a path component by component, so that no link is
 * followed, or only links whose owner also owns the target.  Links in the
 * trusted prefix of the path are allowed.  A file that may have to be created
 * is never opened through a link.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "core/cache/inside.h"

enum {
    NEW_FILE_MODE = 0644,
    TRIES = 8, /* when a name keeps changing between link and file           */
};

struct walk {
    int         at; /* descriptor of the current folder                      */
    const char *call;
};


static int
open_in(struct walk *w, const char *name, int flags)
{
    return openat(w->at, name, flags | O_NONBLOCK | O_CLOEXEC, NEW_FILE_MODE);
}


/* Closes fd and fails with error. */
static int
give_up(int fd, int error)
{
    close(fd);
    errno = error;
    return -1;
}


/* Opens the target of the link behind fd, if the link's owner owns the target
 * too.  The text is read from the open link, since its name may lead elsewhere
 * by now. */
static int
follow(struct walk *w, int link_fd, const struct stat *link, int flags)
{
    char        text[PATH_MAX];
    ssize_t     n = readlinkat(link_fd, "", text, sizeof(text));
    struct stat target;
    int         fd;

    if (n == -1)
        return -1;
    if (n == sizeof(text)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    text[n] = '\0';
    fd = open_in(w, text, flags);
    if (fd == -1)
        return -1;
    if (fstat(fd, &target) == -1)
        return give_up(fd, errno);
    return link->st_uid == target.st_uid ? fd : give_up(fd, ELOOP);
}


/* Anything but a link is opened directly.  A link is held open while its owner
 * is checked, so that a rename in the meantime cannot change the result. */
static int
open_owned(struct walk *w, const char *name, int flags)
{
    struct stat link;
    int         fd, link_fd;

    for (int tries = 0; tries < TRIES; tries++) {
        fd = open_in(w, name, flags | O_NOFOLLOW);
        if (fd != -1 || (errno != ELOOP && errno != ENOTDIR))
            return fd;
        link_fd = open_in(w, name, O_PATH | O_NOFOLLOW);
        if (link_fd == -1)
            return -1;
        if (fstat(link_fd, &link) == -1)
            return give_up(link_fd, errno);
        if (S_ISLNK(link.st_mode)) {
            fd = follow(w, link_fd, &link, flags);
            if (fd == -1)
                return give_up(link_fd, errno);
            close(link_fd);
            return fd;
        }
        close(link_fd);
        if ((flags & O_DIRECTORY) && !S_ISDIR(link.st_mode)) {
            errno = ENOTDIR;
            return -1;
        }
    }
    errno = ELOOP;
    return -1;
}


static int
open_name(struct walk *w, const char *name, int flags, enum symlinks how)
{
    w->call = "openat()";
    if (how == SYMLINKS_OWNED)
        return open_owned(w, name, flags);
    return open_in(w, name, flags | O_NOFOLLOW);
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


/* Opens the folder where the walk begins: the trusted prefix, or the root. */
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
