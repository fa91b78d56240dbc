/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that are kept between requests: nothing that changes on disk is
 * served as it was.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

#include "core/cache/file.h"
#include "core/os/clock.h"
#include "t/unit/tap.h"

static struct loop        *loop;
static char                dir[] = "/tmp/weir-file-XXXXXX";
static struct file_options options = { .directio = FILE_DIRECT_OFF };
static size_t              hits;


/* Writes a file and makes it old enough to be kept. */
static void
put(const char *name, const char *text)
{
    struct utimbuf old = { 1700000000, 1700000000 };
    int            fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    if (fd == -1 || write(fd, text, strlen(text)) == -1)
        diag("%s: %s", name, strerror(errno));
    close(fd);
    utime(name, &old);
}


static void
put_link(const char *to, const char *name)
{
    if (symlink(to, name) == -1)
        diag("%s: %s", name, strerror(errno));
}


/* What a request would be answered: text, or "!" and the error. */
static const char *
get(const char *name)
{
    static char        text[256];
    char               path[512];
    struct file_result r;
    ssize_t            n;

    loop_turn(loop, 0);
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    r = file_open(NULL, str_of(path), &options);
    if (r.file == NULL) {
        snprintf(text, sizeof(text), "!%s %s", r.call, strerror(r.error));
        return text;
    }
    if (file_is_folder(r.file)) {
        strcpy(text, "folder");
    } else if (r.file->content != NULL) {
        snprintf(text, sizeof(text), "%.*s", (int) r.file->size,
                 r.file->content->data);
    } else {
        n = pread(r.file->chain.fd, text, sizeof(text) - 1, 0);
        text[n < 0 ? 0 : n] = '\0';
    }
    file_put(r.file);
    return text;
}


/* The same twice, the second time from memory. */
static const char *
get_kept(const char *name)
{
    get(name);
    hits = file_stats().hits;
    return get(name);
}


#define is_kept(...) is(file_stats().hits, hits + 1, __VA_ARGS__)


static void
test_contents(void)
{
    struct stat st;
    int         fd;

    put("a", "one");
    is_text(get_kept("a"), "one", "a file");
    is_kept("kept");
    is(file_stats().bytes, 3, "with its bytes");

    fd = open("a", O_WRONLY);
    is(pwrite(fd, "two", 3, 0), 3, "rewritten in place");
    is_text(get("a"), "two", "seen");
    close(fd);

    put("a", "three");
    is_text(get_kept("a"), "three", "shorter, longer");
    put("b", "four");
    is(rename("b", "a"), 0, "another renamed over it");
    is_text(get_kept("a"), "four", "seen");
    is_kept("and kept");
    is_text(get_kept("b"), "!open() No such file or directory", "absence");
    is_kept("kept as well");
    put("b", "five");
    is_text(get("b"), "five", "and over when the file is there");

    is(unlink("a"), 0, "deleted");
    is_text(get("a"), "!open() No such file or directory", "seen");
    put("a", "six");
    is_text(get_kept("a"), "six", "there again");
    is(truncate("a", 1), 0, "truncated");
    is_text(get("a"), "s", "seen");

    put("a", "six");
    get_kept("a");
    is(link("a", "hard"), 0, "a hard link");
    is_text(get_kept("a"), "six", "still the same");
    put("hard", "seven");
    is_text(get("a"), "seven", "written through another name");
    unlink("hard");
    stat("a", &st);
    is(st.st_nlink, 1, "and alone again");
}


static void
test_rights(void)
{
    if (geteuid() == 0 && seteuid(65534) == -1)
        return;
    is_text(get_kept("a"), "seven", "before");
    if (geteuid() != getuid() && seteuid(0) == -1)
        diag("seteuid: %s", strerror(errno));
    is(chmod("a", 0), 0, "made unreadable");
    if (geteuid() == 0 && seteuid(65534) == -1)
        diag("seteuid: %s", strerror(errno));
    is_text(get("a"), "!open() Permission denied", "seen");
    options.test_only = true;
    is_text(get("a"), "", "but it is there");
    options.test_only = false;
    if (geteuid() != getuid() && seteuid(0) == -1)
        diag("seteuid: %s", strerror(errno));
    is(chmod("a", 0644), 0, "made readable");
    is_text(get("a"), "seven", "seen");
}


