/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The error log's targets.  A line is formatted once for each form in use, on
 * the stack, and written with one write() to each target that accepts its
 * level, so that lines of several processes do not mix.  Errors are not
 * reported: a line that cannot be written is dropped.
 */
#include "core/log/log.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/log/record.h"
#include "core/log/target.h"

enum { STDERR = 2 };

const char *log_program = "weir";
bool        log_to_stderr = true;
bool        log_explains;
void (*log_tap)(enum log_level level, str_t text, bool is_wanted);
void (*log_ear)(enum log_level level, str_t text);

static struct log_target  start_file = { .level = LEVEL_NOTICE };
static struct log_target *start_at[1] = { &start_file };
static struct log_targets start_targets = { .level = LEVEL_NOTICE };

static const struct log_targets no_targets = { .level = LEVEL_STDERR };

struct log       log_start = { .targets = &start_targets };
const struct log log_aside = { .targets = &no_targets };

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


/* text is the complete line with its newline. */
static void
write_target(const struct log *log, struct log_target *t, enum log_level level,
             str_t text)
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
        (void) syslog_send(t->syslog, (int) level - LEVEL_EMERG, text, log);
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


/* The form for the terminal: without date and process. */
static void
write_stderr(enum log_level level, str_t text)
{
    char out[LOG_LINE_MAX + 64];
    int  n = 0;

    if (level != LEVEL_STDERR)
        n = snprintf(out, 64, "%s: [%s] ", log_program, names[level]);
    memcpy(out + n, text.p, text.n);
    write_fd(STDERR, out, (size_t) n + text.n);
}


static bool
takes(const struct log *log, const struct log_target *t, enum log_level level,
      bool is_json)
{
    return t->is_json == is_json && level != LEVEL_STDERR
           && (level <= t->level || log->debug);
}


static bool
is_wanted(const struct log *log, enum log_level level, bool is_json)
{
    for (unsigned i = 0; i < log->targets->n; i++)
        if (takes(log, log->targets->at[i], level, is_json))
            return true;
    return false;
}


/* Writes the line to all targets that want it in its form; true if stderr was
 * among them. */
static bool
write_targets(const struct log *log, enum log_level level, bool is_json,
              str_t line)
{
    bool was_stderr = false;

    for (unsigned i = 0; i < log->targets->n; i++) {
        struct log_target *t = log->targets->at[i];

        if (!takes(log, t, level, is_json))
            continue;
        write_target(log, t, level, line);
        was_stderr |= is_stderr(t);
    }
    return was_stderr;
}


static bool write_json(const struct log *log, enum log_level level, int errnum,
                       const char *fmt, va_list args)
    __attribute__((noinline, format(printf, 4, 0)));


/* A function of its own, so that other calls do not need its large stack
 * frame. */
static bool
write_json(const struct log *log, enum log_level level, int errnum,
           const char *fmt, va_list args)
{
    char out[LOG_JSON_MAX];

    return write_targets(log, level, true,
                         record_json(out, log, level, errnum, fmt, args));
}


static void tell_tap(const struct log *log, enum log_level level, int errnum,
                     const char *fmt, va_list args)
    __attribute__((noinline, format(printf, 4, 0)));


static void
tell_tap(const struct log *log, enum log_level level, int errnum,
         const char *fmt, va_list args)
{
    char              out[LOG_LINE_MAX];
    struct log        bare = { .targets = log->targets };
    struct log_record l;
    str_t             line;

    line = record_text(&l, out, &bare, level, errnum, fmt, args);
    log_tap(level, str_span(l.text, line.p + line.n - 1),
            level <= log->targets->level);
}


void
log_write(const struct log *log, enum log_level level, int errnum,
          const char *fmt, ...)
{
    char              out[LOG_LINE_MAX];
    struct log_record l;
    str_t             line;
    int               saved = errno;
    va_list           args;
    bool              was_stderr = false;
    bool              is_told = log_to_stderr && level <= LEVEL_WARN;
    bool              is_heard = log_ear != NULL && level <= LEVEL_WARN;

    if (level == LEVEL_STDERR && !log_explains)
        return;
    if (log_tap != NULL) {
        va_start(args, fmt);
        tell_tap(log, level, errnum, fmt, args);
        va_end(args);
        errno = saved;
        return;
    }
    if (is_wanted(log, level, true)) {
        va_start(args, fmt);
        was_stderr = write_json(log, level, errnum, fmt, args);
        va_end(args);
    }
    if (is_told || is_heard || is_wanted(log, level, false)) {
        va_start(args, fmt);
        line = record_text(&l, out, log, level, errnum, fmt, args);
        va_end(args);
        if (is_heard)
            log_ear(level, str_span(l.text, line.p + line.n - 1));
        was_stderr |= write_targets(log, level, false, line);
        if (is_told && !was_stderr)
            write_stderr(level, str_span(l.text, line.p + line.n));
    }
    errno = saved;
}
