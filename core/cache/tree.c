/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of the file system that the kernel watches for us: a node for each
 * folder, link, file and missing name on the paths that were looked up.
 *
 * A folder is watched before anything in it is looked up, and a file before
 * its bytes are read.  So a change is either seen by the look-up or reported
 * by an event, which drops the node and everything that depends on it.  A node
 * depends on the nodes through which it was found, with a struct dep for each:
 * its folder; for a link also its target; for a path with links or ".." in it
 * those links, and the folders that ".." leaves.
 *
 * Invariant: a node in the table is correct as of the last event that was
 * read.  Nodes on which no other depends are in the LRU list, and can be
 * dropped.
 *
 * Not cached: anything below a folder that cannot be watched, or on a file
 * system that can change without this kernel (network file systems); files
 * that were changed a moment ago; anything that is neither a file nor a
 * folder.  Writing through a shared mapping causes no event until it ends, so
 * files are also checked once a second.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/cache/node.h"
#include "core/os/clock.h"

enum {
    NODES_MAX = 8192,
    ADMIT_ROOM = 64,
    ADMIT_ONE_OF = 8,
    CONTENT_MAX = 64 * 1024,
    BYTES_MAX = 32 * 1024 * 1024,
    LINKS_MAX = 40,
    VIA_MAX = 64,
    RECENT_SECONDS = 2,
    CHECK_MS = 1000,
    REFUSED_MS = 60 * 1000,
};

/* One look-up: the links that were followed, and the folders that were left by
 * "..", which are not in the path of the result. */
struct route {
    struct node *via[VIA_MAX];
    unsigned     n, links;
};


/* --- events ------------------------------------------------------------- */

static bool
drop_child(const struct node *folder, str_t name)
{
    char         path[PATH_MAX] UNSET;
    struct node *n;
    str_t        p = node_join(path, folder, name);

    if (p.n == 0)
        return false;
    n = node_find(p, str_hash(p));
    if (n == NULL)
        return false;
    node_drop(n);
    return true;
}


/* Drops one node that the event concerns; false: none is left. */
static bool
drop_one(int wd, uint32_t mask, str_t name)
{
    struct node *n;

    for (n = tree->wds[wd % NODE_BUCKETS]; n != NULL; n = n->wd_next) {
        if (n->wd != wd)
            continue;
        if (name.n != 0) {
            if (drop_child(n, name))
                return true;
            continue;
        }
        if (mask & IN_IGNORED)
            node_unwatch(n, true);
        node_drop(n);
        return true;
    }
    return false;
}


static void
on_change(struct watch *w, int wd, uint32_t mask, str_t name)
{
    (void) w;
    while (drop_one(wd, mask, name))
        continue;
}


static void
on_lost(struct watch *w)
{
    (void) w;
    node_drop_all();
}


/* --- look-up ------------------------------------------------------------ */

/* Adds a watch; -1: failed, or the kernel refused one recently. */
static int
watch_path(const char *path, bool is_folder)
{
    int wd;

    if (tree->refused_at != 0 && clock_ms() - tree->refused_at < REFUSED_MS)
        return -1;
    wd = is_folder ? watch_folder(&tree->watch, path)
                   : watch_file(&tree->watch, path);
    if (wd == -1 && (errno == ENOSPC || errno == ENOMEM))
        tree->refused_at = clock_ms();
    return wd;
}


static bool
watch_names(struct node *folder)
{
    int wd;

    if (folder->wd != -1)
        return true;
    if (folder->is_shut)
        return false;
    wd = watch_path(folder->path, true);
    if (wd != -1)
        node_set_wd(folder, wd);
    if (wd == -1 || !watch_is_told(folder->path)) {
        folder->is_shut = true;
        node_unwatch(folder, false);
        return false;
    }
    return true;
}


static struct node *
look(str_t path, struct node *folder)
{
    struct stat  st;
    struct node *n;

    if (!watch_names(folder))
        return NULL;
    if (lstat(path.p, &st) == -1) {
        if (errno != ENOENT && errno != EACCES)
            return NULL;
        n = node_make(path, NODE_MISSING, folder);
        n->error = errno;
        return n;
    }
    if (S_ISLNK(st.st_mode))
        return node_make(path, NODE_LINK, folder);
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return NULL;
    n = node_make(path, S_ISDIR(st.st_mode) ? NODE_FOLDER : NODE_FILE, folder);
    n->file = file_new(-1, &st);
    return n;
}


static struct node *
child(struct node *folder, str_t name)
{
    char         path[PATH_MAX] UNSET;
    str_t        p = node_join(path, folder, name);
    struct node *n;

    if (p.n == 0)
        return NULL;
    n = node_find(p, str_hash(p));
    if (n != NULL && n->kind != NODE_PATH)
        return n;
    if (n != NULL)
        node_drop(n);
    return look(p, folder);
}


