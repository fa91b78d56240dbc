/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening a file: through one of the caches, or by the same system calls as
 * nginx.
 */
#include "core/cache/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/cache/inside.h"

enum { READ_AHEAD_FROM = 128 * 1024 };


static void
free_file(struct chain_file *c)
{
    struct file *f = container_of(c, struct file, chain);

    if (c->fd != -1)
        close(c->fd);
    block_put(f->content);
    free(f);
}


struct file *
file_of(struct chain_file *f)
{
    return f->free == free_file ? container_of(f, struct file, chain) : NULL;
}


void
file_put(struct file *f)
{
    if (f != NULL)
        chain_file_put(&f->chain);
}


struct file *
file_new(int fd, const struct stat *st)
{
    struct file *f = calloc(1, sizeof(*f));

    if (f == NULL)
        check_memory(sizeof(*f));
    f->chain.refs = 1;
    f->chain.fd = fd;
    f->chain.free = free_file;
    f->size = (uint64_t) st->st_size;
    f->mtime = st->st_mtime;
    f->dev = st->st_dev;
    f->ino = st->st_ino;
    f->mode = st->st_mode;
    return f;
}


bool
file_load(struct file *f)
{
    struct block *b = block_try(f->size ? f->size : 1);
    ssize_t       n;

    if (b == NULL)
        return false;
    do {
        n = pread(f->chain.fd, b->data, f->size, 0);
    } while (n == -1 && errno == EINTR);
    if (n == -1 || (uint64_t) n != f->size) {
        block_put(b);
        return false;
    }
    b->is_lasting = true;
    f->content = b;
    return true;
}


/* Applies directio and read_ahead to a file that is large enough for them. */
static void
advise(struct file *f, const struct file_options *o)
{
    int flags;

    if (f->size >= o->directio) {
        flags = fcntl(f->chain.fd, F_GETFL);
        if (flags != -1 && fcntl(f->chain.fd, F_SETFL, flags | O_DIRECT) != -1)
            f->is_direct = true;
    }
    if (o->read_ahead != 0 && f->size > READ_AHEAD_FROM)
        posix_fadvise(f->chain.fd, 0, (off_t) o->read_ahead,
                      POSIX_FADV_SEQUENTIAL);
}


static struct file_result
failed(const char *call)
{
    return (struct file_result){ .error = errno, .call = call };
}


static struct file_result
test(str_t path)
{
    struct stat st;

    if (stat(path.p, &st) == -1)
        return failed("stat()");
    return (struct file_result){ .file = file_new(-1, &st) };
}


static struct file_result
take(int fd, const struct file_options *o)
{
    struct file_result r;
    struct stat        st;

    if (fstat(fd, &st) == -1) {
        r = failed("fstat()");
        close(fd);
        return r;
    }
    if (S_ISDIR(st.st_mode)) {
        close(fd);
        fd = -1;
    }
    r = (struct file_result){ .file = file_new(fd, &st) };
    if (S_ISREG(st.st_mode))
        advise(r.file, o);
    return r;
}


struct file_result
file_open_plain(str_t path, const struct file_options *o)
{
    const char        *call = "open()";
    struct file_result r;
    int                fd;

    if (o->symlinks != SYMLINKS_FOLLOW) {
        fd = file_open_walking(path, o->symlinks, o->trusted, O_RDONLY, &call);
    } else if (o->test_only) {
        return test(path);
    } else {
        fd = open(path.p, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    }
    if (fd == -1)
        return failed(call);
    r = take(fd, o);
    if (o->test_only && r.file != NULL && r.file->chain.fd != -1) {
        close(r.file->chain.fd);
        r.file->chain.fd = -1;
    }
    return r;
}


struct file_result
file_open(struct task *t, str_t path, const struct file_options *o)
{
    struct file_result r;

    (void) t;
    if (o->symlinks == SYMLINKS_FOLLOW && tree_open(path, o->test_only, &r)) {
        if (r.file == NULL || r.file->size < o->directio
            || !file_is_regular(r.file))
            return r;
        file_put(r.file);
        return file_open_plain(path, o);
    }
    if (o->cache != NULL && o->cache->max != 0)
        return recent_open(path, o);
    return file_open_plain(path, o);
}


bool
file_start(struct loop *l, const struct log *log)
{
    return tree_start(l, log);
}


void
file_stop(void)
{
    tree_stop();
    recent_stop();
}


struct file_stats
file_stats(void)
{
    return tree_stats();
}
