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
    LEVEL_STDERR, /* what stands under a message: bare, if log_explains       */
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

/* The targets of one place in the configuration: what error_log lines there
 * add up to.  Part of a generation, immutable. */
struct log_targets {
    enum log_level      level; /* the most verbose of them                   */
    unsigned            n;
    struct log_target **at;
};

/* A line in the making. */
struct log_record;

/* One layer of context.  write adds its parts by the two below. */
struct log_frame {
    struct log_frame *up; /* printed before this one                         */
    void (*write)(const struct log_frame *, struct log_record *);
};

/* Adds a part: ", NAME: VALUE" where lines are text, a field where they are
 * JSON objects.  The other puts quotes around the value, as the text has
 * them. */
void log_part(struct log_record *l, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void log_part_quoted(struct log_record *l, const char *name, const char *fmt,
                     ...) __attribute__((format(printf, 3, 4)));

/* Whether lines are objects here: what only those have is asked for then. */
bool log_is_object(const struct log_record *l);

struct log {
    const struct log_targets *targets;
    uint64_t                  serial; /* of the connection, 0: none: "*3 "   */
    const char               *action; /* "reading client request line":
                                         printed as " while ACTION", or NULL */
    struct log_frame         *frames; /* the innermost                       */
    bool                      debug;  /* debug_connection: all levels        */
};

static inline bool
log_enabled(const struct log *log, enum log_level level)
{
    return level <= log->targets->level || log->debug;
}

/* errnum 0: none.  Evaluates nothing when the level is not logged. */
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

/* NULL, or who gets all lines in place of the targets (a dry run): the text
 * without date and context, and whether the targets' level takes it. */
extern void (*log_tap)(enum log_level level, str_t text, bool is_wanted);

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

/* Before a configuration is read: to stderr as "weir: [emerg] ...", and to
 * the file given by -e (or built in), when it could be opened. */
extern struct log log_start;
/* Adds that file (or, NULL, takes it away again). */
void log_start_file(struct log_file *file);

/* Until a server has come up (and under -t): lines of warn and above go to
 * stderr too, in the short form.  True at first. */
extern bool log_to_stderr;

/* Somebody reads standard error who wants more than nginx's lines, which tools
 * take apart: lines of LEVEL_STDERR are written, and what goes to log_aside.
 * False at first. */
extern bool log_explains;
/* For log_write: no targets take it, stderr alone (or the tap) does, as long as
 * log_to_stderr. */
extern const struct log log_aside;

/*
 * Files that are written to and can be reopened: error and access logs.  A
 * generation lists its files; reopening (USR1) goes through the list.
 */
struct log_file {
    str_t            path;   /* with a NUL behind it                         */
    int              fd;     /* -1 until opened                              */
    struct log_file *next;   /* of the generation                            */
    void  (*flush)(struct log_file *); /* before closing, or NULL            */
    void            *buffer; /* of whoever set flush                         */
};

#define LOG_OWNER_KEPT ((uid_t) -1)

/* Opens f->path for appending; false: logged. */
bool log_file_open(struct log_file *f, const struct log *log);
/* Flushes and opens each file of the list again; the old descriptor stays in
 * use where that fails (logged).  The master gives the files to owner, the
 * workers' user; LOG_OWNER_KEPT: to nobody. */
void log_files_reopen(struct log_file *first, uid_t owner,
                      const struct log *log);
void log_files_flush(struct log_file *first);

/* The names of levels, "emerg" ...; NULL for an unknown name is -1. */
const char *log_level_name(enum log_level level);
int         log_level_parse(str_t name);

/* Targets, made while a configuration is built.  spec is the first argument
 * of error_log: a path (already absolute), "stderr", "syslog:server=..." or
 * "memory:64k".  Returns NULL with *error set (text in a). */
struct log_target *log_target_new(struct arena *a, str_t spec,
                                  struct log_file *file, enum log_level level,
                                  const char **error);
enum log_level     log_target_level(const struct log_target *t);
/* From now on it is given JSON objects. */
void               log_target_set_json(struct log_target *t);

/* Syslog (RFC 3164 over UDP or a unix socket), also for access logs:
 * "server=addr[:port],facility=,severity=,tag=,nohostname". */
struct syslog_target;
/* Of the generation whose arena a is, which also closes the socket. */
struct syslog_target *syslog_open(struct arena *a, str_t parameters,
                                  const char **error);
/* Severity 0 to 7, or -1 for the configured one; text without a newline.
 * False: it was lost; what failed is told to the targets of log. */
bool syslog_send(struct syslog_target *s, int severity, str_t text,
                 const struct log *log);

/* Names the program in messages and titles: argv[0] without folders. */
extern const char *log_program;
