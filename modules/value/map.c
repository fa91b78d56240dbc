/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map: a variable whose value depends on the value of an expression.
 *
 *     map $http_host $backend {
 *         hostnames;
 *         default      a;
 *         *.x.example  b;
 *         ~^(?<n>\d+)  c$n;
 *     }
 */
#include "core/expr/table.h"
#include "modules/module.h"

struct map {
    struct expr  *source;
    struct table *table;
    struct expr  *preset; /* "default", or NULL                              */
    struct var   *var;
    bool          has_hostnames;

    const struct setting *setting;
};


/* Captures of the map's regular expressions are only for the value next to
 * them; the captures of whoever reads the variable are restored. */
static str_t
look_up(struct task *t, uintptr_t arg)
{
    const struct map *map = (const struct map *) arg;
    str_t             key = expr_eval(map->source, t), value;
    struct captures   readers = t->captures;
    void             *found;

    if (map->has_hostnames && key.n != 0 && key.p[key.n - 1] == '.')
        key.n--;
    if (!table_find(map->table, t, key, &found))
        return var_fail(t);
    if (found == NULL)
        found = map->preset;
    value = found ? expr_eval(found, t) : STR("");
    t->captures = readers;
    log_debug(t->log, "%s map: \"" STR_F "\" \"" STR_F "\"", task_protocol(t),
              STR_A(key), STR_A(value));
    if (task_is_dry(t))
        trace_value(t, map->setting, map->var->name, value);
    return value;
}


static const char *
open_map(struct conf *cf, void *field, void **state)
{
    struct map *map = arena_make(cf->arena, struct map);
    const char *error = NULL;

    (void) field;
    map->table = table_new(cf->arena);
    map->source = expr_compile(cf, cf->args[1], 0, &error);
    if (map->source == NULL)
        return conf_error(cf, "%s", error);
    map->var = var_define_word(cf, cf->args[2], VAR_CHANGEABLE, &error);
    if (map->var == NULL)
        return error;

    map->setting = cf->block->settings;
    map->var->get = look_up;
    map->var->arg = (uintptr_t) map;
    *state = map;
    return NULL;
}


static const char *read_line(struct conf *cf, void *state);

static const struct conf_lines map_lines = {
    .open = open_map,
    .line = read_line,
};


static const char *
read_value(struct conf *cf, struct map *map, str_t key, struct expr *value)
{
    if (str_is(key, "default")) {
        if (map->preset != NULL)
            return conf_error(cf, "duplicate default map parameter");
        map->preset = value;
        return NULL;
    }
    if (key.n != 0 && key.p[0] == '~')
        return table_add_regex(cf, map->table, str_from(key, 1), value);
    if (key.n != 0 && key.p[0] == '\\')
        key = str_from(key, 1);
    return table_add(cf, map->table, key, map->has_hostnames, value);
}


static const char *
read_line(struct conf *cf, void *state)
{
    struct map  *map = state;
    const char  *error = NULL;
    struct expr *value;

    if (cf->n_args == 1 && str_is(cf->args[0], "hostnames")) {
        map->has_hostnames = true;
        return NULL;
    }
    if (cf->n_args == 1 && str_is(cf->args[0], "volatile")) {
        map->var->flags |= VAR_VOLATILE;
        return NULL;
    }
    if (cf->n_args != 2)
        return conf_error(cf, "invalid number of the map parameters");
    if (str_is(cf->args[0], "include"))
        return conf_include_lines(cf, &map_lines, state);

    value = expr_compile(cf, cf->args[1], 0, &error);
    if (value == NULL)
        return conf_error(cf, "%s", error);
    return read_value(cf, map, cf->args[0], value);
}


static const struct directive directives[] = {
    { "map", IN_HTTP | IN_STREAM | ROW_MANY, ARGS_2 | ARGS_BLOCK | ARGS_DATA,
      &conf_data, 0, NULL, &map_lines, "string $variable",
      "Defines a variable whose value depends on another text: exact, by host "
      "name (after hostnames), or by a regular expression with ~; otherwise "
      "it is default. Evaluated when it is read, once per request unless it "
      "is volatile." },
    ACCEPTED("map_hash_max_size", IN_HTTP | IN_STREAM, conf_number, "size",
             "Accepted without effect: weir's tables grow by themselves."),
    ACCEPTED("map_hash_bucket_size", IN_HTTP | IN_STREAM, conf_number, "size",
             "Accepted without effect: weir's tables grow by themselves."),
    { .name = NULL },
};

extern struct module map_module;

struct module map_module = {
    .name = "map",
    .serves = FOR_HTTP | FOR_STREAM,
    .directives = directives,
};
