/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Building a generation from configuration text: the state that directive
 * types, block openers and ready() work with.  It has all that a directive
 * needs to know (arguments, place, enclosing block); the engine adds file and
 * line to messages.
 */
#pragma once

#include "core/base/vec.h"
#include "core/conf/generation.h"
#include "core/conf/module.h"
#include "core/event/task.h"
#include "core/event/trace.h"

struct conf {
    struct generation      *gen;
    struct arena           *arena; /* gen's                                  */
    struct conf_block      *block; /* where the directive stands             */
    const struct directive *row;
    const str_t            *args;  /* args[0] is the name; each ends with a
                                      NUL that does not count; they live as
                                      long as gen                            */
    unsigned                n_args; /* with the name                         */
    const char             *file;  /* NULL: the command line                 */
    unsigned                line;
    enum serves_kind { CONF_MAIN, CONF_HTTP, CONF_STREAM, CONF_MAIL } kind;
    struct conf_reader     *reader; /* the engine's own                      */
    unsigned                errors; /* reported so far                       */
};

/* One block of the configuration while, and after, it is built. */
struct conf_block {
    unsigned           kind; /* one bit of enum where                        */
    unsigned           errors; /* errors reported before it                  */
    struct conf_block *up, *next, *first, *last;
    struct conf_page **conf; /* While reading, NULL where nothing is set (see
                                conf_find); after conf_resolve the values in
                                effect.  May be shared with the outer block */
    void              *owner; /* http_location, upstream_group ...           */
    void              *server; /* that it stands in, or NULL                 */
    const char        *file;
    unsigned           line, end_line;
    struct setting    *settings; /* settings in it, the last one first       */
    struct setting    *opening;  /* what opened it; NULL: the main block     */
};

/* One use of a directive: for messages, lint and explanations. */
struct setting {
    struct setting         *next;
    const struct directive *row;
    const char             *file;
    unsigned                line;
    unsigned                n_args; /* with the name                         */
    const str_t            *args;
    const str_t            *shown; /* as written, where ${env:} stands in them,
                                      whose values are kept from outputs; or
                                      NULL                                   */
};

/* The setting of a directive that is in effect in a block: its last one there,
 * or that of the nearest outer block from which it is inherited; NULL: the
 * default is.  A directive that may be repeated is inherited with all its
 * settings: setting_before finds the others.  *at, unless NULL, becomes the
 * block that has the setting. */
const struct setting *setting_in_force(const struct conf_block *b,
                                       const char *name,
                                       const struct conf_block **at);
/* The previous setting of that name in the block of s, or NULL. */
const struct setting *setting_before(const struct setting *s);
/* The last setting of that name in b itself, or NULL. */
const struct setting *setting_named(const struct conf_block *b,
                                    const char *name);
/* Reports to a dry run that s gives the variable that value. */
void trace_value(struct task *t, const struct setting *s, str_t name,
                 str_t value);
/* Reports a setting to a dry run; why may be NULL. */
void trace_setting(struct task *t, unsigned kind, const char *verdict,
                   const struct setting *s, const char *why);
/* "name value value;" as in a file, quoted where necessary. */
str_t setting_text(struct arena *a, const struct setting *s);
/* A copy of a text as it may be shown: of a private key in PEM, what is between
 * its first line and its last one is left out. */
str_t setting_without_keys(struct arena *a, str_t text);

/*
 * How the value of a directive is parsed, inherited, compared and printed.  A
 * module's own type only needs parse.
 */
struct conf_type {
    const char *name;
    size_t      size; /* of the field: what inheriting copies; 0: nothing    */
    /* Reads cf->args into field.  NULL or a message. */
    const char *(*parse)(struct conf *cf, void *field);
    /* Inherits instead of copying size bytes, or NULL.  Called for each field
     * that the block did not set, in a conf that the block has. */
    void (*inherit)(struct conf *cf, void *field, const void *outer);
    const char *syntax; /* of the arguments, where rows state none; NULL: words
                           of the row's detail                               */
    const char *unset;  /* where a row has no preset: the meaning of an unset
                           value, for documentation */
};

