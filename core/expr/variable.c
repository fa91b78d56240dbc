/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The variables of a configuration: a table of those that it uses, by name and
 * by index, filled while it is read and bound to the modules' rows at its end.
 * Names are in lower case; their case does not matter in a configuration.
 * Values are in the task, one slot per variable, in an array that is created
 * by the first read.  Subrequests share that of their main request.
 */
#include "core/expr/variable.h"

#include "core/base/check.h"
#include "core/conf/known.h"

enum { NAME_MAX_BYTES = 256 }; /* of names that are looked up at run time   */

struct vars {
    struct arena     *arena;
    enum serves_kind  kind;
    struct hash      *rows;  /* of the modules: const struct variable      */
    struct hash      *names; /* used or defined here: struct var           */
    VEC(struct var *) used;  /* by index                                   */
    struct hash      *exprs[EXPR_KINDS]; /* struct expr, by flags and text */
    VEC(const struct variable *) families;
};


/* What a module must serve for its variables to exist in this kind of
 * configuration. */
static unsigned
serves_of(enum serves_kind kind)
{
    switch (kind) {
    case CONF_HTTP:
        return FOR_HTTP;
    case CONF_STREAM:
        return FOR_STREAM;
    case CONF_MAIL:
        return FOR_MAIL;
    case CONF_MAIN:
        break;
    }
    return 0;
}


/* The variables of that kind of configuration, made when they are first asked
 * for. */
static struct vars *
vars_of(struct generation *g, enum serves_kind kind)
{
    struct vars *vars;

    if (g->vars[kind] != NULL)
        return g->vars[kind];

    vars = arena_make(g->arena, struct vars);
    vars->arena = g->arena;
    vars->kind = kind;
    vars->rows = hash_new(g->arena, 256, HASH_EXACT);
    vars->names = hash_new(g->arena, 64, HASH_EXACT);
    g->vars[kind] = vars;

    for (struct module *const *m = weir_modules; *m != NULL; m++) {
        const struct variable *row = (*m)->variables;

        if (row == NULL || !((*m)->serves & serves_of(kind)))
            continue;
        for (; row->name != NULL; row++) {
            if (row->flags & VAR_PREFIX)
                *vec_push(g->arena, &vars->families) = row;
            else
                hash_set(vars->rows, str_of(row->name), (void *) row);
        }
    }
    return vars;
}


struct hash *
vars_exprs(struct conf *cf, unsigned flags)
{
    struct hash **h;

    CHECK(flags < EXPR_KINDS);
    h = &vars_of(cf->gen, cf->kind)->exprs[flags];
    if (*h == NULL)
        *h = hash_new(cf->arena, 16, HASH_EXACT);
    return *h;
}


size_t
vars_count(const struct generation *g, enum serves_kind kind)
{
    return g->vars[kind] ? g->vars[kind]->used.n : 0;
}


static str_t
lower_copy(struct arena *a, str_t s)
{
    char *p = arena_bytes(a, s.n + 1);

    str_lower_to(p, s);
    p[s.n] = '\0';
    return (str_t){ p, s.n };
}


static void
bind_row(struct var *v, const struct variable *row)
{
    v->get = row->get;
    v->set = row->set;
    v->arg = row->arg;
    v->flags = row->flags;
    v->is_known = true;
}


struct var *
var_use(struct conf *cf, str_t name)
{
    struct vars *vars = vars_of(cf->gen, cf->kind);
    struct var  *v;
    str_t        low = lower_copy(vars->arena, name);

    v = hash_get(vars->names, low);
    if (v != NULL)
        return v;

    v = arena_make(vars->arena, struct var);
    v->name = low;
    v->index = (unsigned) vars->used.n;
    v->file = cf->file;
    v->line = cf->line;
    *vec_push(vars->arena, &vars->used) = v;
    hash_set(vars->names, low, v);
    return v;
}


struct var *
var_define(struct conf *cf, str_t name, unsigned flags, const char **error)
{
    struct vars           *vars = vars_of(cf->gen, cf->kind);
    const struct variable *row;
    struct var            *v;

    if (name.n == 0) {
        *error = "invalid variable name \"$\"";
        return NULL;
    }

    v = var_use(cf, name);
    row = hash_get(vars->rows, v->name);
    if (row != NULL && !(row->flags & VAR_CHANGEABLE)) {
        *error = arena_printf(cf->arena, "the duplicate \"" STR_F "\" variable",
                              STR_A(v->name))
                     .p;
        return NULL;
    }
    if (row != NULL && !v->is_known)
        bind_row(v, row);

    if (!v->is_known)
        v->flags |= flags;
    else if (!(flags & VAR_WEAK))
        v->flags &= ~(unsigned) VAR_WEAK;
    v->is_known = true;
    return v;
}


