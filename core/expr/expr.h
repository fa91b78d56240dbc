/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Expressions: "text $variable ${variable}text $1", compiled once and
 * evaluated into the task's arena.
 */
#pragma once

#include "core/conf/types.h"
#include "core/expr/variable.h"

struct expr;

enum expr_flag {
    EXPR_CAPTURES = 1, /* $1 to $9 are meant (always understood; the flag is
                          for those that must know: expr_has_captures)       */
    EXPR_Z = 2,        /* the value is followed by a NUL                     */
};

/* NULL with *error set ("invalid variable name" ...).  The text is copied. */
struct expr *expr_compile(struct conf *cf, str_t text, unsigned flags,
                          const char **error);

/* The value: in the task's arena, or the constant or variable itself. */
str_t expr_eval(const struct expr *e, struct task *t);

/* The same with the text of captures escaped as arguments of a URI. */
str_t expr_eval_escaped(const struct expr *e, struct task *t);

/* Whether it has no variables, and then its text; else the source text. */
bool  expr_is_constant(const struct expr *e);
str_t expr_text(const struct expr *e);
bool  expr_has_captures(const struct expr *e);

/* For conditions (if=, proxy_no_cache): neither empty nor "0". */
static inline bool
expr_is_true(str_t v)
{
    return v.n != 0 && !(v.n == 1 && v.p[0] == '0');
}

/* Directive types over struct expr * fields. */
extern const struct conf_type conf_expr;
/* struct expr_list: all arguments of all uses. */
extern const struct conf_type conf_expr_list;

struct expr_list {
    VEC(struct expr *) list;
};

#define EXPR(n, in, S, m, preset, syntax, says)                                \
    { n, in, ARGS_1, &conf_expr, FIELD(S, m, struct expr *), preset, NULL,     \
      syntax, says }
#define EXPR_LIST(n, in, S, m, syntax, says)                                   \
    { n, (in) | ROW_MANY, ARGS_1_OR_MORE, &conf_expr_list,                     \
      FIELD(S, m, struct expr_list), NULL, NULL, syntax, says }
