/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The error log: levels, targets, and the context that says what was being
 * done.  Lines have nginx's form, which people and tools grep for:
 *
 *   2026/11/22 03:57:16 [error] 7#7: *3 TEXT (2: No such file or directory)
 *   while ..., client: ..., server: ..., request: "...", host: "..."
 *
 * A struct log is cheap and copied by value into connections: it points at
 * the targets of the configuration in force and at a list of frames, which
 * their owners push and pop and which print the part behind the text.
 * printf-style everywhere; a line is cut at LOG_LINE_MAX bytes.  A target may
 * ask for JSON: the same as one object a line, {"time": ..., "level": "error",
 * "pid": 7, "tid": 7, "connection": 3, "message": TEXT, "errno": 2, "error":
 * "No such ...", "action": ..., "client": ..., "server": ..., ...}.
 */
#pragma once

#include <stdarg.h>
#include <sys/types.h>

#include "core/base/arena.h"

enum { LOG_LINE_MAX = 2048 };

enum log_level {
    LEVEL_STDERR, /* printed below a message, without a prefix, if
                     log_explains                                             */
    LEVEL_EMERG,
    LEVEL_ALERT,
    LEVEL_CRIT,
    LEVEL_ERROR,
    LEVEL_WARN,
    LEVEL_NOTICE,
    LEVEL_INFO,
    LEVEL_DEBUG,
};

struct log_file;
struct log_target; /* a file, stderr, syslog or memory ring, with its level  */

/* The targets at one place in the configuration: the error_log lines that are
 * in effect there.  Part of a generation, immutable. */
struct log_targets {
    enum log_level      level; /* the most verbose of them                   */
    unsigned            n;
    struct log_target **at;
};

/* A line that is being formatted. */
struct log_record;

/* One layer of context.  write adds its parts with the two functions below. */
struct log_frame {
    struct log_frame *up; /* printed before this one                         */
    void (*write)(const struct log_frame *, struct log_record *);
};

/* Adds a part: ", NAME: VALUE" in a text line, a field in a JSON object.
 * log_part_quoted puts quotes around the value in text lines. */