/* The parent of a folder. */
static struct node *
above(struct node *folder)
{
    struct dep *d = folder->deps;

    if (d == NULL)
        return folder;
    while (d->next != NULL)
        d = d->next;
    return d->source;
}


static bool
pass(struct route *r, struct node *n)
{
    if (r->n == VIA_MAX)
        return false;
    r->via[r->n++] = n;
    return true;
}


static struct node *walk(struct route *r, struct node *at, str_t rest);


static struct node *
start(struct route *r, struct node *at, str_t path)
{
    return walk(r, path.n != 0 && path.p[0] == '/' ? tree->root : at, path);
}


/* The target of a link.  What was passed on the way to the target is recorded
 * as dependencies of the link. */
static struct node *
follow(struct route *r, struct node *link)
{
    char         text[PATH_MAX];
    unsigned     mark = r->n;
    ssize_t      n;
    struct node *target;

    if (link->target == NULL) {
        n = readlink(link->path, text, sizeof(text));
        if (n <= 0 || (size_t) n == sizeof(text))
            return NULL;
        target = start(r, above(link), (str_t){ text, (size_t) n });
        if (target == NULL)
            return NULL;
        for (; r->n > mark; r->n--)
            node_depend(link, r->via[r->n - 1]);
        node_depend(link, target);
        link->target = target;
    }
    return pass(r, link) ? link->target : NULL;
}


/* NULL: not cacheable, or an error that is left to the system call to
 * report. */
static struct node *
walk(struct route *r, struct node *at, str_t rest)
{
    str_t name;

    while (rest.n != 0) {
        name = str_cut(&rest, '/');
        if (at->kind == NODE_MISSING)
            return at;
        if (at->kind != NODE_FOLDER)
            return NULL;
        if (name.n == 0 || str_is(name, "."))
            continue;
        if (str_is(name, ".."))
            at = pass(r, at) ? above(at) : NULL;
        else
            at = child(at, name);
        if (at != NULL && at->kind == NODE_LINK)
            at = ++r->links > LINKS_MAX ? NULL : follow(r, at);
        if (at == NULL)
            return NULL;
    }
    /* A path that ends with a slash must be a folder. */
    return rest.p != NULL && at->kind == NODE_FILE ? NULL : at;
}


static struct node *
resolve(str_t path, uint32_t hash)
{
    struct route r = { .n = 0 };
    struct node *n, *p;

    if (tree->root == NULL) {
        tree->root = node_make(STR("/"), NODE_FOLDER, NULL);
        list_remove(&tree->root->lru);
    }
    if (path.n == 0 || path.p[0] != '/')
        return NULL;
    n = walk(&r, tree->root, path);
    if (n == NULL)
        return NULL;
    if (node_find(path, hash) != NULL)
        return n;
    p = node_make(path, NODE_PATH, n);
    p->target = n;
    while (r.n != 0)
        node_depend(p, r.via[--r.n]);
    return n;
}


/* --- files ------------------------------------------------------------------- */

static bool
is_at(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}


/* Whether the file still matches what n recorded. */
static bool
is_same(const struct node *n, const struct file *f, const struct stat *st)
{
    return st->st_ino == f->ino && st->st_dev == f->dev
           && (uint64_t) st->st_size == f->size
           && is_at(&st->st_mtim, &n->mtime) && is_at(&st->st_ctim, &n->ctime);
}


/* A file that is being written, also through a mapping, has a recent time of
 * change. */
static bool
is_recent(const struct stat *st)
{
    time_t now = clock_seconds();

    return st->st_mtime >= now - RECENT_SECONDS
           && st->st_mtime <= now + RECENT_SECONDS;
}


static void
make_room(size_t bytes)
{
    while (tree->stats.nodes >= NODES_MAX
           || tree->stats.bytes + bytes > BYTES_MAX
           || tree->stats.descriptors >= tree->max_descriptors)
        if (!node_drop_oldest())
            return;
}


/* Keeps an open file, if it is watched before its bytes are read. */
static void
keep(struct node *n, struct file *f)
{
    struct stat st;
    int         wd = watch_path(n->path, false);

    if (wd == -1)
        return;
    node_set_wd(n, wd);
    if (fstat(f->chain.fd, &st) == -1 || !is_same(n, f, &st)
        || (f->size <= CONTENT_MAX && !file_load(f)))
    {
        node_unwatch(n, false);
        return;
    }
    if (f->content != NULL) {
        close(f->chain.fd);
        f->chain.fd = -1;
        tree->stats.bytes += f->size;
    } else {
        tree->stats.descriptors++;
    }
    file_put(n->file);
    n->file = file_get(f);
    n->checked_at = clock_ms();
}


