/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that are kept while the kernel watches them: a folder of files,
 * folders and links is changed as the input wants it, by all that changes
 * names and bytes, and paths are asked for in between.  Each answer is the one
 * that the system calls give at that moment.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cache/node.h"
#include "core/os/clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS = 200, PATH_ROOM = 512, DESCRIPTORS = 8 };

enum what {
    PUT,      /* a file, from its start                                      */
    PUT_MORE, /* in place                                                    */
    CUT,
    FOLDER,
    LINK,
    HARD_LINK,
    RENAME,
    REMOVE,
    RIGHTS,
    TEST,
    OPEN,
    OPEN_TOO, /* more of these than of each change                           */
    OPEN_ALL,
    WHATS,
};

/* In memory, where files are changed fastest, or else on disk. */
static char  in_memory[] = "/dev/shm/weir-fuzz-XXXXXX";
static char  on_disk[] = "/tmp/weir-fuzz-XXXXXX";
static char *folder = in_memory;

static struct log_targets quiet_targets = { .level = LEVEL_EMERG };
static struct log         quiet = { .targets = &quiet_targets };
static struct loop       *loop;

struct play {
    const uint8_t *p;
    size_t         n;
    unsigned       step;
    unsigned char  asked[256]; /* paths, to be asked for again               */
    unsigned       n_asked;
};


/* --- the scene ------------------------------------------------------------ */

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
    (void) st, (void) flag;
    if (at->level == 0)
        return 0;
    return remove(path);
}


static void
clean_folder(void)
{
    CHECK(nftw(folder, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS) == 0);
}


static void
clean_up(void)
{
    clean_folder();
    if (rmdir(folder) == -1)
        fprintf(stderr, "%s stays\n", folder);
}


static void
set_up(void)
{
    clock_update();
    loop = loop_new(&quiet, 64);
    if (mkdtemp(folder) == NULL)
        folder = on_disk;
    CHECK(folder == in_memory || mkdtemp(folder) != NULL);
    CHECK(file_start(loop, &quiet));
    atexit(clean_up);
}


static unsigned
byte(struct play *p)
{
    if (p->n == 0)
        return 0;
    p->n--;
    return *p->p++;
}


/* --- paths ---------------------------------------------------------------- */

/* One to three names in the folder. */
static const char *
path_of(unsigned which)
{
    static char     paths[2][PATH_ROOM];
    static unsigned turn;
    char           *path = paths[turn++ % 2];
    char           *p = path + sprintf(path, "%s/%c", folder, 'a' + which % 4);

    for (which = which / 4 % 16; which % 4 != 0; which /= 4)
        p += sprintf(p, "/%c", 'a' + which % 4 - 1);
    return path;
}


/* The same as requests ask for it, in one of four ways to write it. */
static str_t
asked_path(unsigned which, char *out)
{
    static const struct {
        const char *before, *behind;
    } ways[] = { { "", "" }, { "", "/" }, { "//.", "" }, { "/a/..", "/.." } };
    unsigned    way = which / 64;
    const char *path = path_of(which) + strlen(folder);
    int n = snprintf(out, PATH_ROOM, "%s%s%s%s", folder, ways[way].before, path,
                     ways[way].behind);

    return (str_t){ out, (size_t) n };
}


/* Links lead anywhere, changes only happen in the folder: whether a path's own
 * folder is in it, and what the path leads to. */
static bool
is_inside(const char *path)
{
    char        own[PATH_ROOM], real[PATH_MAX];
    size_t      n = strlen(folder);
    struct stat st;

    snprintf(own, sizeof(own), "%s", path);
    *strrchr(own, '/') = '\0';
    if (realpath(own, real) == NULL || strncmp(real, folder, n) != 0
        || (real[n] != '/' && real[n] != '\0'))
        return false;
    if (lstat(path, &st) == -1 || !S_ISLNK(st.st_mode))
        return true;
    return realpath(path, real) != NULL && strncmp(real, folder, n) == 0
           && (real[n] == '/' || real[n] == '\0');
}


/* --- changes -------------------------------------------------------------- */

/* Files that were changed a moment ago are not kept: this one is old. */
static void
grow_old(int fd)
{
    static const struct timespec old[2]
        = { { 1700000000, 0 }, { 1700000000, 0 } };

    CHECK(futimens(fd, old) == 0);
}


