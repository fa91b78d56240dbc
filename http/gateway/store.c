/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proxy_store: saves a complete 200 response as a file.  It is written under a
 * temporary name, and renamed when it is complete.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/date.h"
#include "http/gateway/exchange.h"
#include "http/response.h"
#include "http/temp_file.h"


struct store {
    struct chain_file *file;
    str_t              name; /* of the temporary file                        */
    off_t              end;
    bool               is_broken;
};


void
gateway_store_open(struct gateway *g)
{
    const struct gateway_store *conf = &g->conf->store;
    struct task                *t = &g->r->task;
    struct store               *s;

    if ((!conf->path && !conf->is_mapped) || g->x->code != 200
        || g->x->is_upgrade || g->r->method != HTTP_GET)
        return;
    s = arena_make(t->arena, struct store);
    s->file = temp_file_new(t, &g->conf->temp_path, TEMP_KEEP, &s->name);
    if (s->file)
        g->store = s;
}


void
gateway_store_add(struct gateway *g, const struct chain *data)
{
    struct store *s = g->store;
    struct chain  copy;

    if (!s)
        return;
    chain_init(&copy, g->r->task.arena);
    chain_share(&copy, data);
    if (!temp_file_append(&g->r->task, s->file, &s->end, &copy, 0)) {
        chain_clear(&copy);
        s->is_broken = true;
    }
}


/* Between file systems, copies the file to a temporary name beside its
 * target. */
static bool
copy_across(struct task *t, const char *from, const char *to)
{
    str_t   beside = arena_printf(t->arena, "%s.%08lx", to, random());
    char    buf[16384] UNSET;
    int     in = open(from, O_RDONLY | O_CLOEXEC);
    int     out = open(beside.p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ssize_t n = -1;

    while (in != -1 && out != -1 && (n = read(in, buf, sizeof(buf))) > 0) {
        if (write(out, buf, (size_t) n) != n) {
            n = -1;
            break;
        }
    }
    if (in != -1)
        (void) close(in);
    if (out != -1)
        (void) close(out);
    if (n == 0 && rename(beside.p, to) == 0) {
        (void) unlink(from);
        return true;
    }
    (void) unlink(beside.p);
    return false;
}


static void
make_folders(char *path)
{
    for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        (void) mkdir(path, 0700);
        *slash = '/';
    }
}


static void
move_in_place(struct gateway *g, str_t to)
{
    struct task *t = &g->r->task;
    char        *path = str_z(t->arena, to);
    time_t at = date_parse(fields_value(&g->x->fields, FIELD_LAST_MODIFIED));

    (void) fchmod(g->store->file->fd, g->conf->store_access);
    if (at != -1) {
        struct timespec times[2] = { { at, 0 }, { at, 0 } };

        (void) futimens(g->store->file->fd, times);
    }
    if (rename(g->store->name.p, path) == 0)
        return;
    if (errno == ENOENT) {
        make_folders(path);
        if (rename(g->store->name.p, path) == 0)
            return;
    }
    if (errno == EXDEV && copy_across(t, g->store->name.p, path))
        return;
    log_at(t->log, LEVEL_CRIT, errno, "rename() \"%s\" to \"%s\" failed",
           g->store->name.p, path);
    (void) unlink(g->store->name.p);
}


static bool
is_whole(const struct gateway *g)
{
    const struct exchange *x = g->x;
    const struct store    *s = g->store;

    return x->is_complete && !s->is_broken
           && (x->length < 0 || x->length == s->end);
}


void
gateway_store_end(struct gateway *g)
{
    const struct gateway_store *conf = &g->conf->store;
    struct store               *s = g->store;
    str_t                       to = STR_NONE;
    size_t                      root;

    if (!s)
        return;
    if (is_whole(g))
        to = conf->path ? expr_eval(conf->path, &g->r->task)
                        : http_map_path(g->r, &root);
    if (to.n)
        move_in_place(g, to);
    else
        (void) unlink(s->name.p);
    chain_file_put(s->file);
    g->store = NULL;
}
