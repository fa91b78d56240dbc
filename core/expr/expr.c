/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Expressions: a text is split once into parts (plain text, a variable, a
 * capture).  Evaluating gets the value of each part once, adds up the lengths
 * and joins the values; a single part is returned without copying.  Equal
 * texts share one expression, as expressions are immutable.
 */
#include "core/expr/expr.h"

#include "core/base/check.h"
#include "core/base/escape.h"
#include "core/expr/regex.h"

enum { FEW_PARTS = 16 }; /* values kept on the stack */

enum part_kind { PART_TEXT, PART_VARIABLE, PART_CAPTURE };

struct part {
    enum part_kind    kind;
    unsigned          group;
    str_t             text;
    const struct var *var;
};

struct expr {
    str_t             text; /* as written */
    unsigned          flags;
    bool              has_captures;
    bool              has_variables;
    const struct var *only; /* all that it is made of, or NULL              */
    VEC(struct part)  parts;
};


/* Parses what follows a "$" in *rest into a new part, and removes it. */
static const char *
parse_variable(struct conf *cf, struct expr *e, str_t *rest)
{
    struct part *part;
    str_t        name = *rest;
    bool         in_braces = name.n != 0 && name.p[0] == '{';

    if (name.n != 0 && name.p[0] >= '1' && name.p[0] <= '9') {
        part = vec_push(cf->arena, &e->parts);
        part->kind = PART_CAPTURE;
        part->group = (unsigned) (name.p[0] - '0');
        e->has_captures = true;
        *rest = str_from(name, 1);
        return NULL;
    }

    if (in_braces)
        name = str_from(name, 1);
    *rest = name;
    name.n = var_name_length(name);
    *rest = str_from(*rest, name.n);

    if (in_braces && name.n + rest->n != 0) {
        if (rest->n == 0 || rest->p[0] != '}')
            return arena_printf(cf->arena,
                                "the closing bracket in \"" STR_F
                                "\" variable is missing",
                                STR_A(name))
                .p;
        *rest = str_from(*rest, 1);
    }
    if (name.n == 0)
        return "invalid variable name";

    part = vec_push(cf->arena, &e->parts);
    part->kind = PART_VARIABLE;
    part->var = var_use(cf, name);
    e->has_variables = true;
    return NULL;
}


struct expr *
expr_compile(struct conf *cf, str_t text, unsigned flags, const char **error)
{
    struct hash *known = vars_exprs(cf, flags);
    struct expr *e = hash_get(known, text);
    str_t        rest;

    if (e != NULL)
        return e;
    e = arena_make(cf->arena, struct expr);
    e->flags = flags;
    e->text = str_copy(cf->arena, text);

    for (rest = e->text; rest.n != 0;) {
        const char *dollar = str_chr(rest, '$');
        size_t      plain = dollar ? (size_t) (dollar - rest.p) : rest.n;

        if (plain != 0) {
            struct part *part = vec_push(cf->arena, &e->parts);

            part->kind = PART_TEXT;
            part->text = (str_t){ rest.p, plain };
            rest = str_from(rest, plain);
            continue;
        }
        rest = str_from(rest, 1);
        *error = parse_variable(cf, e, &rest);
        if (*error != NULL)
            return NULL;
    }
    if (e->parts.n == 1 && !(flags & EXPR_Z))
        e->only = e->parts.at[0].var;
    hash_set(known, e->text, e);
    return e;
}


static str_t
variable_value(const struct var *v, struct task *t)
{
    str_t s = var_get(t, v);

    log_debug(t->log, "%s script var: \"" STR_F "\"", task_protocol(t),
              STR_A(s));
    return s.p ? s : STR("");
}


static str_t
part_value(const struct part *part, struct task *t, bool is_escaped)
{
    str_t s;

    switch (part->kind) {
    case PART_TEXT:
        log_debug(t->log, "%s script copy: \"" STR_F "\"", task_protocol(t),
                  STR_A(part->text));
        return part->text;
    case PART_VARIABLE:
        return variable_value(part->var, t);
    case PART_CAPTURE:
        s = captures_get(&t->captures, part->group);
        log_debug(t->log, "%s script capture: \"" STR_F "\"", task_protocol(t),
                  STR_A(s));
        return is_escaped ? escape_uri(t->arena, s, ESCAPE_ARGS) : s;
    }
    return STR("");
}


/* Apart from eval, which need not make room for it then. */
static __attribute__((noinline)) str_t
join(const struct expr *e, struct task *t, bool is_escaped)
{
    str_t  few[FEW_PARTS] UNSET, *values = few;
    size_t n = 0;
    char  *out, *p;

    if (e->parts.n > FEW_PARTS)
        values = arena_array(t->arena, str_t, e->parts.n);
    for (size_t i = 0; i < e->parts.n; i++) {
        values[i] = part_value(&e->parts.at[i], t, is_escaped);
        n += values[i].n;
    }

    out = p = arena_bytes(t->arena, n + 1);
    for (size_t i = 0; i < e->parts.n; i++) {
        memcpy(p, values[i].p, values[i].n);
        p += values[i].n;
    }
    *p = '\0';
    return (str_t){ out, n };
}


static str_t
eval(const struct expr *e, struct task *t, bool is_escaped)
{
    if (e->only != NULL)
        return variable_value(e->only, t);
    if (expr_is_constant(e))
        return e->text.p ? e->text : STR("");
    if (e->parts.n == 1 && !(e->flags & EXPR_Z))
        return part_value(e->parts.at, t, is_escaped);
    return join(e, t, is_escaped);
}


str_t
expr_eval(const struct expr *e, struct task *t)
{
    return eval(e, t, false);
}


str_t
expr_eval_escaped(const struct expr *e, struct task *t)
{
    return eval(e, t, true);
}


bool
expr_is_constant(const struct expr *e)
{
    return !e->has_variables && !e->has_captures;
}


str_t
expr_text(const struct expr *e)
{
    return e->text;
}


bool
expr_has_captures(const struct expr *e)
{
    return e->has_captures;
}


static const char *
parse_expr(struct conf *cf, void *field)
{
    struct expr **e = field;
    const char   *error = NULL;

    *e = expr_compile(cf, cf->args[1], 0, &error);
    return *e ? NULL : conf_error(cf, "%s", error);
}


static const char *
parse_expr_list(struct conf *cf, void *field)
{
    struct expr_list *list = field;
    const char       *error = NULL;

    for (unsigned i = 1; i < cf->n_args; i++) {
        struct expr *e = expr_compile(cf, cf->args[i], 0, &error);

        if (e == NULL)
            return conf_error(cf, "%s", error);
        *vec_push(cf->arena, &list->list) = e;
    }
    return NULL;
}


const struct conf_type conf_expr = {
    .name = "text with variables",
    .size = sizeof(struct expr *),
    .parse = parse_expr,
};

const struct conf_type conf_expr_list = {
    .name = "texts with variables",
    .size = sizeof(struct expr_list),
    .parse = parse_expr_list,
};
