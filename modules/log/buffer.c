/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes lines.  Each file has a buffer.  Without "buffer=" it collects the
 * lines of one turn of the loop, so that many requests cost one write.  With
 * "buffer=", lines wait until the buffer is full, until the oldest line has
 * waited for "flush=", or until the file is flushed, reopened or closed.  Only
 * whole lines are written.  With gzip each write is a gzip member of the file.
 *
 * The buffer belongs to the generation, but its memory to the process, which
 * allocates it for the first line.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "core/base/buf.h"
#include "core/base/check.h"
#include "modules/log/access_log.h"

enum {
    TURN_SIZE = 16384,
    COMPLAINTS_EVERY = 60,
    GZIP_WINDOW = 15 + 16,
    GZIP_MEMORY = 9,
};

struct log_buffer {
    struct buf                lines; /* allocated for the first one          */
    struct timer              timer; /* "flush="                             */
    struct post               turn;  /* the end of this turn                 */
    struct log_buffer_options options; /* size 0: for one turn               */
    struct log_file          *file;
    const struct log         *log;
};


/* Times in this process: when a write last failed because the disk was full,
 * and when an error was last logged. */
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


/* Compresses and writes; false when compression failed. */
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
    post_cancel(&b->turn);
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
on_turn_end(struct post *p)
{
    flush(container_of(p, struct log_buffer, turn));
}


static void
flush_file(struct log_file *file)
{
    flush(file->buffer);
}


/* Runs when the generation ends, before its files are closed. */
static void
end(void *arg)
{
    struct log_buffer *b = arg;

    flush(b);
    free(b->lines.start);
    b->lines = (struct buf){ NULL, NULL, NULL, NULL };
}


bool
log_buffer_attach(struct arena *a, struct log_file *file,
                  const struct log_buffer_options *o, const struct log *log)
{
    struct log_buffer *b = file->buffer;

    if (b == NULL) {
        b = arena_make(a, struct log_buffer);
        b->file = file;
        b->log = log;
        b->timer.on_timeout = on_timeout;
        b->timer.is_idle = 1;
        b->turn.run = on_turn_end;
        file->buffer = b;
        file->flush = flush_file;
        arena_defer(a, end, b);
    }
    if (o->size == 0)
        return true;
    if (b->options.size == 0)
        b->options = *o;
    return b->options.size == o->size && b->options.flush == o->flush
           && b->options.level == o->level;
}


static void
take_memory(struct log_buffer *b)
{
    size_t size = b->options.size ? b->options.size : TURN_SIZE;
    void  *memory = malloc(size);

    if (memory == NULL)
        check_memory(size);
    buf_init(&b->lines, memory, size);
}


void
log_buffer_add(struct log_file *file, struct loop *loop, str_t line)
{
    struct log_buffer *b = file->buffer;

    if (b->lines.start == NULL)
        take_memory(b);
    if (line.n > buf_room(&b->lines))
        flush(b);
    if (line.n > buf_room(&b->lines)) {
        write_lines(b, line);
        return;
    }
    if (buf_len(&b->lines) == 0) {
        if (b->options.size == 0)
            post_add_late(loop, &b->turn);
        else if (b->options.flush != 0)
            timer_set(loop, &b->timer, b->options.flush);
    }
    buf_put(&b->lines, line);
}
