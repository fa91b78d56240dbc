/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The folders for temporary files and of caches: created by the master, which
 * makes the workers' user their owner, as workers could not create them.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/hash.h"
#include "core/cache/disk/cache.h"
#include "core/conf/types.h"
#include "core/event/task.h"
#include "core/os/wary.h"
#include "core/proc/setup.h"

enum { MODE = 0700 };

struct walk {
    const struct log *log;
    struct arena     *arena;
    struct hash      *done;
    uid_t             owner;
    bool              has_failed;
};


/* Makes owner the owner of the folder behind fd, with full access. */
static bool
give(int fd, const char *path, uid_t owner, const struct log *log)
{
    struct stat st;

    if (fstat(fd, &st) == -1) {
        log_at(log, LEVEL_EMERG, errno, "fstat() \"%s\" failed", path);
        return false;
    }
    if (st.st_uid != owner && fchown(fd, owner, (gid_t) -1) == -1) {
        log_at(log, LEVEL_EMERG, errno, "chown(\"%s\", %d) failed", path,
               (int) owner);
        return false;
    }
    if ((st.st_mode & MODE) != MODE
        && fchmod(fd, (st.st_mode | MODE) & 07777) == -1)
    {
        log_at(log, LEVEL_EMERG, errno, "chmod() \"%s\" failed", path);
        return false;
    }
    return true;
}


/* Does not follow a link that owner could have made: its target must not be
 * changed. */
static bool
make_sure(const char *path, uid_t owner, const struct log *log)
{
    struct stat st;
    bool        is_given;
    int         fd;

    if (stat(path, &st) == -1) {
        log_at(log, LEVEL_EMERG, errno, "stat() \"%s\" failed", path);
        return false;
    }
    if (st.st_uid == owner && (st.st_mode & MODE) == MODE)
        return true;
    fd = wary_open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0, owner);
    if (fd == -1) {
        log_at(log, LEVEL_EMERG, errno, "open() \"%s\" failed", path);
        return false;
    }
    is_given = give(fd, path, owner, log);
    close(fd);
    return is_given;
}


static void
make_folder(struct walk *w, str_t at)
{
    const char *path;

    if (at.n == 0 || w->has_failed || hash_set(w->done, at, w) != NULL)
        return;
    path = str_z(w->arena, at);
    if (mkdir(path, MODE) == -1 && errno != EEXIST) {
        log_at(w->log, LEVEL_EMERG, errno, "mkdir() \"%s\" failed", path);
        w->has_failed = true;
        return;
    }
    if (geteuid() == 0 && !make_sure(path, w->owner, w->log))
        w->has_failed = true;
}


static void
make_of_rows(struct walk *w, const struct directive *d, const char *conf)
{
    for (; d->name != NULL; d++) {
        const struct temp_path *t = (const void *) (conf + d->offset);

        if (d->type == &conf_temp_path)
            make_folder(w, t->path);
    }
}


static void
make_of_caches(struct walk *w, const struct generation *g)
{
    const struct disk_caches *all = generation_main(g, disk_cache_module.slot);

    for (const struct disk_cache *c = all->first; c != NULL; c = c->next)
        make_folder(w, c->path);
}


/* A block that sets nothing of a module shares the conf of its outer block,
 * where this has been done already. */
static void
make_of_block(struct walk *w, const struct conf_block *b)
{
    for (struct module *const *m = weir_modules; *m != NULL; m++) {
        const void *conf = confs_get(b->conf, *m);

        if ((*m)->conf_size == 0 || conf == NULL
            || (!(b->kind & (IN_HTTP | IN_STREAM | IN_MAIL))
                && conf == confs_get(b->up->conf, *m)))
            continue;
        if (b->kind & IN_HTTP && !((*m)->serves & FOR_HTTP))
            continue;
        make_of_rows(w, (*m)->rows, conf);
    }
    for (const struct conf_block *in = b->first; in != NULL; in = in->next)
        make_of_block(w, in);
}


bool
folders_make(const struct generation *g, const struct log *log)
{
    struct walk w = { .log = log, .arena = arena_new(0) };

    w.done = hash_new(w.arena, 16, HASH_EXACT);
    w.owner = process_conf_of(g)->user.uid;
    for (const struct conf_block *b = g->root->first; b != NULL; b = b->next)
        if (b->kind & IN_HTTP)
            make_of_block(&w, b);
    make_of_caches(&w, g);
    arena_free(w.arena);
    return !w.has_failed;
}
