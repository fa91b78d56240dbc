/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lint: what a configuration says that is allowed and yet hardly meant.  The
 * rules are the modules' (struct module: lint), the report is made here, of a
 * generation that was read with conf_paths.lints.  A comment
 *
 *     # weir:ignore NAME ... [-- why]
 *
 * at the end of a statement, or alone on the lines before one, silences those
 * rules there; where the statement opens a block, in the whole block.
 */
#pragma once

#include "core/base/vec.h"
#include "core/conf/conf.h"

struct lint;
struct lexer;

/* Rows of a table that ends with a NULL name. */
struct lint_rule {
    const char *name;
    void      (*check)(struct lint *l);
};

struct finding {
    const struct lint_rule *rule;
    const char             *file; /* NULL: the command line                  */
    unsigned                line;
    str_t                   message, cure; /* each goes on from "NAME: "     */
};

/* One comment. */
struct lint_ignore {
    struct lint_ignore *next;
    struct lint_ignore *same; /* that covers the same line                   */
    const char         *file;
    unsigned            line;   /* of the comment                            */
    unsigned            covers; /* line of the statement                     */
    str_t               names;
};

/* An include that found no file. */
struct lint_include {
    struct lint_include     *next;
    const struct conf_block *block;
    const char              *file;
    unsigned                 line;
    str_t                    path; /* absolute                               */
};

struct lint {
    const struct generation *gen;
    struct arena            *arena;
    const struct lint_rule  *rule; /* at work                                */
    VEC(struct finding)      findings; /* in the order of their places       */
    struct hash             *seen;
    struct hash             *ignored; /* comments, by the place they cover    */
    struct hash             *blocks;  /* lint_index.c: struct lint_block     */
    struct hash             *tables;  /* the same: of rules                  */
};

/* All rules on a generation; the findings live in a. */
void lint_run(struct lint *l, const struct generation *g, struct arena *a);
/* A line for people on standard error for each finding, and its cure. */
void lint_print(const struct lint *l);

/* For rules.  A finding at a statement of the block b, or at the opening of
 * b itself; what was said there before, or is ignored, is dropped. */
void lint_at(struct lint *l, const struct conf_block *b,
             const struct setting *s, str_t cure, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
void lint_at_block(struct lint *l, const struct conf_block *b, str_t cure,
                   const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Calls visit for every block, outer ones first. */
void lint_each_block(struct lint *l, unsigned kinds,
                     void (*visit)(struct lint *l, const struct conf_block *b));
/* lint_index.c: setting_named, setting_before and setting_in_force, at no cost
 * for blocks of thousands of settings. */
const struct setting *lint_named(struct lint *l, const struct conf_block *b,
                                 const char *name);
const struct setting *lint_in_force(struct lint *l, const struct conf_block *b,
                                    const char               *name,
                                    const struct conf_block **at);
const struct setting *lint_before(struct lint *l, const struct conf_block *b,
                                  const struct setting *s);
/* The "if" blocks that stand right in b. */
struct lint_blocks {
    const struct conf_block **at;
    size_t                    n;
};
const struct lint_blocks *lint_ifs(struct lint *l, const struct conf_block *b);
/* A table of a rule's own by its name, for what is to be looked up for many
 * blocks; *is_new: the rule has yet to fill it. */
struct hash *lint_table(struct lint *l, const char *name, enum hash_case fold,
                        bool *is_new);
/* "file:line" of a statement. */
str_t lint_place(struct lint *l, const struct setting *s);

/* While reading: an include without a file. */
void lint_note_include(struct conf *cf, str_t path);
/* The same: the comments of the statement that was just read. */
void lint_note(struct conf *cf, const struct lexer *lx);