static void
put(struct play *p, bool is_more)
{
    static const char text[] = "some text that is written into a file";
    const char       *path = path_of(byte(p));
    unsigned          how = byte(p);
    size_t            n = how % sizeof(text);
    int               flags = is_more ? 0 : O_CREAT | O_TRUNC;
    int               fd = -1;

    if (is_inside(path))
        fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | flags, 0644);
    if (fd == -1)
        return;
    CHECK(pwrite(fd, text + sizeof(text) - 1 - n, n, how / 128) != -1);
    if (!(how & 64))
        grow_old(fd);
    close(fd);
}


static void
put_link(struct play *p)
{
    static const char *const targets[]
        = { "a",      "b",  "c/a",    "..", "../b", ".",     "a/../b",
            "../../", "d/", "../a/b", "/",  "none", "a//./b" };
    const char *path = path_of(byte(p));
    unsigned    which = byte(p) % (countof(targets) + 1);

    if (is_inside(path))
        (void) !symlink(
            which < countof(targets) ? targets[which] : path_of(byte(p)), path);
}


/* What fails changes nothing, which is fine. */
static void
change(struct play *p, enum what what)
{
    const char *path, *other;
    unsigned    how;

    if (what == PUT || what == PUT_MORE) {
        put(p, what == PUT_MORE);
        return;
    }
    if (what == LINK) {
        put_link(p);
        return;
    }
    path = path_of(byte(p));
    how = byte(p);
    other = path_of(how);
    if (!is_inside(path) || !is_inside(other))
        return;
    switch ((int) what) {
    case CUT:
        (void) !truncate(path, how);
        break;
    case FOLDER:
        (void) !mkdir(path, 0755);
        break;
    case HARD_LINK:
        (void) !link(path, other);
        break;
    case RENAME:
        (void) !rename(path, other);
        break;
    case REMOVE:
        (void) !remove(path);
        break;
    case RIGHTS:
        (void) !chmod(path, how & 1 ? 0755 : 0);
        break;
    default:
        break;
    }
}


/* --- questions ------------------------------------------------------------- */

static void
read_file(const struct file *f, char *out)
{
    if (f->content != NULL)
        memcpy(out, f->content->data, f->size);
    else
        CHECK(pread(f->chain.fd, out, f->size, 0) == (ssize_t) f->size);
}


static void
check_same(const struct file *kept, const struct file *now, bool test_only)
{
    char a[512], b[512];

    CHECK(kept->mode == now->mode || test_only);
    CHECK(file_is_folder(kept) == file_is_folder(now));
    CHECK(kept->ino == now->ino && kept->dev == now->dev);
    if (test_only || !file_is_regular(now))
        return;
    CHECK(kept->size == now->size && kept->mtime == now->mtime);
    CHECK(now->size <= sizeof(a));
    read_file(kept, a);
    read_file(now, b);
    CHECK(memcmp(a, b, now->size) == 0);
}


static void
ask(unsigned which, bool test_only)
{
    struct file_options o
        = { .directio = FILE_DIRECT_OFF, .test_only = test_only };
    char               room[PATH_ROOM];
    str_t              path = asked_path(which, room);
    struct file_result kept, now;

    loop_turn(loop, 0);
    kept = file_open(NULL, path, &o);
    now = file_open_plain(path, &o);
    CHECK((kept.file == NULL) == (now.file == NULL));
    CHECK(kept.error == now.error);
    if (now.file != NULL)
        check_same(kept.file, now.file, test_only);
    file_put(kept.file);
    file_put(now.file);
}


static void
ask_all(const struct play *p)
{
    for (unsigned i = 0; i < p->n_asked; i++)
        ask(p->asked[i], i % 4 == 3);
}


static void
step(struct play *p)
{
    enum what what = (enum what)(byte(p) % WHATS);
    unsigned  which;

    if (what == OPEN_ALL) {
        ask_all(p);
    } else if (what == OPEN || what == OPEN_TOO || what == TEST) {
        which = byte(p);
        p->asked[p->n_asked++ % countof(p->asked)] = (unsigned char) which;
        ask(which, what == TEST);
    } else {
        change(p, what);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct play p = { .p = data, .n = size };

    if (loop == NULL)
        set_up();
    clock_update();
    while (p.n != 0 && p.step++ < STEPS)
        step(&p);
    ask_all(&p);
    ask_all(&p);
    CHECK(file_stats().nodes < 8192);
    node_drop_all();
    CHECK(file_stats().nodes == 0 && file_stats().watches == 0);
    CHECK(file_stats().bytes == 0 && file_stats().descriptors == 0);
    clean_folder();
    loop_turn(loop, 0);
    return 0;
}