void log_part(struct log_record *l, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void log_part_quoted(struct log_record *l, const char *name, const char *fmt,
                     ...) __attribute__((format(printf, 3, 4)));

/* Adds " (TEXT)" to a text line, where it comes last, or the field NAME to an
 * object: what is worth knowing beside nginx's line. */
void log_hint(struct log_record *l, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Whether lines are JSON objects here, which have some parts that text lines
 * lack. */
bool log_is_object(const struct log_record *l);

struct log {
    const struct log_targets *targets;
    uint64_t                  serial : 63; /* of the connection: "*3 "; 0: none */
    uint64_t                  debug : 1; /* debug_connection applies: log all
                                         levels                              */
    const char               *action; /* "reading client request line":
                                         printed as " while ACTION", or NULL */
    struct log_frame         *frames; /* the innermost one                   */
};

static inline bool
log_enabled(const struct log *log, enum log_level level)
{
    return level <= log->targets->level || log->debug;
}

/* errnum 0: none.  The arguments are not evaluated if the level is not
 * logged. */
#define log_at(log, level, errnum, ...)                                        \
    do {                                                                       \
        if (log_enabled(log, level))                                           \
            log_write(log, level, errnum, __VA_ARGS__);                        \
    } while (0)

#define log_error(log, ...) log_at(log, LEVEL_ERROR, 0, __VA_ARGS__)
#define log_errno(log, errnum, ...)                                            \
    log_at(log, LEVEL_ERROR, errnum, __VA_ARGS__)
#define log_warn(log, ...) log_at(log, LEVEL_WARN, 0, __VA_ARGS__)
#define log_info(log, ...) log_at(log, LEVEL_INFO, 0, __VA_ARGS__)

#ifdef WEIR_DEBUG
#define log_debug(log, ...) log_at(log, LEVEL_DEBUG, 0, __VA_ARGS__)
#else
#define log_debug(log, ...) ((void) sizeof(log))
#endif

/* If set, it gets all lines instead of the targets (in a dry run): the text
 * without date and context, and whether the targets' level includes it. */
extern void (*log_tap)(enum log_level level, str_t text, bool is_wanted);

/* If set, it also gets each line that is written, of warn and above or of
 * LEVEL_STDERR, as standard error would at the start: without date, process
 * and newline. */
extern void (*log_ear)(enum log_level level, str_t text);

void log_write(const struct log *log, enum log_level level, int errnum,
               const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static inline void
log_push(struct log *log, struct log_frame *f)
{
    f->up = log->frames;
    log->frames = f;
}

static inline void
log_pop(struct log *log)
{
    log->frames = log->frames->up;
}

/* Used before a configuration is read: logs to stderr as "weir: [emerg] ...",
 * and to the file given by -e (or built in), if it could be opened. */
extern struct log log_start;
/* Adds that file, or removes it again (NULL). */
void log_start_file(struct log_file *file);

/* Until the server is up (and under -t): lines of warn and above also go to
 * stderr, in the short form.  Initially true. */
extern bool log_to_stderr;

/* Standard error is read by a person, who may get more than nginx's lines,
 * which tools parse: lines of LEVEL_STDERR are written, and lines to
 * log_aside.  Initially false. */
extern bool log_explains;
/* For log_write: has no targets, only stderr (or the tap), as long as
 * log_to_stderr. */
extern const struct log log_aside;

/*
 * Files that can be reopened: error and access logs.  A generation lists its
 * files; their descriptors belong to the process, one for each path, so that
 * all generations write to the same file, and reopening (USR1, a reload)
 * replaces it for all of them, behind the same number.
 */
struct log_file {
    str_t            path;   /* followed by a NUL; empty: standard error     */
    int              fd;     /* -1 until opened                              */
    bool             is_secret; /* nobody but its owner may read it          */
    struct log_file *next;   /* next of the generation                       */
    void  (*flush)(struct log_file *); /* called before closing, or NULL     */
    void            *buffer; /* for the owner of flush                       */
};

#define LOG_OWNER_KEPT ((uid_t) -1)

/* Opens f->path for appending; where the process has it open, it continues
 * with the file that is there now.  False: logged, nothing has changed. */
bool log_file_open(struct log_file *f, const struct log *log);
/* The same with a descriptor that another process has opened at f->path, which
 * is taken over. */
void log_file_adopt(struct log_file *f, int fd);
/* The descriptor of the process for that path; -1: it has none. */
int log_file_find(str_t path);
/* Flushes; closes the descriptor if no other log_file needs it. */
void log_file_close(struct log_file *f);
/* Reopens all that the process has open; where that fails (logged), the old
 * file stays in use.  The master changes the owner of the files to owner, the
 * workers' user; LOG_OWNER_KEPT: it does not. */
void log_files_reopen(uid_t owner, const struct log *log);
void log_files_flush(struct log_file *first);

/* The names of levels, "emerg" ...; NULL for an unknown name is -1. */
const char *log_level_name(enum log_level level);
int         log_level_parse(str_t name);

/* Creates a target while a configuration is read.  spec is the first argument
 * of error_log: a path (already absolute), "stderr", "syslog:server=..." or
 * "memory:64k".  Returns NULL with *error set (text in a). */
struct log_target *log_target_new(struct arena *a, str_t spec,
                                  struct log_file *file, enum log_level level,
                                  const char **error);
enum log_level     log_target_level(const struct log_target *t);
/* Makes it write JSON objects. */
void               log_target_set_json(struct log_target *t);

/* Syslog (RFC 3164 over UDP or a unix socket), also for access logs:
 * "server=addr[:port],facility=,severity=,tag=,nohostname". */
struct syslog_target;
/* Belongs to the generation whose arena is a, which also closes the socket. */
struct syslog_target *syslog_open(struct arena *a, str_t parameters,
                                  const char **error);
/* Severity 0 to 7, or -1 for the configured one; text without a newline.
 * False: the line was lost; the error goes to the targets of log. */
bool syslog_send(struct syslog_target *s, int severity, str_t text,
                 const struct log *log);

/* The name of the program in messages and titles: argv[0] without folders. */
extern const char *log_program;
