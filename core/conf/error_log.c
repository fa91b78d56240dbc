/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * error_log PATH|stderr|syslog:...|memory:SIZE [LEVEL] [json]
 */
#include "core/conf/error_log.h"

#include "core/conf/types.h"

static const char *const words[] = { "debug", "info",  "notice",
                                     "warn",  "error", "crit",
                                     "alert", "emerg", NULL };


static void
add_target(struct arena *a, struct error_log *log, struct log_target *t)
{
    struct log_targets *to = &log->targets;
    size_t              size = sizeof(struct log_target *);

    to->at = arena_grow(a, to->at, to->n * size, (to->n + 1) * size);
    to->at[to->n++] = t;
    if (log_target_level(t) > to->level)
        to->level = log_target_level(t);
}


/* The first n arguments. */
static const char *
parse_levels(struct conf *cf, unsigned n, enum log_level *level)
{
    int found = -1, next;

    for (unsigned i = 2; i < n; i++) {
        str_t word = cf->args[i];
        bool  is_debug = str_starts(word, STR("debug_"));

        next = is_debug ? (int) LEVEL_DEBUG : log_level_parse(word);
        if (next == -1) {
            conf_suggest(cf, word, words);
            return conf_error(cf, "invalid log level \"" STR_F "\"",
                              STR_A(word));
        }
        if (found != -1 && !(is_debug && found == (int) LEVEL_DEBUG))
            return conf_error(cf, "duplicate log level \"" STR_F "\"",
                              STR_A(word));
        found = next;
    }
    *level = found == -1 ? LEVEL_ERROR : (enum log_level) found;
    return NULL;
}


static const char *
parse(struct conf *cf, void *field)
{
    struct error_log  *log = field;
    struct log_file   *file = NULL;
    struct log_target *t;
    enum log_level     level = LEVEL_ERROR;
    str_t              spec = cf->args[1];
    bool is_json = cf->n_args > 2 && str_is(cf->args[cf->n_args - 1], "json");
    const char *error = parse_levels(cf, cf->n_args - is_json, &level);

    if (error != NULL)
        return error;
    if (!str_starts(spec, STR("syslog:")) && !str_starts(spec, STR("memory:")))
    {
        log->has_file = true;
        if (str_is(spec, "stderr")) {
            cf->gen->uses_stderr = true;
        } else {
            spec = conf_path_prefix(cf, spec);
            file = generation_log_file(cf->gen, spec);
        }
    }
    t = log_target_new(cf->arena, spec, file, level, &error);
    if (t == NULL)
        return conf_error(cf, "%s", error);
    if (is_json)
        log_target_set_json(t);
    add_target(cf->arena, log, t);
    return NULL;
}


/* The main level always has a file, if only that of -e. */
static const char *
add_default(struct conf *cf, void *main)
{
    struct error_log_conf *c
        = confs_get(cf->gen->root->conf, &error_log_module);
    str_t              path = cf->gen->paths.error_log;
    struct log_file   *file = NULL;
    struct log_target *t;
    const char        *error;

    (void) main;
    cf->gen->log = &c->log.targets;
    if (c->log.has_file)
        return NULL;
    if (!str_is(path, "stderr"))
        file = generation_log_file(cf->gen, path);
    t = log_target_new(cf->arena, path, file, LEVEL_ERROR, &error);
    if (t == NULL)
        return conf_error(cf, "%s", error);
    c->log.has_file = true;
    add_target(cf->arena, &c->log, t);
    return NULL;
}


static const struct conf_type type
    = { .name = "error log", .size = sizeof(struct error_log), .parse = parse };

static const struct directive directives[] = {
    CUSTOM(
        "error_log",
        IN_MAIN | IN_WEB | IN_STREAM | IN_STREAM_SERVER | IN_MAIL
            | IN_MAIL_SERVER | ROW_MANY,
        ARGS_1_OR_MORE, type, struct error_log_conf, log, struct error_log,
        "file | stderr | memory:size | "
        "syslog:server=address[,parameter=value]\n"
        " [debug | info | notice | warn | error | crit | alert | emerg] [json]",
        "Where errors are logged, from which level on; several may "
        "stand side by side, and a block that names one drops those "
        "around it. When the main level names none, it is the file of "
        "-e or of the build, at level error. With json, each line is "
        "an object with the context in fields of its own."),
    { .name = NULL },
};

struct module error_log_module = {
    .name = "error_log",
    .directives = directives,
    .conf_size = sizeof(struct error_log_conf),
    .main_ready = add_default,
};
