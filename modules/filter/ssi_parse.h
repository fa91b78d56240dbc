/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commands of SSI in a text: <!--#NAME PARAMETER="VALUE" ... -->.  Pure;
 * the text may be cut anywhere.
 */
#pragma once

#include "core/base/arena.h"

struct search;

enum {
    SSI_NAME_MAX = 32,   /* bytes of the name of a command or parameter      */
    SSI_PARAMS_MAX = 16,
};

/* Escapes stand in values as they were written. */
struct ssi_param {
    str_t name, value;
};

struct ssi_command {
    str_t            name;
    unsigned         n;
    struct ssi_param params[SSI_PARAMS_MAX];
};

enum ssi_event {
    SSI_MORE,    /* all was taken, and more is needed                        */
    SSI_TEXT,    /* text is told, to be put out                              */
    SSI_COMMAND, /* command                                                  */
    SSI_FAULT,   /* fault: what is wrong with the one that is being read     */
    SSI_BAD,     /* that one has ended                                       */
};

struct ssi_parser {
    struct arena        *arena;
    const struct search *search; /* for "<!--#"                              */
    size_t               value_max; /* a value has fewer bytes               */

    /* What it tells, until it is called again. */
    str_t              text;
    struct ssi_command command;
    str_t              fault;

    /* Its own. */
    unsigned state;
    unsigned matched; /* bytes of "<!--#" at the end of what was read        */
    char     quote;
    char    *memory; /* of names and values of the command                   */
    size_t   used, room;
    size_t   ends[1 + 2 * SSI_PARAMS_MAX]; /* ... by their ends, in order    */
    unsigned n_ends;
    char    *fault_memory;
};

void ssi_parser_init(struct ssi_parser *p, struct arena *a, size_t value_max);
/* Reads from the front of *in. */
enum ssi_event ssi_parse(struct ssi_parser *p, str_t *in);
/* What is still held at the end of the text: the beginning of a "<!--#" that
 * did not come. */
str_t ssi_parser_rest(const struct ssi_parser *p);
