/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a module is: tables of directives and variables, and hooks.  Modules
 * are data; nothing registers itself by running code.  auto/modules names the
 * modules of a build, and build/modules.c is made from it.
 */
#pragma once

#include <sys/types.h>

#include "core/base/step.h"
#include "core/base/str.h"
#include "core/conf/phase.h"

struct conf;
struct conf_paths;
struct conf_type;
struct counter_row;
struct generation;
struct http_coding;
struct http_filter;
struct json_text;
struct lint_rule;
struct log;
struct task;
struct variable;
struct worker;

/* The blocks in which a directive is allowed, and how its value is
 * inherited. */
enum where {
    IN_MAIN = 1 << 0,
    IN_EVENTS = 1 << 1,
    IN_HTTP = 1 << 2,
    IN_SERVER = 1 << 3,
    IN_LOCATION = 1 << 4,
    IN_SERVER_IF = 1 << 5,
    IN_IF = 1 << 6, /* in a location */
    IN_LIMIT_EXCEPT = 1 << 7,
    IN_UPSTREAM = 1 << 8,
    IN_STREAM = 1 << 9,
    IN_STREAM_SERVER = 1 << 10,
    IN_STREAM_UPSTREAM = 1 << 11,
    IN_MAIL = 1 << 12,
    IN_MAIL_SERVER = 1 << 13,
    IN_ANY = (1 << 14) - 1,
    IN_WEB = IN_HTTP | IN_SERVER | IN_LOCATION,
    IN_REWRITE = IN_SERVER | IN_LOCATION | IN_SERVER_IF | IN_IF,

    ROW_OWN = 1 << 20,      /* no inner block inherits the value             */
    ROW_NAMELESS = 1 << 21, /* only if and limit_except inherit it           */
    ROW_MANY = 1 << 22,     /* may be given several times in a block         */
    ROW_LIMIT = 1 << 24,    /* says what a request may do: for explanations  */
    ROW_LISTED = 1 << 23,   /* not a directive: listed for its preset only   */
    ROW_ONCE = 1 << 25,     /* with ROW_MANY: the type itself refuses it     */
    ROW_OFF_ALONE = 1 << 26, /* with ROW_MANY: "off" stands beside no other  */
};

/* The name of each kind of block in documentation and hints, ended by NULL. */
struct block_kind {
    unsigned    bit; /* one of enum where                                    */
    const char *name;
};
extern const struct block_kind block_kinds[];

/* Counts of arguments, without the name. */
enum args {
    ARGS_0 = 1 << 0,
    ARGS_1 = 1 << 1,
    ARGS_2 = 1 << 2,
    ARGS_3 = 1 << 3,
    ARGS_4 = 1 << 4,
    ARGS_5 = 1 << 5,
    ARGS_6 = 1 << 6,
    ARGS_7 = 1 << 7,
    ARGS_1_OR_MORE = 1 << 8,
    ARGS_2_OR_MORE = 1 << 9,
    ARGS_ANY = 1 << 10,
    ARGS_FLAG = 1 << 11, /* one, which says on or off                        */
    ARGS_BLOCK = 1 << 12, /* a { block } follows                             */
    ARGS_DATA = 1 << 13, /* the block holds data lines, not directives: with
                            ARGS_BLOCK                                       */
};

struct directive {
    const char             *name;
    unsigned                where;  /* enum where                            */
    unsigned                args;   /* enum args                             */
    const struct conf_type *type;   /* parses, prints and inherits           */
    size_t                  offset; /* of the field in the module's conf     */
    const char             *preset; /* default, as it would stand in a file;
                                       NULL: zeroed memory is the default    */
    const void             *detail; /* what the type asks for                */
    const char             *syntax; /* of the arguments, as documentation has
                                       it; NULL or "": what the type says    */
    const char             *says;   /* what it does, in a sentence or two    */
};

/* Rows that are used by several modules, or several times by one: with a
 * prefix, for a part of the module's conf, and in blocks of its choice.  The
 * row "_read_timeout" is the directive "proxy_read_timeout" for the prefix
 * "proxy"; PREFIX_read_timeout in the text of a row becomes the same. */
struct template {
    const struct directive *rows;  /* ends with a NULL name; where has only
                                      flags, offset is within the part       */
    const char             *prefix;
    size_t                  base;  /* offset of the part in the module's conf */
    unsigned                where; /* enum where: the blocks                 */
};

/* A subcommand: "weir NAME ARGUMENT ..." instead of a server. */
struct command {
    const char *name;
    const char *usage; /* the arguments, for the help                        */
    const char *says;
    const char *options; /* what each does, a line each; or NULL             */
    const char *passes;  /* a first argument that is the name of another
                            command, which gets the rest; or NULL            */
    /* argv[0] is the first argument; -c, -p, -g and -e are not among them but
     * in paths.  The exit code; messages go to standard error. */
    int (*run)(struct conf_paths *paths, char **argv);
    /* Or: runs in a worker that does not listen, whose configuration was read
     * without resolving names (struct worker: loop, gen). */
    int (*dry)(struct worker *w, char **argv);
    bool is_online; /* ... but with names, as for a worker                   */
};

