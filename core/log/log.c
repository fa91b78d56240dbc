/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines of the error log, and what they are written to.  A line is made once
 * on the stack and goes with one write() to each target that wants its level,
 * so that lines of several processes do not mix.  Nothing here can fail
 * loudly: what cannot be written is dropped.
 */
#include "core/log/log.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/number.h"
#include "core/log/target.h"
#include "core/os/clock.h"

enum {
    STDERR = 2,
    ERRNO_ROOM = 50, /* kept for " (errno: text)" behind a long text */
};

const char *log_program = "weir";
bool        log_to_stderr = true;

static struct log_target  start_file = { .level = LEVEL_NOTICE };
static struct log_target *start_at[1] = { &start_file };
static struct log_targets start_targets = { .level = LEVEL_NOTICE };

struct log log_start = { .targets = &start_targets };

static const char *const names[] = {
    "", "emerg", "alert", "crit", "error", "warn", "notice", "info", "debug",
};


const char *
log_level_name(enum log_level level)
{
    return (size_t) level < countof(names) ? names[level] : NULL;
}


int
log_level_parse(str_t name)
{
    for (size_t i = LEVEL_EMERG; i < countof(names); i++)
        if (str_eq(name, str_of(names[i])))
            return (int) i;
    return -1;
}


void
log_start_file(struct log_file *file)
{
    start_file.kind = TARGET_FILE;
    start_file.file = file;
    start_targets.at = start_at;
    start_targets.n = file != NULL ? 1 : 0;
}


/* A line in the making; p never passes last, behind which a newline fits. */
struct line {
    char *p, *last;
};

static void
put(struct line *l, const char *s, size_t n)
{
    size_t room = (size_t) (l->last - l->p);

    if (n > room)
        n = room;
    memcpy(l->p, s, n);
    l->p += n;
}


static void
put_z(struct line *l, const char *s)
{
    put(l, s, strlen(s));
}


static void
put_number(struct line *l, uint64_t n)
{
    char digits[20];

    put(l, digits, number_put(digits, n));
}


static void
put_head(struct line *l, enum log_level level)
{
    str_t date = clock_error_log();

    put(l, date.p, date.n);
    put_z(l, " [");
    put_z(l, names[level]);
    put_z(l, "] ");
    put_number(l, (uint64_t) getpid());
    put_z(l, "#");
    put_number(l, (uint64_t) gettid());
    put_z(l, ": ");
}


static void put_format(struct line *l, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));

static void
put_format(struct line *l, const char *fmt, va_list args)
{
    size_t room = (size_t) (l->last - l->p);
    int    n = vsnprintf(l->p, room + 1, fmt, args);

    if (n > 0)
        l->p += (size_t) n < room ? (size_t) n : room;
}


static void
put_errno(struct line *l, int errnum)
{
    char        room[128];
    const char *text = strerror_r(errnum, room, sizeof(room));

    if (l->p > l->last - ERRNO_ROOM) {
        l->p = l->last - ERRNO_ROOM;
        put_z(l, "...");
    }
    put_z(l, " (");
    put_number(l, (uint64_t) errnum);
    put_z(l, ": ");
    put_z(l, text);
    put_z(l, ")");
}


/* Outermost first. */
static void
put_frames(struct line *l, const struct log_frame *f)
{
    if (f == NULL)
        return;
    put_frames(l, f->up);
    l->p += f->write(f, l->p, (size_t) (l->last - l->p));
}


static void
put_context(struct line *l, const struct log *log)
{
    if (log->action != NULL) {
        put_z(l, " while ");
        put_z(l, log->action);
    }
    put_frames(l, log->frames);
}


static void
write_fd(int fd, const char *p, size_t n)
{
    ssize_t rc;

    do {
        rc = write(fd, p, n);
    } while (rc == -1 && errno == EINTR);
}


static void
write_ring(struct log_ring *r, const char *p, size_t n)
{
    size_t first;

    if (n > r->size)
        n = r->size;
    first = r->size - r->at;
    if (first > n)
        first = n;
    memcpy(r->p + r->at, p, first);
    memcpy(r->p, p + first, n - first);
    r->at = (r->at + n) % r->size;
}


/* text is the whole line with its newline. */
static void
write_target(struct log_target *t, enum log_level level, str_t text)
{
    switch (t->kind) {
    case TARGET_FILE:
        if (t->file->fd != -1)
            write_fd(t->file->fd, text.p, text.n);
        break;
    case TARGET_STDERR:
        write_fd(STDERR, text.p, text.n);
        break;
    case TARGET_SYSLOG:
        text.n--;
        syslog_send(t->syslog, (int) level - LEVEL_EMERG, text);
        break;
    case TARGET_MEMORY:
        write_ring(&t->ring, text.p, text.n);
        break;
    }
}


static bool
is_stderr(const struct log_target *t)
{
    return t->kind == TARGET_STDERR
           || (t->kind == TARGET_FILE && t->file->fd == STDERR);
}


/* The form for whoever sits at the terminal: no date, no process. */
static void
write_stderr(enum log_level level, const char *text, const char *end)
{
    char        out[LOG_LINE_MAX + 64];
    struct line l = { out, out + sizeof(out) };

    if (level != LEVEL_STDERR) {
        put_z(&l, log_program);
        put_z(&l, ": [");
        put_z(&l, names[level]);
        put_z(&l, "] ");
    }
    put(&l, text, (size_t) (end - text));
    write_fd(STDERR, out, (size_t) (l.p - out));
}


/* Gives the line to all who want it; true when stderr was among them. */
static bool
write_targets(const struct log *log, enum log_level level, str_t text)
{
    bool was_stderr = false;

    for (unsigned i = 0; i < log->targets->n; i++) {
        struct log_target *t = log->targets->at[i];

        if (level > t->level && !log->debug)
            continue;
        write_target(t, level, text);
        was_stderr |= is_stderr(t);
    }
    return was_stderr;
}


void
log_write(const struct log *log, enum log_level level, int errnum,
          const char *fmt, ...)
{
    char        out[LOG_LINE_MAX];
    struct line l = { out, out + sizeof(out) - 1 };
    const char *text;
    int         saved = errno;
    va_list     args;
    bool        was_stderr = false;

    if (level != LEVEL_STDERR)
        put_head(&l, level);
    text = l.p;
    if (log->serial != 0) {
        put_z(&l, "*");
        put_number(&l, log->serial);
        put_z(&l, " ");
        text = l.p;
    }
    va_start(args, fmt);
    put_format(&l, fmt, args);
    va_end(args);
    if (errnum != 0)
        put_errno(&l, errnum);
    if (level != LEVEL_DEBUG)
        put_context(&l, log);
    *l.p++ = '\n';

    if (level != LEVEL_STDERR)
        was_stderr = write_targets(log, level, str_span(out, l.p));
    if (!was_stderr && log_to_stderr && level <= LEVEL_WARN)
        write_stderr(level, text, l.p);
    errno = saved;
}
