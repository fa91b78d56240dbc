/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the command line to a generation whose files and sockets are open, for
 * the start, for tests and for reloads.
 */
#pragma once

#include "core/proc/options.h"
#include "core/proc/settings.h"

struct setup {
    struct arena     *arena; /* of the process                             */
    struct options    options;
    struct conf_paths paths;
    char            **argv;
    str_t             command; /* argv joined, for the title                 */
    str_t             program; /* path of the binary, for upgrades           */
    listeners_t       inherited; /* from the previous process (NGINX=)       */
    bool              is_inherited;
    bool              is_daemon; /* put into the background                  */
    pid_t             parent; /* at the start                               */
    uint64_t          number; /* of the last generation that was opened: one
                                 that is given up leaves its own unused      */
};

/* Reads the configuration; NULL: an error was logged. */
struct generation *setup_read(const struct setup *s, const struct log *log);

/* The same, in an image that workers can take over, where there is one. */
struct generation *setup_read_image(const struct setup *s,
                                    const struct log   *log);

/* What g asks for that a worker which runs under old cannot change in itself:
 * the name of a directive, or NULL. */
const char *setup_difference(const struct generation *g,
                             const struct generation *old);

/* Opens what the configuration names: pid file (unless it is that of old), log
 * files, temporary folders, zones and sockets (those of old are taken over).
 * False:
 * logged (to the error log of g, once its files are open), and nothing of old
 * has changed. */
bool setup_open(const struct setup *s, struct generation *g,
                struct generation *old, const struct log *log);

/* Closes sockets and removes the pid file, if old has them and g does not. */
void setup_release(struct generation *old, const struct generation *g,
                   const struct log *log);

/* Writes the pid file of this process; false: logged. */
bool setup_write_pid(const struct generation *g, const struct log *log);
void setup_remove_pid(const struct generation *g, const struct log *log);
/* "PATH.oldbin", in a. */
str_t setup_old_pid(const struct generation *g, struct arena *a);

/* Redirects standard error to the file of the error log, unless some
 * error_log, also in an inner block, goes to stderr. */
void setup_redirect_stderr(const struct generation *g, const struct log *log);

/* Makes the folders of all temporary paths, owned by the workers' user.
 * False: logged. */
bool folders_make(const struct generation *g, const struct log *log);

/* The environment of workers (own is NULL) or of a new binary (with own, a list
 * of further variables that NULL ends): TZ, and the variables of env
 * directives.  In a. */
char **environment_make(const struct generation *g, struct arena *a,
                        const char *const *own);
