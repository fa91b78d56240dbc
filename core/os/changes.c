/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inotify reports the names in a folder.  A path is walked as the kernel would,
 * one name at a time: the folder of each is watched, and the name noted.
 */
#include "core/os/changes.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/hash.h"

enum {
    EVENTS_BYTES = 16 * 1024,
    ROUNDS = 64,    /* more events than the kernel's queue has by default   */
    LINKS_MAX = 40, /* as path_resolution(7) has it                         */
    KEY_MAX = NAME_MAX + 32,
};

static const uint32_t mask = IN_ONLYDIR | IN_CREATE | IN_CLOSE_WRITE | IN_ATTRIB
                             | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE
                             | IN_DELETE_SELF | IN_MOVE_SELF;
static const uint32_t of_folder = IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT
                                  | IN_Q_OVERFLOW;

/* A place that a walk has come to: a folder without links on the way to it, and
 * what is left of the path. */
struct walk {
    char     at[PATH_MAX], left[PATH_MAX];
    unsigned links;
};


bool
changes_open(struct changes *c)
{
    c->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (c->fd == -1)
        return false;
    c->arena = arena_new(0);
    c->folders = hash_new(c->arena, 16, HASH_EXACT);
    c->names = hash_new(c->arena, 64, HASH_EXACT);
    return true;
}


void
changes_close(struct changes *c)
{
    if (c->fd == -1)
        return;
    close(c->fd);
    c->fd = -1;
    arena_free(c->arena);
}


/* --- a path --------------------------------------------------------------------- */

static str_t
key_of(char out[KEY_MAX], int wd, const char *name)
{
    int n = snprintf(out, KEY_MAX, "%d/%s", wd, name);

    return (str_t){ out, n < KEY_MAX ? (size_t) n : KEY_MAX - 1 };
}


/* The watch of a folder; -1: it cannot be watched. */
static int
watch_folder(struct changes *c, const char *path)
{
    str_t key = str_of(path);
    int  *wd = hash_get(c->folders, key);

    if (wd == NULL) {
        wd = arena_make(c->arena, int);
        *wd = inotify_add_watch(c->fd, path, mask);
        hash_set(c->folders, str_copy(c->arena, key), wd);
    }
    return *wd;
}


static void
note(struct changes *c, const char *folder, const char *name)
{
    char  text[KEY_MAX];
    int   wd = watch_folder(c, *folder != '\0' ? folder : "/");
    str_t key = key_of(text, wd, name);

    if (wd != -1 && hash_get(c->names, key) == NULL)
        hash_set(c->names, str_copy(c->arena, key), c);
}


/* The next name of what is left; false: there is none, or it is too long. */
static bool
next_name(struct walk *w, char name[NAME_MAX + 1])
{
    const char *from = w->left + strspn(w->left, "/");
    size_t      n = strcspn(from, "/");

    if (n == 0 || n > NAME_MAX)
        return false;
    memcpy(name, from, n);
    name[n] = '\0';
    memmove(w->left, from + n, strlen(from + n) + 1);
    return true;
}


/* A link takes the place of its name. */
static bool
follow_link(struct walk *w, const char *path)
{
    char    to[PATH_MAX];
    size_t  left = strlen(w->left);
    ssize_t n = readlink(path, to, sizeof(to));

    if (n <= 0 || (size_t) n + left >= sizeof(w->left)
        || w->links++ == LINKS_MAX)
        return false;
    memmove(w->left + n, w->left, left + 1);
    memcpy(w->left, to, (size_t) n);
    if (to[0] == '/')
        w->at[0] = '\0';
    return true;
}


static bool
step(struct changes *c, struct walk *w, const char *name)
{
    char        path[PATH_MAX + NAME_MAX + 2];
    struct stat st;
    char       *slash;

    if (strcmp(name, ".") == 0)
        return true;
    if (strcmp(name, "..") == 0) {
        slash = strrchr(w->at, '/');
        if (slash != NULL)
            *slash = '\0';
        return true;
    }
    note(c, w->at, name);
    snprintf(path, sizeof(path), "%s/%s", w->at, name);
    if (strlen(path) >= sizeof(w->at) || lstat(path, &st) == -1)
        return false;
    if (S_ISLNK(st.st_mode))
        return follow_link(w, path);
    strcpy(w->at, path);
    return true;
}


void
changes_add(struct changes *c, const char *path)
{
    struct walk w = { .at = "" };
    char        name[NAME_MAX + 1];

    if (strlen(path) >= sizeof(w.left)
        || (path[0] != '/' && getcwd(w.at, sizeof(w.at)) == NULL))
        return;
    if (w.at[0] == '/' && w.at[1] == '\0')
        w.at[0] = '\0';
    strcpy(w.left, path);
    while (next_name(&w, name) && step(c, &w, name))
        continue;
}


/* --- events --------------------------------------------------------------------- */

static bool
matters(const struct changes *c, const struct inotify_event *e)
{
    char text[KEY_MAX];

    if (e->mask & of_folder)
        return true;
    return e->len != 0
           && hash_get(c->names, key_of(text, e->wd, e->name)) != NULL;
}


bool
changes_read(struct changes *c)
{
    _Alignas(struct inotify_event) char events[EVENTS_BYTES];
    const struct inotify_event         *e;
    bool                                is_any = false;
    ssize_t                             n;

    for (unsigned i = 0; i < ROUNDS; i++) {
        n = read(c->fd, events, sizeof(events));
        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        for (const char *at = events; at < events + n;
             at += sizeof(*e) + e->len) {
            e = (const struct inotify_event *) (const void *) at;
            is_any |= matters(c, e);
        }
    }
    return is_any;
}
