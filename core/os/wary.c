/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walks a path folder by folder, each through its descriptor, so that nobody
 * can replace a folder in the meantime.
 */
#include "core/os/wary.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLDER = O_PATH | O_DIRECTORY | O_CLOEXEC };

struct walk {
    int   at; /* the current folder; -1: failed, see errno                  */
    uid_t user;
    bool  is_theirs; /* it or a folder above it belongs to user             */
};


static int
open_name(struct walk *w, const char *name, int flags, mode_t mode)
{
    struct stat st;

    if (fstat(w->at, &st) == -1)
        return -1;
    w->is_theirs |= st.st_uid == w->user;
    return openat(w->at, name, w->is_theirs ? flags | O_NOFOLLOW : flags, mode);
}


static void
enter(struct walk *w, const char *name)
{
    int fd = open_name(w, name, FOLDER, 0), error = errno;

    close(w->at);
    w->at = fd;
    errno = error;
}


int
wary_open(const char *path, int flags, mode_t mode, uid_t user)
{
    struct walk w = { .user = user };
    const char *slash;
    char        name[NAME_MAX + 1];
    int         fd, error;

    if (user == 0)
        return open(path, flags, mode);
    w.at = open(*path == '/' ? "/" : ".", FOLDER);
    while (w.at != -1 && (slash = strchr(path, '/')) != NULL) {
        size_t n = (size_t) (slash - path);

        if (n > NAME_MAX) {
            close(w.at);
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(name, path, n);
        name[n] = '\0';
        if (n != 0)
            enter(&w, name);
        path = slash + 1;
    }
    if (w.at == -1)
        return -1;
    fd = open_name(&w, *path ? path : ".", flags, mode);
    error = errno;
    close(w.at);
    errno = error;
    return fd;
}
