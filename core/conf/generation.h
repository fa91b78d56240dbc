/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A generation: one configuration, read, checked and immutable.  Everything
 * belongs to it and its arena; building one changes no globals.  Connections
 * and requests hold a reference to the one that they run under, and the last
 * put frees it whole.
 */
#pragma once

#include <time.h>

#include "core/base/arena.h"
#include "core/base/hash.h"
#include "core/base/list.h"
#include "core/log/log.h"
#include "core/net/listen.h"

struct conf_block;
struct conf_dump;
struct image;
struct lint_ignore;
struct lint_include;
struct vars;
struct zone_conf;

/* Where things are, from the command line and the build. */
struct conf_paths {
    str_t prefix;      /* -p or built in, ends with "/"                      */
    str_t conf_file;   /* -c or built in, absolute                           */
    str_t conf_prefix; /* folder of conf_file, ends with "/"                 */
    str_t error_log;   /* -e or built in, absolute, or "stderr"              */
    str_t globals;     /* -g, or empty                                       */
    bool  keeps_text;  /* of the files, for generation_print (-T)            */
    bool  lints;       /* comments are kept, for lint                        */
    bool  has_conf_file; /* conf_file was given, by -c                       */
    bool  keeps_broken; /* one with errors is returned, too, its values not
                           resolved: for who wants some fact of it           */
};

/* A value that ${env:NAME} had. */
struct env_value {
    struct env_value *next;
    str_t             name, value;
};

/* A descriptor that the generation needs, besides log files and listeners. */
struct generation_fd {
    struct generation_fd *next;
    int                   fd; /* in this process                             */
};

struct generation {
    struct arena         *arena;
    struct image         *image;    /* that it lies in, or NULL              */
    unsigned              refs;
    struct list           alive;    /* in the process that serves it         */
    uint64_t              number;   /* counts generations, from 1            */
    time_t                since;    /* when it was taken over                */
    unsigned              requests, connections; /* that hold it here        */
    struct conf_paths     paths;
    struct conf_block    *root;     /* the main block                        */
    void                **main;     /* modules' main objects, by slot        */
    bool                 *is_set;   /* by slot: directives of it were read   */
    struct vars          *vars[4];  /* by enum serves_kind                   */
    void                 *regexes;  /* what core/expr needs to compile them  */
    bool                  no_jit;   /* they are not compiled to machine code */
    struct zone_conf     *zones;    /* shared memory (core/shm)              */
    struct resolver_zone *resolver_zones; /* (core/conf/resolver.h)          */
    struct log_file      *files;    /* logs to open and reopen               */
    struct generation_fd *fds;      /* last first                            */
    const struct log_targets *log;  /* of the main level                     */
    bool                  uses_stderr; /* some error_log names it            */
    listeners_t           listeners;
    struct conf_dump     *dump;     /* the files that were read, in order    */
    struct lint_ignore   *ignores;  /* comments to lint, last first          */
    struct env_value     *env;      /* values of ${env:}, last first         */
    struct lint_include  *includes; /* patterns that matched nothing         */
};

/*
 * Reads the configuration at paths.  Messages go to log (all of them, each
 * with its place); NULL when there was an error.  Opens nothing but
 * configuration files.
 */
struct generation *generation_read(const struct conf_paths *paths,
                                   const struct log *log);

/* The same, in an image where there is one to be had (core/conf/image.h). */
struct generation *generation_read_image(const struct conf_paths *paths,
                                         const struct log *log);

/* The same from memory, for tests and fuzzers: name stands in messages. */
struct generation *generation_read_text(const struct conf_paths *paths,
                                        str_t name, str_t text,
                                        const struct log *log);

/* Whoever runs under one (a request, a connection, a job in a thread) counts
 * it.  The last put frees it, which may be under a running loop: what hangs
 * from it is ended by its arena (arena_defer). */
struct generation *generation_get(struct generation *g);
void               generation_put(struct generation *g);

/* Keeps a descriptor (close-on-exec) until the generation ends.  Workers that
 * get the generation from the master get it, too, whatever they may open by
 * themselves.  While it is being read. */
struct generation_fd *generation_keep_fd(struct generation *g, int fd);

/* -T: every file once, in order of first inclusion. */
void generation_print(const struct generation *g, int fd);

/* A file was read: kept for generation_print, if that is to come. */
void generation_note_file(struct generation *g, str_t name, str_t text);

/* The log file of that path, listed once; opened by generation_open_files. */
struct log_file *generation_log_file(struct generation *g, str_t path);
/* Opens the log files that are not open.  False: logged. */
bool generation_open_files(struct generation *g, const struct log *log);

static inline void *
generation_main(const struct generation *g, unsigned slot)
{
    return g->main[slot];
}
