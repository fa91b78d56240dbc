/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Documentation from the tables of the modules: what "weir doc NAME" prints.
 * Facts are gathered here once and printed in two ways, as text (text.c) and
 * as JSON (json.c); with a configuration, places.c and uses.c add where the
 * name is used in it.  All of it lives in one arena and is immutable.
 */
#pragma once

#include <stdio.h>

#include "core/conf/types.h"
#include "core/expr/variable.h"

/* The options of configure that leave out (or add) each of weir_modules; "" for
 * those that are always built in (build/modules.c). */
extern const char *const weir_module_options[];

typedef VEC(str_t) words_t;

struct doc_module {
    const char *name;
    const char *option; /* "": always there                                  */
};

/* A directive: all rows that differ in their blocks only. */
struct doc_directive {
    str_t                   name;
    const struct directive *row; /* the first                                */
    unsigned                where; /* of all of them                         */
    struct doc_module       module;
};

/* A variable, or a family of them. */
struct doc_variable {
    const struct variable *row;
    struct doc_module      module;
};

/* All that the build has, and the captures. */
struct doc {
    struct arena *arena;
    VEC(struct doc_directive) directives;
    VEC(struct doc_variable)  variables;
};

/* rows.c */
void doc_gather(struct doc *d, struct arena *a);
/* The variable of that name, which is in lower case and without "$", or the
 * longest family that it is of; NULL: none.  "1" to "9" are one. */
const struct doc_variable *doc_find_variable(const struct doc *d, str_t name);
static inline bool
doc_is_family(const struct doc_variable *v)
{
    return v->row->flags & VAR_PREFIX;
}

/* facts.c: what a row says, in words. */

/* Its forms, each complete: "gzip on | off;". */
void doc_syntax(struct arena *a, const struct doc_directive *d, words_t *out);
/* "gzip off;", or STR_NONE: it has none. */
str_t doc_preset(struct arena *a, const struct doc_directive *d);
/* "http", "if in location" ... */
void doc_contexts(struct arena *a, const struct doc_directive *d, words_t *out);
/* How it is inherited, and whether it may be repeated; STR_NONE: nothing
 * special. */
str_t doc_inheritance(struct arena *a, const struct doc_directive *d);
/* Whether blocks within others can have a value of it. */
bool doc_is_inherited(const struct directive *row);
/* Whether a variable may be set or defined, and how often it is evaluated. */
str_t doc_setting_of(const struct variable *row);
str_t doc_evaluation(const struct variable *row);

/* examples.c: lines that show its use, or NULL. */
const char *doc_example(str_t name);

/* names.c: unknown names.  Prints to standard error. */
void doc_report_unknown(const struct doc *d, str_t name);

/* places.c: the settings of a directive in a configuration. */

/* A block and the setting in effect in it. */
struct doc_place {
    const struct conf_block *block;
    const struct doc_place  *up;     /* the one around it, or NULL           */
    str_t                    title;  /* "location /x"                        */
    bool                     has_value; /* the directive can apply there     */
    bool                     is_plain;  /* it, and all within, as in up      */
    VEC(const struct setting *) values; /* none: the preset                  */
    VEC(struct doc_place *)     inner;
};

struct doc_found {
    VEC(const struct setting *) set; /* in the order of the file             */
    struct doc_place *root; /* NULL: blocks have no value of it              */
};

void doc_find_places(struct arena *a, const struct generation *g,
                     const struct doc_directive *d, struct doc_found *out);

/* uses.c: where a configuration uses a variable. */
struct doc_use {
    const struct setting *setting; /* NULL: within a block of data           */
    const char           *file;
    unsigned              line;
    bool                  defines;
};

struct doc_uses {
    VEC(struct doc_use) list;
};

void doc_find_uses(struct arena *a, const struct generation *g, str_t name,
                   bool is_family, struct doc_uses *out);

/* text.c */
void doc_print_directive(struct arena *a, const struct doc_directive *d,
                         const struct doc_found *found);
/* name: as it was asked for. */
void doc_print_variable(struct arena *a, const struct doc_variable *v,
                        str_t name, const struct doc_uses *uses);
void doc_print_own(struct arena *a, str_t name, const struct doc_uses *uses);
/* A line: the name, and the first of its sentences as far as there is room. */
void doc_print_brief(str_t name, const char *sign, str_t says);
void doc_print_list(const struct doc *d);

/* json.c: objects of the arrays "directives" and "variables". */
struct doc_json;
struct doc_json *doc_json_open(struct arena *a);
void doc_json_directive(struct doc_json *j, const struct doc_directive *d,
                        const struct doc_found *found);
/* v NULL: the configuration alone makes it. */
void doc_json_variable(struct doc_json *j, const struct doc_variable *v,
                       str_t name, const struct doc_uses *uses);
void doc_json_close(struct doc_json *j);