static void
test_folders(void)
{
    mkdir("d", 0755);
    mkdir("d/e", 0755);
    put("d/e/f", "deep");
    is_text(get_kept("d/e/f"), "deep", "in a folder");
    is_kept("kept");
    is_text(get_kept("d"), "folder", "a folder");
    is_kept("kept");
    is(rename("d", "g"), 0, "a parent renamed");
    is_text(get_kept("d/e/f"), "!open() No such file or directory", "seen");
    is_kept("and kept");
    is_text(get("g/e/f"), "deep", "under its new name");
    mkdir("d", 0755);
    mkdir("d/e", 0755);
    put("d/e/f", "new");
    is_text(get_kept("d/e/f"), "new", "made again");
    is_text(get("d/e//f"), "new", "two slashes");
    is_text(get("d/./e/../e/f"), "new", "dots");
    is_text(get("d/e/f/"), "!open() Not a directory", "a slash behind");
    is_text(get("d/e/f/g"), "!open() Not a directory", "below a file");
    is_text(get("no/e/f"), "!open() No such file or directory", "no parent");
    is_text(get("no/../d/e/f"), "!open() No such file or directory",
            "no parent to go back from");
    unlink("d/e/f");
    rmdir("d/e");
    is_text(get("d/e/f"), "!open() No such file or directory",
            "folder removed");
    is_text(get("d/e//f"), "!open() No such file or directory",
            "by its other path too");
}


static void
test_links(void)
{
    mkdir("r1", 0755);
    mkdir("r2", 0755);
    put("r1/x", "first");
    put("r2/x", "second");
    put_link("r1", "now");
    put_link("now/x", "x");
    put_link("x", "xx");
    is_text(get_kept("now/x"), "first", "by a link to a folder");
    is_kept("kept");
    is_text(get_kept("x"), "first", "by a link to a file");
    is_text(get_kept("xx"), "first", "by a link to a link");
    is_kept("kept");

    put_link("r2", "next");
    is(rename("next", "now"), 0, "the link is switched");
    is_text(get("now/x"), "second", "folder");
    is_text(get("x"), "second", "file");
    is_text(get_kept("xx"), "second", "link to a link");
    is_kept("kept");
    put("r2/y", "other");
    rename("r2/y", "r2/x");
    is_text(get("xx"), "other", "the target is replaced");
    put("r2/x", "rewritten");
    is_text(get("xx"), "rewritten", "the target is rewritten");
    unlink("now");
    is_text(get("xx"), "!open() No such file or directory", "the link gone");
    put_link("loop", "loop");
    is_text(get("loop"), "!open() Too many levels of symbolic links", "a loop");
    mkdir("r3", 0755);
    put_link("r3/../r1/x", "over");
    is_text(get_kept("over"), "first", "a folder that is left again");
    is_kept("kept");
    is_text(get("r3/../r1/x"), "first", "in a path");
    rmdir("r3");
    is_text(get("over"), "!open() No such file or directory", "is gone");
    is_text(get("r3/../r1/x"), "!open() No such file or directory",
            "in a path");
    put_link("r1/x/", "slash");
    is_text(get("slash"), "!open() Not a directory", "a slash in a link");
    put_link("../r1/../r1/x", "r2/up");
    is_text(get_kept("r2/up"), "first", "dots in a link");
    is_kept("kept");
}


static void
test_root(void)
{
    struct file_result r = file_open(NULL, STR("/"), &options);

    ok(r.file != NULL && file_is_folder(r.file), "the root");
    file_put(r.file);
    put_link("/", "top");
    is_text(get_kept("top"), "folder", "a link to it");
    is_kept("kept");
    is_text(get_kept("top/top/"), "!open() No such file or directory",
            "something below it that is not there");
    is_text(get("top/../.."), "folder", "and above it");
    unlink("top");
}