/* Opens a block: detail of rows with type conf_opener. */
struct conf_opener {
    unsigned inside; /* the kind of the new block, one bit of enum where     */
    /* Called before the first directive: sets up b->owner from cf->args; NULL
     * or a message.  Both may be NULL. */
    const char *(*open)(struct conf *cf, struct conf_block *b);
    /* At the closing brace. */
    const char *(*close)(struct conf *cf, struct conf_block *b);
    bool once; /* a second one is a duplicate (http, events, stream)         */
};

/* "include", the only directive without a module. */
extern const struct directive conf_include_row;

/* Reads the lines of a block of data (types, map, geo): detail of rows with
 * type conf_data; cf->args is the opening line in open and close, and each
 * line in line. */
struct conf_lines {
    const char *(*open)(struct conf *cf, void *field, void **state);
    const char *(*line)(struct conf *cf, void *state);
    const char *(*close)(struct conf *cf, void *state);
};

/* "include file;" among the lines of a data block: for line callbacks of types
 * that know it. */
const char *conf_include_lines(struct conf *cf, const struct conf_lines *lines,
                               void *state);

/* A message about the current directive: return it at once. */
const char *conf_error(struct conf *cf, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The same, followed by "(errno: text)" as in nginx. */
const char *conf_errno(struct conf *cf, int errnum, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Prints a warning now; parsing goes on.  bare: without file and line. */
void conf_warn(struct conf *cf, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void conf_warn_at(struct conf *cf, const char *file, unsigned line,
                  const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void conf_warn_bare(struct conf *cf, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* An error that nginx prints without a place ("unknown "x" variable"); weir
 * adds file and line on a line of its own.  Counted in cf->errors. */
void conf_error_bare(struct conf *cf, const char *file, unsigned line,
                     const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* An error found after the directive was read, with its place. */
void conf_error_at(struct conf *cf, const char *file, unsigned line,
                   const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* An argument is not in a list of words, which ends with NULL: "did you mean"
 * is printed below the next error if one is similar. */
void conf_suggest(struct conf *cf, str_t given, const char *const *words);

/* NULL, or who is told, behind the line of a message, the column that it is
 * about, from 1. */
extern void (*conf_tap)(unsigned column);

/* The line as it stands in a file that was read, without blanks before it. */
str_t conf_source_line(const struct conf *cf, const char *file, unsigned line);

/* What to write where that line means a variable of the environment, or
 * NULL. */
const char *conf_hint_environment(struct conf *cf, str_t line, str_t name);

/* A line of its own under the next error. */
void conf_hint(struct conf *cf, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The conf of a module in the current block, created if necessary: for openers
 * and types that set fields of other modules. */
void *conf_touch(struct conf *cf, const struct module *m);
/* The same while reading, or NULL where the block has set nothing of it. */
void *conf_find(const struct conf_block *b, const struct module *m);

/* Whether a statement that failed has "$name" among its arguments: then an
 * unknown variable may have been defined there. */
bool conf_is_unsure(const struct conf *cf, str_t name);

/* A new block inside the current one, opened by the last noted setting. */
struct conf_block *conf_block_new(struct conf *cf, unsigned kind);

/* Absolute paths: relative to the folder of the main configuration file, or to
 * the prefix (-p). */
str_t conf_path_conf(struct conf *cf, str_t path);
str_t conf_path_prefix(struct conf *cf, str_t path);

/* Data kept across the two ways of a directive with several arguments:
 * "name=value" parameters.  True where arg is name=..., *value then being
 * what follows. */
bool conf_param(str_t arg, const char *name, str_t *value);

/* The object that a module has once per generation (main_size). */
void *conf_main(struct conf *cf, const struct module *m);
