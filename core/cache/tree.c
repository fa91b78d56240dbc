/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known of the file system while the kernel watches it: a node for
 * each folder, link, file and absence that a path has led over.
 *
 * Folders are watched before anything in them is looked at, and files before
 * their bytes are read, so a change either is seen by the look or brings an
 * event, which drops the node and all that was learnt by way of it.  A node
 * depends on the nodes that it was found by (its folder; for a link also what
 * it leads to; for a path with links in it, those links): a struct dep each.
 *
 * Invariant: a node that is in the table is true as far as events were read.
 * Those that nobody depends on stand in the list of the least recently used
 * and can be given up.
 *
 * Not kept: anything below a folder that cannot be watched or lies in a file
 * system whose changes may come from elsewhere, files that were changed a
 * moment ago, and what is neither file nor folder.  Writing through a shared
 * mapping gives no event before it ends, so that files are looked at once a
 * second besides.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/base/list.h"
#include "core/cache/inside.h"
#include "core/cache/watch.h"
#include "core/os/clock.h"

enum {
    BUCKETS = 4096,
    NODES_MAX = 8192,
    CONTENT_MAX = 64 * 1024,
    BYTES_MAX = 32 * 1024 * 1024,
    LINKS_MAX = 40,
    RECENT_SECONDS = 2,
    CHECK_MS = 1000,
    REFUSED_MS = 60 * 1000,
};

enum node_kind { NODE_FOLDER, NODE_FILE, NODE_LINK, NODE_MISSING, NODE_PATH };

struct node {
    struct node   *next;    /* in its bucket                                 */
    struct node   *wd_next; /* in its bucket of wds                          */
    struct list    lru;     /* while nobody depends on it                    */
    struct list    users;   /* dep.of_source                                 */
    struct dep    *deps;    /* what it depends on; its folder is the last    */
    struct node   *target;  /* of NODE_LINK and NODE_PATH                    */
    struct file   *file;    /* of NODE_FILE and NODE_FOLDER: stat, or open   */
    struct stat    st;      /* of an open file, when it was last looked at   */
    msec_t         checked_at;
    uint32_t       hash;
    int            wd;    /* -1: not watched                               */
    int            error; /* of NODE_MISSING; of a file: why not opened    */
    enum node_kind kind;
    bool           is_shut; /* a folder that cannot be watched               */
    size_t         n;
    char           path[]; /* with a NUL                                    */
};

struct dep {
    struct list  of_source;
    struct node *source, *user;
    struct dep  *next; /* of user                                            */
};

static struct tree {
    struct watch watch;
    struct node *buckets[BUCKETS];
    struct node *wds[BUCKETS];
    struct node *root;
    struct list  lru; /* the latest first                                    */
    size_t       max_descriptors;
    msec_t       drained_at;
    msec_t       refused_at; /* the kernel allowed no more watches; 0: never */
    struct file_stats stats;
} * tree;

/* One look-up: the links that it has led over. */
struct route {
    struct node *links[LINKS_MAX];
    unsigned     n, hops;
};


/* --- nodes ------------------------------------------------------------- */

static struct node *
find(str_t path, uint32_t hash)
{
    struct node *n = tree->buckets[hash % BUCKETS];

    while (n != NULL
           && (n->hash != hash || n->n != path.n
               || memcmp(n->path, path.p, path.n) != 0))
        n = n->next;
    return n;
}


static void
depend(struct node *user, struct node *source)
{
    struct dep *d = malloc(sizeof(*d));

    if (d == NULL)
        check_memory(sizeof(*d));
    d->source = source;
    d->user = user;
    d->next = user->deps;
    user->deps = d;
    list_append(&source->users, &d->of_source);
    list_remove(&source->lru);
}


static struct node *
make(str_t path, enum node_kind kind, struct node *source)
{
    struct node *n = calloc(1, sizeof(*n) + path.n + 1);

    if (n == NULL)
        check_memory(sizeof(*n) + path.n);
    n->kind = kind;
    n->wd = -1;
    n->hash = str_hash(path);
    n->n = path.n;
    memcpy(n->path, path.p, path.n);
    list_init(&n->users);
    list_init(&n->lru);
    list_insert(&tree->lru, &n->lru);
    n->next = tree->buckets[n->hash % BUCKETS];
    tree->buckets[n->hash % BUCKETS] = n;
    tree->stats.nodes++;
    if (source != NULL)
        depend(n, source);
    return n;
}


static void
set_wd(struct node *n, int wd)
{
    n->wd = wd;
    n->wd_next = tree->wds[wd % BUCKETS];
    tree->wds[wd % BUCKETS] = n;
    tree->stats.watches++;
}


