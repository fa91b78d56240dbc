/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether a folder may be that of a cache, whose files are deleted when they are
 * old: what has anything else in it may have been meant for something else.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/cache/disk/cache.h"
#include "core/cache/disk/saved.h"

enum { SUFFIX = 11 }; /* a dot and ten digits                                */


/* Whether another cache of the configuration lies there, or above or below it. */
static bool
is_of_other(const struct disk_caches *all, const struct disk_cache *c,
            str_t name)
{
    for (const struct disk_cache *o = all->first; o != NULL; o = o->next) {
        str_t rest = o->path;

        if (o == c || !str_starts(rest, c->path))
            continue;
        rest = str_from(rest, c->path.n);
        if (rest.n != 0 && rest.p[0] == '/' && c->path.n != 1)
            rest = str_from(rest, 1);
        if (str_starts(rest, name)
            && (rest.n == name.n || rest.p[name.n] == '/'))
            return true;
    }
    return false;
}


/* A level, perhaps of other levels than today, or what nginx leaves alone in such
 * a folder. */
static bool
is_folder_of(str_t name)
{
    if (str_ends(name, STR("temp")) || str_ends(name, STR("tmp"))
        || str_is(name, "lost+found"))
        return true;
    if (name.n > 2)
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (number_hex_digit(name.p[i]) == -1)
            return false;
    return true;
}


/* A key's file (of other levels, too), or one that is being written. */
static bool
is_file_of(str_t name)
{
    size_t n = 2 * DISK_KEY_N;

    if (name.n != n && name.n != n + SUFFIX)
        return false;
    for (size_t i = 0; i < n; i++)
        if (number_hex_digit(name.p[i]) == -1)
            return false;
    return name.n == n || name.p[n] == '.';
}


static bool
belongs(const struct disk_caches *all, const struct disk_cache *c,
        const struct dirent *e)
{
    str_t       name = str_of(e->d_name);
    char        path[DISK_NAME_MAX + sizeof(e->d_name)];
    struct stat s;

    if (name.p[0] == '.' || is_of_other(all, c, name))
        return true;
    (void) snprintf(path, sizeof(path), "%s/%s", c->path.p, e->d_name);
    if (stat(path, &s) == -1) /* of what links lead to */
        return true;
    return S_ISDIR(s.st_mode) ? is_folder_of(name) : is_file_of(name);
}


/* Where the index was saved there was a cache before. */
static const char *
check(struct conf *cf, const struct disk_caches *all,
      const struct disk_cache *c)
{
    char           saved[DISK_NAME_MAX];
    DIR           *d = opendir(c->path.p);
    struct dirent *e;
    struct stat    s;
    const char    *error = NULL;

    if (d == NULL)
        return NULL;
    (void) snprintf(saved, sizeof(saved), "%s/" DISK_SAVED_NAME, c->path.p);
    if (lstat(saved, &s) == -1)
        while (error == NULL && (e = readdir(d)) != NULL)
            if (!belongs(all, c, e))
                error = conf_error(cf,
                                   "cache path \"%s\" in %s:%u has \"%s\", "
                                   "which is no file of a cache: give it a "
                                   "folder of its own,",
                                   c->path.p, c->file, c->line, e->d_name);
    closedir(d);
    return error;
}


const char *
disk_folder_check(struct conf *cf, const struct disk_caches *all)
{
    const char *error = NULL;

    for (const struct disk_cache *c = all->first; c != NULL && error == NULL;
         c = c->next)
        error = check(cf, all, c);
    return error;
}