/* False: not cacheable. */
static bool
open_node(struct node *n, struct file_result *out)
{
    struct stat st;
    int         fd;

    fd = open(n->path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1) {
        if (errno != EACCES)
            return false;
        n->error = errno;
        return true;
    }
    if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
        close(fd);
        return false;
    }
    out->file = file_new(fd, &st);
    n->mtime = st.st_mtim;
    n->ctime = st.st_ctim;
    if (!is_recent(&st))
        keep(n, out->file);
    return true;
}


/* "/" was not looked up in another folder; changes of it are seen only while
 * it is watched itself. */
static bool
know_root(void)
{
    struct stat st;

    if (tree->root->file != NULL)
        return true;
    if (!watch_names(tree->root) || lstat("/", &st) == -1)
        return false;
    tree->root->file = file_new(-1, &st);
    return true;
}


static bool
is_open(const struct node *n)
{
    return n->file->content != NULL || n->file->chain.fd != -1;
}


static bool
is_still_same(struct node *n)
{
    struct stat st;
    int         rc;

    if (clock_ms() - n->checked_at < CHECK_MS)
        return true;
    rc = n->file->chain.fd != -1 ? fstat(n->file->chain.fd, &st)
                                 : lstat(n->path, &st);
    n->checked_at = clock_ms();
    return rc == 0 && is_same(n, n->file, &st);
}


/* When there are more paths in use than fit, most new ones are not cached:
 * otherwise each would evict another one, and none would be there when it is
 * asked for again. */
static bool
is_admitted(void)
{
    return tree->stats.nodes < NODES_MAX - ADMIT_ROOM
           || tree->stats.misses % ADMIT_ONE_OF == 0;
}


static bool
answer(struct node *n, bool test_only, struct file_result *out)
{
    if (n == tree->root && !know_root())
        return false;
    if (n->kind == NODE_FILE && !test_only && n->error == 0) {
        if (is_open(n)) {
            if (!is_still_same(n)) {
                node_drop(n);
                return false;
            }
        } else if (!open_node(n, out)) {
            return false;
        }
    }
    if (n->kind == NODE_MISSING || (n->error != 0 && !test_only)) {
        out->error = n->error;
        out->call = test_only ? "stat()" : "open()";
    } else if (out->file == NULL) {
        out->file = file_get(n->file);
    }
    return true;
}


bool
tree_open(str_t path, bool test_only, struct file_result *out)
{
    uint32_t     hash;
    struct node *n;
    msec_t       now;

    *out = (struct file_result){ .error = 0 };
    if (tree == NULL)
        return false;
    /* In a long turn, events may have arrived since it began; and it may have
     * begun without them. */
    now = clock_fresh_ms();
    if (tree->watch.is_resting
        || (now != clock_ms() && now != tree->drained_at)) {
        tree->drained_at = now;
        watch_drain(&tree->watch);
    }
    hash = str_hash(path);
    n = node_find(path, hash);
    if (n == NULL || (n->kind == NODE_LINK && n->target == NULL)) {
        tree->stats.misses++;
        if (n == NULL && !is_admitted())
            return false;
        make_room(CONTENT_MAX);
        n = resolve(path, hash);
        if (n == NULL)
            return false;
    } else {
        tree->stats.hits++;
        node_touch(n);
        if (n->target != NULL)
            n = n->target;
    }
    return answer(n, test_only, out);
}


/* --- start and stop ------------------------------------------------------ */

bool
tree_start(struct loop *l, const struct log *log)
{
    struct rlimit rl;

    CHECK(tree == NULL);
    tree = calloc(1, sizeof(*tree));
    if (tree == NULL)
        check_memory(sizeof(*tree));
    list_init(&tree->lru);
    tree->max_descriptors = 1024;
    if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur / 8 < 1024)
        tree->max_descriptors = rl.rlim_cur / 8;
    tree->watch.on_change = on_change;
    tree->watch.on_lost = on_lost;
    if (watch_open(&tree->watch, l))
        return true;
    log_at(log, LEVEL_NOTICE, errno,
           "inotify is not to be had, files are opened per request");
    free(tree);
    tree = NULL;
    return false;
}


void
tree_stop(void)
{
    if (tree == NULL)
        return;
    node_drop_all();
    watch_close(&tree->watch);
    free(tree);
    tree = NULL;
}


struct file_stats
tree_stats(void)
{
    return tree != NULL ? tree->stats : (struct file_stats){ 0 };
}