/* One inode has one wd, which several nodes may share. */
static void
unwatch(struct node *n, bool is_gone)
{
    struct node **at;
    bool          is_shared = false;

    if (n->wd == -1)
        return;
    for (at = &tree->wds[n->wd % BUCKETS]; *at != NULL;) {
        if (*at == n) {
            *at = n->wd_next;
            continue;
        }
        is_shared |= (*at)->wd == n->wd;
        at = &(*at)->wd_next;
    }
    if (!is_shared && !is_gone)
        watch_remove(&tree->watch, n->wd);
    n->wd = -1;
    tree->stats.watches--;
}


static void
forget_file(struct node *n)
{
    if (n->file == NULL)
        return;
    if (n->file->content != NULL)
        tree->stats.bytes -= n->file->size;
    else if (n->file->chain.fd != -1)
        tree->stats.descriptors--;
    file_put(n->file);
    n->file = NULL;
}


static void
leave_sources(struct node *n)
{
    struct dep *d;

    while ((d = n->deps) != NULL) {
        n->deps = d->next;
        list_remove(&d->of_source);
        if (list_empty(&d->source->users) && d->source != tree->root)
            list_insert(&tree->lru, &d->source->lru);
        free(d);
    }
}


/* Takes a node out, with all that depends on it. */
static void
drop(struct node *n)
{
    struct node **at;

    while (!list_empty(&n->users))
        drop(list_entry(n->users.next, struct dep, of_source)->user);
    for (at = &tree->buckets[n->hash % BUCKETS]; *at != n;)
        at = &(*at)->next;
    *at = n->next;
    list_remove(&n->lru);
    leave_sources(n);
    unwatch(n, false);
    forget_file(n);
    if (n == tree->root)
        tree->root = NULL;
    tree->stats.nodes--;
    free(n);
}


static void
drop_all(void)
{
    if (tree->root != NULL)
        drop(tree->root);
}


static bool
drop_oldest(void)
{
    if (list_empty(&tree->lru))
        return false;
    drop(list_entry(tree->lru.prev, struct node, lru));
    return true;
}


static void
touch(struct node *n)
{
    if (list_empty(&n->lru))
        return;
    list_remove(&n->lru);
    list_insert(&tree->lru, &n->lru);
}


/* The path of a name in a folder, with a NUL; empty: too long. */
static str_t
join(char *path, const struct node *folder, str_t name)
{
    str_t p = { path, folder->n };

    if (folder->n + name.n + 2 > PATH_MAX)
        return STR_NONE;
    memcpy(path, folder->path, folder->n);
    if (folder->n > 1)
        path[p.n++] = '/';
    memcpy(path + p.n, name.p, name.n);
    p.n += name.n;
    path[p.n] = '\0';
    return p;
}


/* --- what the kernel says ------------------------------------------------ */

static bool
drop_child(const struct node *folder, str_t name)
{
    char         path[PATH_MAX];
    struct node *n;
    str_t        p = join(path, folder, name);

    if (p.n == 0)
        return false;
    n = find(p, str_hash(p));
    if (n == NULL)
        return false;
    drop(n);
    return true;
}


/* Drops one thing that the event concerns; false: there was none left. */
static bool
drop_one(int wd, uint32_t mask, str_t name)
{
    struct node *n;

    for (n = tree->wds[wd % BUCKETS]; n != NULL; n = n->wd_next) {
        if (n->wd != wd)
            continue;
        if (name.n != 0) {
            if (drop_child(n, name))
                return true;
            continue;
        }
        if (mask & IN_IGNORED)
            unwatch(n, true);
        drop(n);
        return true;
    }
    return false;
}


static void
on_change(struct watch *w, int wd, uint32_t mask, str_t name)
{
    (void) w;
    while (drop_one(wd, mask, name))
        tree->stats.drops++;
}


static void
on_lost(struct watch *w)
{
    (void) w;
    drop_all();
}


/* --- looking ------------------------------------------------------------- */

/* File systems whose changes all come through this kernel. */
static bool
is_local(const char *path)
{
    struct statfs fs;

    if (statfs(path, &fs) == -1)
        return false;
    switch ((unsigned long) fs.f_type) {
    case EXT4_SUPER_MAGIC: /* and ext2, ext3 */
    case XFS_SUPER_MAGIC:
    case BTRFS_SUPER_MAGIC:
    case TMPFS_MAGIC:
    case RAMFS_MAGIC:
    case OVERLAYFS_SUPER_MAGIC:
    case F2FS_SUPER_MAGIC:
    case EROFS_SUPER_MAGIC_V1:
    case SQUASHFS_MAGIC:
    case ISOFS_SUPER_MAGIC:
    case 0x2fc12fc1: /* zfs */
        return true;
    }
    return false;
}


/* The kernel's answer to a wish for a watch; -1: none now. */
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
        set_wd(folder, wd);
    if (wd == -1 || !is_local(folder->path)) {
        folder->is_shut = true;
        unwatch(folder, false);
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
        n = make(path, NODE_MISSING, folder);
        n->error = errno;
        return n;
    }
    if (S_ISLNK(st.st_mode))
        return make(path, NODE_LINK, folder);
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return NULL;
    n = make(path, S_ISDIR(st.st_mode) ? NODE_FOLDER : NODE_FILE, folder);
    n->file = file_new(-1, &st);
    return n;
}