struct var *
var_define_word(struct conf *cf, str_t word, unsigned flags, const char **error)
{
    struct var *v;

    if (word.n == 0 || word.p[0] != '$') {
        *error = conf_error(cf, "invalid variable name \"" STR_F "\"",
                            STR_A(word));
        return NULL;
    }
    v = var_define(cf, str_from(word, 1), flags, error);
    if (v == NULL)
        *error = conf_error(cf, "%s", *error);
    return v;
}


/* The longest family that the name belongs to, or NULL. */
static const struct variable *
find_family(const struct vars *vars, str_t name)
{
    const struct variable *best = NULL;
    size_t                 longest = 0;

    VEC_EACH(&vars->families, it) {
        str_t prefix = str_of((*it)->name);

        if (prefix.n > longest && str_starts(name, prefix)) {
            best = *it;
            longest = prefix.n;
        }
    }
    return best;
}


static void
bind_family(struct vars *vars, struct var *v, const struct variable *family)
{
    str_t *rest = arena_make(vars->arena, str_t);

    *rest = str_from(v->name, strlen(family->name));
    bind_row(v, family);
    v->flags &= ~(unsigned) VAR_PREFIX;
    v->arg = (uintptr_t) rest;
}


struct suggestions {
    const char **words;
    size_t       n;
};


static void
add_row_name(str_t key, void *value, void *arg)
{
    struct suggestions *s = arg;

    (void) value;
    s->words[s->n++] = key.p;
}


static void
add_defined_name(str_t key, void *value, void *arg)
{
    const struct var *v = value;

    if (v->is_known)
        add_row_name(key, value, arg);
}


static void
suggest_name(struct conf *cf, const struct vars *vars, const struct var *v)
{
    struct suggestions s;

    s.n = 0;
    s.words = arena_array(cf->arena, const char *,
                          hash_count(vars->rows) + hash_count(vars->names) + 1);
    hash_each(vars->rows, add_row_name, &s);
    hash_each(vars->names, add_defined_name, &s);

    conf_suggest(cf, v->name, s.words);
}


/* The module of nginx that has the variable for this kind and is missing in
 * this build; STR_NONE: nginx does not have it either. */
static str_t
missing_module(const struct vars *vars, str_t name)
{
    str_t       kind = vars->kind == CONF_STREAM ? STR("stream") : STR("http");
    const char *list = known_variable_modules(name);
    str_t       rest = list != NULL ? str_of(list) : STR_NONE, module;

    while (rest.n > 0) {
        module = str_cut(&rest, ',');
        if (str_starts(module, kind))
            return module;
    }
    return STR_NONE;
}


static void
report_unknown(struct conf *cf, const struct vars *vars, const struct var *v)
{
    str_t       module = missing_module(vars, v->name);
    str_t       line = conf_source_line(cf, v->file, v->line);
    const char *environment = conf_hint_environment(cf, line, v->name);

    if (environment != NULL)
        conf_hint(cf, "%s", environment);
    else if (module.p != NULL)
        conf_hint(cf,
                  "nginx has it (" STR_F "): it is not supported by this "
                  "build",
                  STR_A(module));
    else
        suggest_name(cf, vars, v);
    conf_error_bare(cf, v->file, v->line, "unknown \"" STR_F "\" variable",
                    STR_A(v->name));
}


static void
resolve(struct conf *cf, struct vars *vars)
{
    VEC_EACH(&vars->used, it) {
        struct var            *v = *it;
        const struct variable *row;

        if (v->is_known && v->get != NULL && !(v->flags & VAR_WEAK))
            continue;
        row = hash_get(vars->rows, v->name);
        if (row != NULL) {
            if (!v->is_known)
                bind_row(v, row);
            continue;
        }
        row = find_family(vars, v->name);
        if (row != NULL)
            bind_family(vars, v, row);
        else if (v->get == NULL && !conf_is_unsure(cf, v->name))
            report_unknown(cf, vars, v);
    }
}


