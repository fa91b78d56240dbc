/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * state FILE: a line "server ADDRESS PARAMETER ...;" for each server.  A change
 * writes a new file, which takes the place of the old one when it is on the
 * disk, so that there is always a whole one.
 */
#include "core/upstream/live_state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/conf/types.h"
#include "core/upstream/build.h"

enum { FILE_MAX = 16 << 20 };


static bool
write_all(int fd, str_t text)
{
    while (text.n != 0) {
        ssize_t n = write(fd, text.p, text.n);

        if (n == -1)
            return false;
        text = str_from(text, (size_t) n);
    }
    return fsync(fd) == 0;
}


bool
live_state_write(struct arena *a, const struct upstream_group *g,
                 const struct live_servers *s, str_t *beside,
                 const struct log *log)
{
    int  fd;
    bool ok;

    *beside = arena_printf(a, STR_F ".%d", STR_A(g->state), (int) getpid());
    fd = open(beside->p, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
              0644);
    if (fd == -1) {
        log_at(log, LEVEL_CRIT, errno, "open() \"" STR_F "\" failed",
               STR_A(*beside));
        return false;
    }
    ok = write_all(fd, live_lines(a, s, true));
    if (!ok)
        log_at(log, LEVEL_CRIT, errno, "write() \"" STR_F "\" failed",
               STR_A(*beside));
    close(fd);
    if (!ok)
        (void) unlink(beside->p);
    return ok;
}


void
live_state_keep(const struct upstream_group *g, str_t beside, bool is_latest,
                const struct log *log)
{
    if (!is_latest) {
        (void) unlink(beside.p);
        return;
    }
    if (rename(beside.p, g->state.p) == 0)
        return;
    log_at(log, LEVEL_CRIT, errno,
           "rename() \"" STR_F "\" to \"" STR_F "\" failed", STR_A(beside),
           STR_A(g->state));
    (void) unlink(beside.p);
}


/* "FILE.PID", of a process that is no more. */
static bool
is_left_behind(str_t name, str_t file)
{
    uint64_t pid;

    return str_starts(name, file) && name.n > file.n && name.p[file.n] == '.'
           && number_parse(str_from(name, file.n + 1), INT32_MAX, &pid)
           && pid != 0 && kill((pid_t) pid, 0) == -1 && errno == ESRCH;
}


void
live_state_sweep(const struct upstream_group *g)
{
    const char          *slash = strrchr(g->state.p, '/');
    struct arena        *a = arena_new(0);
    str_t                file = str_of(slash != NULL ? slash + 1 : g->state.p);
    str_t                folder = { g->state.p, g->state.n - file.n };
    const struct dirent *it;
    DIR                 *dir;

    dir = opendir(folder.n != 0 ? str_z(a, folder) : ".");
    while (dir != NULL && (it = readdir(dir)) != NULL)
        if (is_left_behind(str_of(it->d_name), file))
            (void) unlinkat(dirfd(dir), it->d_name, 0);
    if (dir != NULL)
        closedir(dir);
    arena_free(a);
}


/* --- reading -------------------------------------------------------------------- */

static const char *
read_line(struct conf *cf, struct upstream_group *g, str_t line)
{
    struct upstream_server s;
    str_t                  server = STR("server ");

    line = str_trim(line);
    if (line.n == 0 || line.p[0] == '#')
        return NULL;
    if (!str_starts(line, server) || !str_ends(line, STR(";")))
        return "invalid line";
    line = str_trim(str_from(line, server.n));
    line.n--;
    if (live_parse(cf->arena, g, line, ' ', &s) != NULL)
        return "invalid server";
    s.file = g->file;
    s.line = g->line;
    *vec_push(cf->arena, &g->servers) = s;
    return NULL;
}


static const char *
read_lines(struct conf *cf, struct upstream_group *g, str_t text)
{
    for (unsigned n = 1; text.n != 0; n++) {
        const char *wrong = read_line(cf, g, str_cut(&text, '\n'));

        if (wrong != NULL)
            return conf_error(cf, "%s in \"" STR_F "\":%u", wrong,
                              STR_A(g->state), n);
    }
    return NULL;
}


/* It need not be there. */
const char *
live_read_state(struct conf *cf, struct upstream_group *g)
{
    struct stat st;
    char       *text;
    ssize_t     n;
    int         fd = open(g->state.p, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd == -1 && errno == ENOENT)
        return NULL;
    if (fd == -1 || fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)
        || st.st_size > FILE_MAX)
    {
        if (fd != -1)
            close(fd);
        return conf_error(cf, "open() \"" STR_F "\" failed", STR_A(g->state));
    }
    text = arena_bytes(cf->arena, (size_t) st.st_size + 1);
    n = read(fd, text, (size_t) st.st_size);
    close(fd);
    if (n == -1)
        return conf_error(cf, "read() \"" STR_F "\" failed", STR_A(g->state));
    return read_lines(cf, g, (str_t){ text, (size_t) n });
}


static const char *
parse(struct conf *cf, void *field)
{
    struct upstream_group *g = upstream_at_hand(cf);
    str_t                  path = STR_NONE;
    const char            *wrong;

    (void) field;
    wrong = conf_path.parse(cf, &path);
    if (wrong != NULL)
        return wrong;
    g->state.p = str_z(cf->arena, path);
    g->state.n = path.n;
    return NULL;
}


const struct conf_type upstream_state_type = {
    .name = "file",
    .parse = parse,
};