static struct node *
child(struct node *folder, str_t name)
{
    char         path[PATH_MAX];
    str_t        p = join(path, folder, name);
    struct node *n;

    if (p.n == 0)
        return NULL;
    n = find(p, str_hash(p));
    if (n != NULL && n->kind != NODE_PATH)
        return n;
    if (n != NULL)
        drop(n);
    return look(p, folder);
}


/* The folder that a folder stands in. */
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


static struct node *walk(struct route *r, struct node *at, str_t rest);


static struct node *
start(struct route *r, struct node *at, str_t path)
{
    return walk(r, path.n != 0 && path.p[0] == '/' ? tree->root : at, path);
}


/* Where a link leads; what that was found by is noted with the link. */
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
            depend(link, r->links[r->n - 1]);
        depend(link, target);
        link->target = target;
    }
    if (r->n == LINKS_MAX)
        return NULL;
    r->links[r->n++] = link;
    return link->target;
}


/* NULL: cannot be kept, or is better told by the system call. */
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
        at = str_is(name, "..") ? above(at) : child(at, name);
        if (at != NULL && at->kind == NODE_LINK)
            at = ++r->hops > LINKS_MAX ? NULL : follow(r, at);
        if (at == NULL)
            return NULL;
    }
    return at;
}


static struct node *
resolve(str_t path, uint32_t hash)
{
    struct route r = { .n = 0 };
    struct node *n, *p;

    if (tree->root == NULL) {
        tree->root = make(STR("/"), NODE_FOLDER, NULL);
        list_remove(&tree->root->lru);
    }
    if (path.n == 0 || path.p[0] != '/')
        return NULL;
    n = walk(&r, tree->root, path);
    if (n == NULL)
        return NULL;
    if (path.p[path.n - 1] == '/' && n->kind == NODE_FILE)
        return NULL;
    if (find(path, hash) != NULL)
        return n;
    p = make(path, NODE_PATH, n);
    p->target = n;
    while (r.n != 0)
        depend(p, r.links[--r.n]);
    return n;
}


/* --- files ------------------------------------------------------------------- */

static bool
is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev
           && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec
           && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec
           && a->st_ctim.tv_sec == b->st_ctim.tv_sec
           && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}


/* Writers in the middle of it, and mappings, show by the time of change. */
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
        if (!drop_oldest())
            return;
}


/* Keeps what was opened, if the file is watched from before its bytes are
 * read. */
static void
keep(struct node *n, struct file *f)
{
    struct stat st;
    int         wd = watch_path(n->path, false);

    if (wd == -1)
        return;
    set_wd(n, wd);
    if (fstat(f->chain.fd, &st) == -1 || !is_same(&st, &n->st)
        || (f->size <= CONTENT_MAX && !file_load(f)))
    {
        unwatch(n, false);
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


/* False: cannot be answered from here. */
static bool
open_node(struct node *n, struct file_result *out)
{
    int fd = open(n->path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);

    if (fd == -1) {
        if (errno != EACCES)
            return false;
        n->error = errno;
        return true;
    }
    if (fstat(fd, &n->st) == -1 || !S_ISREG(n->st.st_mode)) {
        close(fd);
        return false;
    }
    out->file = file_new(fd, &n->st);
    if (!is_recent(&n->st))
        keep(n, out->file);
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
    return rc == 0 && is_same(&st, &n->st);
}


static bool
answer(struct node *n, bool test_only, struct file_result *out)
{
    if (n->kind == NODE_FILE && !test_only && n->error == 0) {
        if (is_open(n)) {
            if (!is_still_same(n)) {
                drop(n);
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
    /* In a turn that takes its time the word may have come since it began. */
    now = clock_fresh_ms();
    if (now != clock_ms() && now != tree->drained_at) {
        tree->drained_at = now;
        watch_drain(&tree->watch);
    }
    hash = str_hash(path);
    n = find(path, hash);
    if (n == NULL || (n->kind == NODE_LINK && n->target == NULL)) {
        tree->stats.misses++;
        make_room(CONTENT_MAX);
        n = resolve(path, hash);
        if (n == NULL)
            return false;
    } else {
        tree->stats.hits++;
        touch(n);
        if (n->target != NULL)
            n = n->target;
    }
    return answer(n, test_only, out);
}


/* --- life ------------------------------------------------------------------- */

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
    drop_all();
    watch_close(&tree->watch);
    free(tree);
    tree = NULL;
}


struct file_stats
tree_stats(void)
{
    return tree != NULL ? tree->stats : (struct file_stats){ 0 };
}