void
vars_resolve(struct conf *cf)
{
    for (unsigned kind = 0; kind < countof(cf->gen->vars); kind++) {
        if (cf->gen->vars[kind] != NULL)
            resolve(cf, cf->gen->vars[kind]);
    }
}


struct module vars_module = {
    .name = "vars",
    .settle = vars_resolve,
};


static enum serves_kind
kind_of(const struct task *t)
{
    switch (t->kind) {
    case FOR_STREAM:
        return CONF_STREAM;
    case FOR_MAIL:
        return CONF_MAIL;
    case FOR_HTTP:
        break;
    }
    return CONF_HTTP;
}


void
vars_prepare(struct task *t)
{
    size_t n;

    if (t->values != NULL)
        return;
    n = vars_count(t->gen, kind_of(t));
    t->values = arena_array(t->arena, struct value, n ? n : 1);
}


str_t
var_fail(struct task *t)
{
    t->has_bad_value = true;
    return STR_NONE;
}


static __attribute__((noinline)) str_t
evaluate(struct task *t, const struct var *v)
{
    struct value *slot = &t->values[v->index];
    bool          was_bad = t->has_bad_value;

    if (slot->is_set == VALUE_BUSY) {
        log_error(t->log, "cycle while evaluating variable \"" STR_F "\"",
                  STR_A(v->name));
        return STR_NONE;
    }
    slot->is_set = VALUE_BUSY;
    t->has_bad_value = false;
    slot->s = v->get(t, v->arg);
    if (v->flags & VAR_VOLATILE)
        slot->is_set = VALUE_PASSING;
    else
        slot->is_set = t->has_bad_value ? VALUE_BAD : VALUE_KEPT;
    t->has_bad_value |= was_bad;
    return slot->s;
}


str_t
var_get(struct task *t, const struct var *v)
{
    if (v->flags & VAR_AT_HAND)
        return v->get(t, v->arg);
    if (t->values == NULL)
        vars_prepare(t);
    switch (t->values[v->index].is_set) {
    case VALUE_KEPT:
        return t->values[v->index].s;
    case VALUE_BAD:
        return var_fail(t);
    }
    return evaluate(t, v);
}


void
var_store(struct task *t, const struct var *v, str_t value)
{
    vars_prepare(t);
    t->values[v->index].s = value;
    t->values[v->index].is_set = VALUE_KEPT;
}


void
var_put(struct task *t, const struct var *v, str_t value)
{
    if (v->set != NULL)
        v->set(t, value, v->arg);
    else
        var_store(t, v, value);
}


str_t
var_none(struct task *t, uintptr_t arg)
{
    (void) t;
    (void) arg;
    return STR_NONE;
}


size_t
var_name_length(str_t s)
{
    size_t n = 0;

    while (n < s.n
           && ((s.p[n] >= 'a' && s.p[n] <= 'z')
               || (s.p[n] >= 'A' && s.p[n] <= 'Z')
               || (s.p[n] >= '0' && s.p[n] <= '9') || s.p[n] == '_'))
        n++;
    return n;
}


const struct var *
var_find(const struct generation *g, enum serves_kind kind, str_t name)
{
    const struct vars *vars = g->vars[kind];
    const struct var  *v = NULL;
    char               low[NAME_MAX_BYTES];

    if (vars != NULL && name.n <= sizeof(low)) {
        str_lower_to(low, name);
        v = hash_get(vars->names, (str_t){ low, name.n });
    }
    return v;
}


/* Of a row that no var is bound to, and whose value nothing keeps. */
static str_t
value_of_row(struct task *t, const struct vars *vars, str_t name)
{
    const struct variable *row = hash_get(vars->rows, name);
    str_t                 *rest;

    if (row != NULL)
        return row->get(t, row->arg);
    row = find_family(vars, name);
    if (row == NULL)
        return STR_NONE;
    rest = arena_make(t->arena, str_t);
    *rest = str_copy(t->arena, str_from(name, strlen(row->name)));
    return row->get(t, (uintptr_t) rest);
}


str_t
var_named(struct task *t, str_t name)
{
    enum serves_kind   kind = kind_of(t);
    const struct var  *v = var_find(t->gen, kind, name);
    const struct vars *vars = t->gen->vars[kind];
    char               low[NAME_MAX_BYTES];

    if (v != NULL)
        return var_get(t, v);
    if (vars == NULL || name.n > sizeof(low))
        return STR_NONE;
    str_lower_to(low, name);
    return value_of_row(t, vars, (str_t){ low, name.n });
}
