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
    listeners_t       inherited; /* of the process before (NGINX=)           */
    bool              is_inherited;
    bool              is_daemon; /* put into the background                  */
    pid_t             parent; /* at the start                               */
};

/* Reads the configuration; NULL: logged. */
struct generation *setup_read(const struct setup *s, const struct log *log);

/* Opens what the configuration names: pid file (unless old has the same), log
 * files, temporary folders, sockets (those of old are taken over).  False:
 * logged (to the error log of g, once its files are open), and nothing of old
 * has changed. */
bool setup_open(const struct setup *s, struct generation *g,
                struct generation *old, const struct log *log);

/* What old has and g does not: closes sockets, removes the pid file. */
void setup_release(struct generation *old, const struct generation *g,
                   const struct log *log);

/* The pid file of this process; false: logged. */
bool setup_write_pid(const struct generation *g, const struct log *log);
void setup_remove_pid(const struct generation *g, const struct log *log);
/* "PATH.oldbin", in a. */
str_t setup_old_pid(const struct generation *g, struct arena *a);

/* Standard error to the file of the error log, unless some error_log, inner
 * ones too, is written to it. */
void setup_redirect_stderr(const struct generation *g, const struct log *log);

/* Folders named by temporary paths; as the workers' user.  False: logged. */
bool folders_make(const struct generation *g, const struct log *log);

/* The environment of workers (own, NULL) and of a new binary (one variable
 * more): what env directives name, and TZ.  In a. */
char **environment_make(const struct generation *g, struct arena *a,
                        const char *own);