static void
test_refusing_links(void)
{
    put_link("r1", "to");
    options.symlinks = SYMLINKS_REFUSE;
    is_text(get("r1/x"), "first", "no link on the way");
    is_text(get("to/x"), "!openat() Not a directory", "a link to a folder");
    is_text(get("r2/up"), "!openat() Too many levels of symbolic links",
            "a link to a file");
    options.trusted = strlen(dir) + strlen("/to");
    is_text(get("to/x"), "first", "in the part that does not matter");
    options.trusted = 0;
    options.symlinks = SYMLINKS_OWNED;
    is_text(get("to/x"), "first", "links of the owner");
    options.symlinks = SYMLINKS_FOLLOW;
}


static void
test_recent(void)
{
    int fd = open("young", O_WRONLY | O_CREAT, 0644);

    is(write(fd, "young", 5), 5, "a file of this moment");
    is_text(get_kept("young"), "young", "is there");
    is(pwrite(fd, "YOUNG", 5, 0), 5, "and written to");
    is_text(get("young"), "YOUNG", "seen");
    close(fd);
    is(mkfifo("pipe", 0644), 0, "a pipe");
    is_text(get("pipe"), "", "does not block");
}


static void
test_many(void)
{
    char   name[32];
    size_t i;

    for (i = 0; i < 10000; i++) {
        snprintf(name, sizeof(name), "missing%zu", i);
        get(name);
    }
    ok(file_stats().nodes <= 8200, "absences are bounded");
    for (i = 0; i < 600; i++) {
        struct utimbuf old = { 1700000000, 1700000000 };

        snprintf(name, sizeof(name), "r1/big%zu", i);
        put(name, "");
        if (truncate(name, 65536) == -1)
            diag("%s: %s", name, strerror(errno));
        utime(name, &old);
        get(name);
    }
    ok(file_stats().bytes <= 32 * 1024 * 1024, "bytes are bounded");
    is_text(get("r1/x"), "first", "and all is well");
}


static void
test_recent_cache(void)
{
    struct file_cache_conf conf = { .max = 3, .inactive = 1000 };
    char                   name[32];

    file_stop();
    options.cache = &conf;
    options.valid = 60000;
    options.min_uses = 1;
    put("o", "one");
    is_text(get("o"), "one", "open_file_cache");
    put("o2", "two");
    rename("o2", "o");
    is_text(get("o"), "one", "believes for a while");
    options.valid = 0;
    is_text(get("o"), "two", "and looks again");
    options.valid = 60000;
    unlink("o");
    is_text(get("o"), "two", "believes");
    options.errors = true;
    is_text(get("none"), "!open() No such file or directory", "an error");
    put("none", "some");
    is_text(get("none"), "!open() No such file or directory", "is believed");
    options.errors = false;
    for (int i = 0; i < 9; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        put(name, name);
        is_text(get(name), name, "file %d", i);
    }
    is_text(get("none"), "some", "the oldest has gone");
    options.min_uses = 3;
    put("u", "1");
    get("u");
    put("v", "2");
    rename("v", "u");
    is_text(get("u"), "2", "not kept before it is used often");
    options.cache = NULL;
}


int
main(void)
{
    static struct log_targets targets = { .level = LEVEL_STDERR };
    struct log                log = { .targets = &targets };
    char                      clean[64];

    clock_update();
    if (mkdtemp(dir) == NULL || chdir(dir) == -1 || chmod(dir, 0755) == -1)
        skip_all("no folder");
    loop = loop_new(&log, 64);
    if (!file_start(loop, &log))
        skip_all("no inotify");
    test_contents();
    test_rights();
    test_folders();
    test_links();
    test_root();
    test_refusing_links();
    test_recent();
    test_many();
    file_stop();
    is(file_stats().nodes, 0, "all is given back");
    test_recent_cache();
    file_stop();
    loop_free(loop);
    snprintf(clean, sizeof(clean), "rm -rf %s", dir);
    return system(clean) == 0 ? done() : 1;
}
