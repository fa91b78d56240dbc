/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line.
 */
#pragma once

#include "core/conf/generation.h"

struct command;
struct setup;

struct options {
    bool        help, version, configure; /* -h, -v, -V                      */
    bool        test, dump, quiet;        /* -t, -T, -q                      */
    bool        directives;               /* --directives                    */
    bool        lint, no_lint, json;      /* of -t: --lint, --no-lint, --json */
    const char *prefix, *conf_file, *error_log, *globals; /* NULL: not given */
    const char *signal; /* stop, quit, reopen, reload      */
};

/* False: what is wrong was printed. */
bool options_parse(struct options *o, char **argv);

/* Whether what nginx does not print may be: carets, hints and further errors,
 * and for -t lint.  On a terminal, or because it was asked for: tools take the
 * last word of a level that they find for the outcome. */
bool options_want_hints(const struct options *o);

/* Takes -c, -p, -g and -e with their values out of the list, for a
 * subcommand.  False: what is wrong was printed. */
bool options_extract(struct options *o, char **argv);

/* -v, -V and -h, as they were asked for. */
void options_print(const struct options *o);

/* Where things are; texts in a. */
void options_paths(const struct options *o, struct arena *a,
                   struct conf_paths *out);

/* "nginx/1.31.5" or "weir/0.1.0", by the name that the program was given. */
const char *options_identity(void);

/* The subcommand of that name, or NULL. */
const struct command *command_find(const char *name);
/* One line each, for the help. */
void commands_print(void);
/* Runs it with what follows its name; the exit code. */
int command_run(struct setup *s, const struct command *c, char **argv);

/* -t and -T: reads the configuration, opens what it names, and says what was
 * found; the exit code. */
int configuration_test(const struct setup *s);

/* --directives: every row, as auto/check/directives reads them. */
void directives_print(void);
