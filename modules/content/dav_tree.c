/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trees are walked by descriptors of their folders, so that a folder that is
 * replaced by a link meanwhile leads nowhere; one descriptor a level, of which
 * there are LEVELS_MAX at most.
 */
#include "modules/content/dav_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "core/os/random.h"

enum { LEVELS_MAX = 128, MODE_BITS = 0777, COPY_AT_ONCE = 1 << 24 };

/* An open folder, and its path for messages. */
struct folder {
    int         fd;
    unsigned    level;
    const char *path;
};

typedef bool (*entry_fn)(const struct folder *at, const char *name, void *arg);


static bool
fault(struct dav_fault *f, const char *call, const char *path, const char *name)
{
    f->error = errno;
    f->call = call;
    if (name != NULL)
        (void) snprintf(f->path, sizeof(f->path), "%s/%s", path, name);
    else
        (void) snprintf(f->path, sizeof(f->path), "%s", path);
    return false;
}


static bool
is_dot(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}


/* Calls fn for all entries of a folder, whose descriptor is closed then. */
static bool
each_entry(const struct folder *at, entry_fn fn, void *arg, struct dav_fault *f)
{
    DIR           *d = fdopendir(at->fd);
    struct dirent *e;
    bool           is_ok = true;

    if (d == NULL) {
        (void) fault(f, "opendir()", at->path, NULL);
        (void) close(at->fd);
        return false;
    }
    for (errno = 0; is_ok && (e = readdir(d)) != NULL; errno = 0)
        is_ok = is_dot(e->d_name) || fn(at, e->d_name, arg);
    if (is_ok && errno != 0)
        is_ok = fault(f, "readdir()", at->path, NULL);
    (void) closedir(d);
    return is_ok;
}


/* Opens a folder that is no link; level says how deep it is. */
static int
open_folder(int at, const char *name, const char *path, unsigned level,
            struct dav_fault *f)
{
    int fd = -1;

    if (level > LEVELS_MAX)
        errno = ENAMETOOLONG;
    else
        fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1)
        (void) fault(f, "opendir()", path, at == AT_FDCWD ? NULL : name);
    return fd;
}


/* --- removing ---------------------------------------------------------------------- */

static bool remove_tree(int at, const char *name, const char *path,
                        unsigned level, struct dav_fault *f);


static bool
remove_entry(const struct folder *at, const char *name, void *arg)
{
    struct dav_fault *f = arg;

    if (unlinkat(at->fd, name, 0) == 0 || errno == ENOENT)
        return true;
    if (errno != EISDIR && errno != EPERM)
        return fault(f, "unlink()", at->path, name);
    return remove_tree(at->fd, name, at->path, at->level, f);
}


static bool
remove_tree(int at, const char *name, const char *path, unsigned level,
            struct dav_fault *f)
{
    struct folder inner = { .level = level + 1 };
    char          inner_path[PATH_MAX];

    inner.fd = open_folder(at, name, path, inner.level, f);
    if (inner.fd == -1)
        return false;
    if (at == AT_FDCWD) {
        inner.path = path;
    } else {
        (void) snprintf(inner_path, sizeof(inner_path), "%s/%s", path, name);
        inner.path = inner_path;
    }
    if (!each_entry(&inner, remove_entry, f, f))
        return false;
    return unlinkat(at, name, AT_REMOVEDIR) == 0 || errno == ENOENT
           || fault(f, "rmdir()", inner.path, NULL);
}


bool
dav_remove(const char *path, bool is_folder, struct dav_fault *f)
{
    if (is_folder)
        return remove_tree(AT_FDCWD, path, path, 0, f);
    return unlink(path) == 0 || fault(f, "unlink()", path, NULL);
}


/* --- copying ------------------------------------------------------------------------ */

/* Where what is in a folder goes. */
struct target {
    int               fd;
    const char       *path;
    struct dav_fault *f;
};

static bool copy_folder(const struct folder *from, const char *name, int to,
                        const char *to_name, const struct target *t);


/* All bytes of in to out.  The kernel copies; where it cannot do so directly,
 * by way of the page cache. */
static bool
copy_bytes(int in, int out)
{
    ssize_t n = copy_file_range(in, NULL, out, NULL, COPY_AT_ONCE, 0);

    while (n > 0)
        n = copy_file_range(in, NULL, out, NULL, COPY_AT_ONCE, 0);
    if (n == 0)
        return true;
    do
        n = sendfile(out, in, NULL, COPY_AT_ONCE);
    while (n > 0 || (n == -1 && errno == EINTR));
    return n == 0;
}


/* Where file systems keep no attributes, there are none. */
static void
copy_properties(int in, int out)
{
    char    bytes[DAV_ATTRIBUTE_MAX];
    ssize_t n = fgetxattr(in, DAV_ATTRIBUTE, bytes, sizeof(bytes));

    if (n > 0)
        (void) fsetxattr(out, DAV_ATTRIBUTE, bytes, (size_t) n, 0);
}


/* A name beside the target, under which it is written; of the target's own name
 * it has what leaves room for the number. */
static void
put_temporary_name(char *out, size_t room, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    uint64_t    random;

    random_fill(&random, sizeof(random));
    (void) snprintf(out, room, "%.*s%.*s.%010u", (int) (name - path), path,
                    NAME_MAX - 11, name, (unsigned) random);
}


