/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing lines: at once, or gathered in a buffer that belongs to the file
 * and is written when it is full, when its oldest line has waited for so
 * long, and whenever the file is flushed, reopened or closed.  Only whole
 * lines are written.  With gzip each buffer becomes a member of the file.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "core/base/buf.h"
#include "core/base/check.h"
#include "modules/log/access_log.h"

enum { COMPLAINTS_EVERY = 60, GZIP_WINDOW = 15 + 16, GZIP_MEMORY = 9 };

struct log_buffer {
    struct buf                lines;
    struct timer              timer;
    struct log_buffer_options options;
    struct log_file          *file;
    const struct log         *log;
};


/* Moments, of this process: when a write failed for want of room on the disk,
 * and when a failure was last told. */
static struct {
    time_t full_at, told_at;
} trouble;


void
log_write_file(int fd, const char *name, str_t s, const struct log *log)
{
    ssize_t n;
    int     error;

    if (trouble.full_at == clock_seconds())
        return;
    do {
        n = write(fd, s.p, s.n);
    } while (n == -1 && errno == EINTR);
    error = errno;

    if (n == (ssize_t) s.n)
        return;
    if (n == -1 && error == ENOSPC)
        trouble.full_at = clock_seconds();
    if (clock_seconds() - trouble.told_at < COMPLAINTS_EVERY)
        return;
    trouble.told_at = clock_seconds();
    if (n == -1)
        log_at(log, LEVEL_ALERT, error, "write() to \"%s\" failed", name);
    else
        log_at(log, LEVEL_ALERT, 0,
               "write() to \"%s\" was incomplete: %zd of %zu", name, n, s.n);
}


/* Compresses and writes; false: it could not be compressed. */
static bool
write_gzip(const struct log_buffer *b, str_t s)
{
    z_stream z = { .next_in = (Bytef *) s.p, .avail_in = (uInt) s.n };
    size_t   room;
    char    *out;
    bool     is_done = false;

    if (deflateInit2(&z, b->options.level, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
                     Z_DEFAULT_STRATEGY)
        != Z_OK)
        return false;
    room = deflateBound(&z, s.n);
    out = malloc(room);
    if (out != NULL) {
        z.next_out = (Bytef *) out;
        z.avail_out = (uInt) room;
        is_done = deflate(&z, Z_FINISH) == Z_STREAM_END;
        if (is_done)
            log_write_file(b->file->fd, b->file->path.p,
                           (str_t){ out, room - z.avail_out }, b->log);
        free(out);
    }
    deflateEnd(&z);
    return is_done;
}


static void
write_lines(struct log_buffer *b, str_t s)
{
    if (b->options.level != 0 && write_gzip(b, s))
        return;
    log_write_file(b->file->fd, b->file->path.p, s, b->log);
}


static void
flush(struct log_buffer *b)
{
    timer_stop(&b->timer);
    if (buf_len(&b->lines) != 0 && b->file->fd != -1)
        write_lines(b, buf_str(&b->lines));
    buf_reset(&b->lines);
}


static void
on_timeout(struct timer *t)
{
    flush(container_of(t, struct log_buffer, timer));
}


static void
flush_file(struct log_file *file)
{
    flush(file->buffer);
}


bool
log_buffer_attach(struct arena *a, struct log_file *file,
                  const struct log_buffer_options *o, const struct log *log)
{
    struct log_buffer *b = file->buffer;

    if (b != NULL)
        return b->options.size == o->size && b->options.flush == o->flush
               && b->options.level == o->level;

    b = arena_make(a, struct log_buffer);
    buf_init(&b->lines, arena_bytes(a, o->size), o->size);
    b->options = *o;
    b->file = file;
    b->log = log;
    b->timer.on_timeout = on_timeout;
    b->timer.is_idle = 1;
    file->buffer = b;
    file->flush = flush_file;
    return true;
}


void
log_buffer_add(struct log_file *file, struct loop *loop, str_t line,
               const struct log *log)
{
    struct log_buffer *b = file->buffer;

    if (b == NULL) {
        log_write_file(file->fd, file->path.p, line, log);
        return;
    }
    if (line.n > buf_room(&b->lines))
        flush(b);
    if (line.n > buf_room(&b->lines)) {
        write_lines(b, line);
        return;
    }
    if (b->options.flush != 0 && buf_len(&b->lines) == 0)
        timer_set(loop, &b->timer, b->options.flush);
    buf_put(&b->lines, line);
}