/* A process of its own beside the workers, with their user, which the master
 * starts for a generation and ends with it. */
struct helper_run {
    struct generation *gen;
    const struct log  *log;
    /* Sleeps for so many milliseconds.  False: the process has to end. */
    bool (*wait)(uint64_t ms);
};
struct helper {
    const char *title; /* "cache manager process"                            */
    bool (*is_wanted)(const struct generation *);
    void (*run)(const struct helper_run *); /* returns: it has nothing to do  */
};

/* FIELD does not compile where the field's type is not T. */
#define FIELD(S, m, T)                                                         \
    (offsetof(S, m) + 0 * sizeof((T *) 0 == &((S *) 0)->m))

struct module {
    const char             *name;   /* as in --with-http_NAME_module         */
    unsigned                serves; /* FOR_HTTP | FOR_STREAM; 0: the process */
    const struct directive *directives; /* ends with a NULL name             */
    const struct variable  *variables;  /* ends with a NULL name             */
    const struct template  *templates;  /* ends with NULL rows               */
    const struct counter_row *counters; /* ends with a NULL name; or NULL    */
    size_t                  conf_size;  /* one per block that sets a field   */
    size_t                  main_size;  /* one per generation, zeroed        */
    size_t                  state_size; /* one per task that asks, zeroed    */
    bool                    keeps_state; /* through internal redirects, too  */

    /* Each distinct conf once, outer blocks first, after inheritance: check
     * and derive.  NULL or a message (conf_error). */
    const char *(*ready)(struct conf *, void *conf);
    /* Once, when all confs are ready; main is NULL without main_size. */
    const char *(*main_ready)(struct conf *, void *main);
    /* After that of every module: nothing is added any more.  Reports errors by
     * itself; also called after errors, to find more of them. */
    void (*settle)(struct conf *);

    /* Not called where the configuration has no directive of the module, unless
     * the module has none to be given, or acts_unset. */
    enum step (*phase[PHASE_COUNT])(struct task *);
    const struct http_filter *filter;
    bool                 acts_unset;
    const struct module *part_of; /* ... whose directives count for that one,
                                     too; or NULL                            */
    const struct http_coding *coding; /* a content coding; or NULL         */

    const struct command *command; /* or NULL                                */
    const struct helper *helpers;   /* ends with a NULL title; or NULL        */
    const struct lint_rule *lint;  /* ends with a NULL name; or NULL         */

    /* What a process that serves needs, whatever it serves.  process_start:
     * false, logged, ends it. */
    bool (*process_start)(struct worker *);
    void (*process_stop)(struct worker *);
    /* A generation begins to be served in this process, which may be serving
     * another one at the time; its loop runs.  False: logged, and the process
     * stays with what it has.  What is set up here goes with the generation's
     * arena (arena_defer), which ends under a running loop, too. */
    bool (*adopt)(struct worker *, struct generation *);
    /* A question through the control socket (core/proc/control.h), in some
     * process that serves: what is its "do", as JSON, in the line.  True: it is
     * this module's, and its answer was written, as one value. */
    bool (*answer)(struct worker *, str_t what, str_t line, struct json_text *);

    /* Filled in by modules_init: */
    unsigned                slot;
    unsigned                state_slot; /* among those with a state_size     */
    unsigned                first_counter;
    const struct directive *rows; /* the directives, then those of templates;
                                     ends with a NULL name                   */
};

/* The confs in effect in some place, by slot: an array of pages.  A block
 * shares the pages in which it sets nothing with the outer block. */
enum { CONF_PAGE = 8 };
struct conf_page {
    void *at[CONF_PAGE];
};
static inline void *
confs_get(struct conf_page *const *confs, const struct module *m)
{
    return confs[m->slot / CONF_PAGE]->at[m->slot % CONF_PAGE];
}

/* Whether a configuration calls the module's handlers and its filter, when all
 * of it has been read. */
bool module_is_called(const struct generation *g, const struct module *m);

/* The conf of a module where a task is now: const, and never NULL for modules
 * with conf_size. */
#define conf_of(task, module) ((const void *) confs_get((task)->conf, module))

/* All modules of the build, ended by NULL (build/modules.c). */
extern struct module *const weir_modules[];

/* How many there are; numbers their slots and lists their rows, at the first
 * call. */
unsigned modules_init(void);
unsigned modules_count(void);
/* How many have a state_size. */
unsigned modules_states(void);
