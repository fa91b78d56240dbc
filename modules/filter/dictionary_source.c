/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Of a folder, the files that were written last are taken, as long as they fit
 * into FOLDER_MOST.
 */
#include "modules/filter/dictionary_source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "modules/filter/dictionary_store.h"

enum { FOLDER_MOST = 64 << 20 };

struct found {
    str_t           path;
    struct timespec at;
};

struct found_list {
    VEC(struct found) list;
};


/* All n bytes of an open file; false: with errno, 0: it has become shorter. */
static bool
read_all(int fd, char *to, size_t n)
{
    ssize_t got;

    while (n != 0) {
        errno = 0;
        got = read(fd, to, n);
        if (got <= 0 && errno != EINTR)
            return false;
        if (got > 0) {
            to += got;
            n -= (size_t) got;
        }
    }
    return true;
}


/* Adds the bytes of an open file of that size. */
static const char *
add_file(struct conf *cf, struct dictionary_source *s, str_t path, int fd,
         size_t size)
{
    char                  *p = arena_bytes(cf->arena, size);
    struct dictionary_file f = { .data = { p, size } };

    if (!read_all(fd, p, size))
        return conf_errno(cf, errno, "read() \"" STR_F "\" failed",
                          STR_A(path));
    if (!dictionary_is_fit(f.data)) {
        conf_warn(cf, "\"" STR_F "\" cannot be a dictionary of raw bytes",
                  STR_A(path));
        return NULL;
    }
    dictionary_hash(f.data, f.hash);
    *vec_push(cf->arena, &s->files) = f;
    return NULL;
}


static const char *
add_path(struct conf *cf, struct dictionary_source *s, str_t path, size_t *room)
{
    const char *error = NULL;
    struct stat st;
    int         fd = open(path.p, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

    if (fd == -1)
        return conf_errno(cf, errno, "open() \"" STR_F "\" failed",
                          STR_A(path));
    if (fstat(fd, &st) == -1)
        error = conf_errno(cf, errno, "fstat() \"" STR_F "\" failed",
                           STR_A(path));
    else if (S_ISREG(st.st_mode)
             && (st.st_size < DICTIONARY_LEAST || st.st_size > DICTIONARY_MOST))
        conf_warn(cf, "\"" STR_F "\" is too %s for a dictionary", STR_A(path),
                  st.st_size < DICTIONARY_LEAST ? "small" : "large");
    else if (S_ISREG(st.st_mode) && (size_t) st.st_size <= *room) {
        *room -= (size_t) st.st_size;
        error = add_file(cf, s, path, fd, (size_t) st.st_size);
    }
    close(fd);
    return error;
}


static int
by_time(const void *a, const void *b)
{
    const struct found *x = a, *y = b;

    if (x->at.tv_sec != y->at.tv_sec)
        return x->at.tv_sec < y->at.tv_sec ? 1 : -1;
    if (x->at.tv_nsec != y->at.tv_nsec)
        return x->at.tv_nsec < y->at.tv_nsec ? 1 : -1;
    return str_cmp(x->path, y->path);
}


static void
list_folder(struct conf *cf, str_t folder, DIR *dir, struct found_list *list)
{
    struct dirent *e;
    struct stat    st;
    str_t          path;

    while ((e = readdir(dir)) != NULL) {
        if (e->d_name[0] == '.')
            continue;
        path = str_join3(cf->arena, folder, STR("/"), str_of(e->d_name));
        path = str_join(cf->arena, path, STR("\0"));
        path.n--;
        if (stat(path.p, &st) == 0 && S_ISREG(st.st_mode))
            *vec_push(cf->arena, &list->list)
                = (struct found){ path, st.st_mtim };
    }
    if (list->list.n != 0)
        qsort(list->list.at, list->list.n, sizeof(struct found), by_time);
}


static const char *
add_folder(struct conf *cf, struct dictionary_source *s)
{
    struct found_list list = { 0 };
    size_t            room = FOLDER_MOST;
    const char       *error = NULL;
    DIR              *dir = opendir(s->path.p);

    if (dir == NULL)
        return conf_errno(cf, errno, "opendir() \"" STR_F "\" failed",
                          STR_A(s->path));
    list_folder(cf, s->path, dir, &list);
    closedir(dir);
    for (size_t i = 0; error == NULL && i < list.list.n; i++)
        error = add_path(cf, s, list.list.at[i].path, &room);
    return error;
}


const char *
dictionary_source_read(struct conf *cf, struct dictionary_source *s)
{
    size_t      room = DICTIONARY_MOST;
    struct stat st;
    char       *p = arena_bytes(cf->arena, s->path.n + 1);

    while (s->path.n > 1 && s->path.p[s->path.n - 1] == '/')
        s->path.n--;
    memcpy(p, s->path.p, s->path.n);
    p[s->path.n] = '\0';
    s->path.p = p;
    if (stat(s->path.p, &st) == -1)
        return conf_errno(cf, errno, "stat() \"" STR_F "\" failed",
                          STR_A(s->path));
    s->is_folder = S_ISDIR(st.st_mode);
    return s->is_folder ? add_folder(cf, s) : add_path(cf, s, s->path, &room);
}


bool
dictionary_source_has(const struct dictionary_source *s, str_t path)
{
    if (!s->is_folder)
        return str_eq(path, s->path);
    return str_starts(path, s->path) && path.n > s->path.n
           && path.p[s->path.n] == '/'
           && str_chr(str_from(path, s->path.n + 1), '/') == NULL;
}
