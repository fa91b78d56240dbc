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

/* False: an error was printed. */
bool options_parse(struct options *o, char **argv);

/* Whether to print more than nginx does: carets, hints and further errors, and
 * the findings of lint with -t.  True on a terminal, or if it was asked for:
 * tools take the last word of a level that they find for the outcome. */
bool options_want_hints(const struct options *o);

/* Removes -c, -p, -g and -e with their values from the list, for a subcommand.
 * False: an error was printed. */
bool options_extract(struct options *o, char **argv);

/* Prints the output of -v, -V and -h, as requested. */
void options_print(const struct options *o);

/* The paths of the configuration; texts in a. */
void options_paths(const struct options *o, struct arena *a,
                   struct conf_paths *out);

/* "nginx/1.31.5" or "weir/0.1.0", depending on the name by which the program
 * was called. */
const char *options_identity(void);

/* The subcommand of that name, or NULL. */
const struct command *command_find(const char *name);
/* Prints one line for each subcommand, for the help. */
void commands_print(void);
/* Runs it with the arguments after its name; returns the exit code. */
int command_run(struct setup *s, const struct command *c, char **argv);

/* -t and -T: reads the configuration, opens what it names, and prints the
 * result; returns the exit code. */
int configuration_test(const struct setup *s);

/* --directives: prints every row, as auto/check/directives reads them. */
void directives_print(void);