static bool
copy_open_file(int in, const struct stat *s, int to, const char *to_name)
{
    char                  name[PATH_MAX];
    const struct timespec times[2] = { s->st_atim, s->st_mtim };
    int                   out, error;

    put_temporary_name(name, sizeof(name), to_name);
    out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (out == -1)
        return false;
    copy_properties(in, out);
    if (copy_bytes(in, out) && fchmod(out, s->st_mode & MODE_BITS) == 0
        && futimens(out, times) == 0 && close(out) == 0)
    {
        if (renameat(to, name, to, to_name) == 0)
            return true;
        out = -1;
    }
    error = errno;
    if (out != -1)
        (void) close(out);
    (void) unlinkat(to, name, 0);
    errno = error;
    return false;
}


static bool
copy_file(int at, const char *name, int to, const char *to_name, int flags)
{
    int in = openat(at, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | flags);
    struct stat s;
    bool        is_ok;
    int         error;

    if (in == -1)
        return false;
    is_ok = fstat(in, &s) == 0;
    if (is_ok && !S_ISREG(s.st_mode)) {
        errno = EPERM;
        is_ok = false;
    }
    is_ok = is_ok && copy_open_file(in, &s, to, to_name);
    error = errno;
    (void) close(in);
    errno = error;
    return is_ok;
}


static bool
copy_link(int at, const char *name, int to, const char *to_name)
{
    char    target[PATH_MAX];
    ssize_t n = readlinkat(at, name, target, sizeof(target) - 1);

    if (n == -1)
        return false;
    target[n] = '\0';
    return symlinkat(target, to, to_name) == 0;
}


/* Sockets, devices and the like are left out. */
static bool
copy_entry(const struct folder *at, const char *name, void *arg)
{
    const struct target *t = arg;
    struct stat          s;

    if (fstatat(at->fd, name, &s, AT_SYMLINK_NOFOLLOW) == -1)
        return errno == ENOENT || fault(t->f, "stat()", at->path, name);
    if (S_ISDIR(s.st_mode))
        return copy_folder(at, name, t->fd, name, t);
    if (S_ISREG(s.st_mode) && !copy_file(at->fd, name, t->fd, name, O_NOFOLLOW))
        return fault(t->f, "copy()", at->path, name);
    if (S_ISLNK(s.st_mode) && !copy_link(at->fd, name, t->fd, name))
        return fault(t->f, "symlink()", t->path, name);
    return true;
}


static bool
copy_folder(const struct folder *from, const char *name, int to,
            const char *to_name, const struct target *t)
{
    char          from_path[PATH_MAX], to_path[PATH_MAX];
    struct folder inner = { .level = from->level + 1, .path = from_path };
    struct target inner_to = { .path = to_path, .f = t->f };
    struct stat   s;
    bool          is_ok;

    (void) snprintf(from_path, sizeof(from_path), "%s%s%s", from->path,
                    from->fd == AT_FDCWD ? "" : "/",
                    from->fd == AT_FDCWD ? "" : name);
    (void) snprintf(to_path, sizeof(to_path), "%s%s%s", t->path,
                    to == AT_FDCWD ? "" : "/", to == AT_FDCWD ? "" : to_name);
    inner.fd = open_folder(from->fd, name, from->path, inner.level, t->f);
    if (inner.fd == -1)
        return false;
    if (fstat(inner.fd, &s) == -1 || mkdirat(to, to_name, 0700) == -1) {
        (void) fault(t->f, "mkdir()", to_path, NULL);
        (void) close(inner.fd);
        return false;
    }
    inner_to.fd = open_folder(to, to_name, t->path, inner.level, t->f);
    if (inner_to.fd == -1) {
        (void) close(inner.fd);
        return false;
    }
    copy_properties(inner.fd, inner_to.fd);
    is_ok = each_entry(&inner, copy_entry, &inner_to, t->f);
    if (is_ok && fchmod(inner_to.fd, s.st_mode & MODE_BITS) == -1)
        is_ok = fault(t->f, "chmod()", to_path, NULL);
    (void) close(inner_to.fd);
    return is_ok;
}


bool
dav_copy(const char *from, const char *to, bool is_folder, struct dav_fault *f)
{
    const struct folder at = { .fd = AT_FDCWD, .path = from };
    const struct target t = { .fd = AT_FDCWD, .path = to, .f = f };

    if (is_folder)
        return copy_folder(&at, from, AT_FDCWD, to, &t);
    return copy_file(AT_FDCWD, from, AT_FDCWD, to, 0)
           || fault(f, "copy()", from, NULL);
}


/* --- moving ------------------------------------------------------------------------- */

bool
dav_move(const char *from, const char *to, bool is_folder, struct dav_fault *f)
{
    if (rename(from, to) == 0)
        return true;
    if (errno != EXDEV)
        return fault(f, "rename()", from, NULL);
    return dav_copy(from, to, is_folder, f) && dav_remove(from, is_folder, f);
}


bool
dav_make_parents(const char *path, unsigned mode, struct dav_fault *f)
{
    char   name[PATH_MAX];
    size_t n = strlen(path);

    if (n >= sizeof(name)) {
        errno = ENAMETOOLONG;
        return fault(f, "mkdir()", path, NULL);
    }
    memcpy(name, path, n + 1);
    for (char *slash = name + 1; (slash = strchr(slash, '/')) != NULL; slash++)
    {
        *slash = '\0';
        if (mkdir(name, (mode_t) mode) == -1 && errno != EEXIST)
            return fault(f, "mkdir()", name, NULL);
        *slash = '/';
    }
    return true;
}
