/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * access_log, log_format, open_log_file_cache: a line for each request.
 *
 *     log_format short '$remote_addr "$request" $status';
 *     access_log logs/short.log short buffer=64k flush=5s if=$loggable;
 *
 * The generation opens and reopens files without a variable in their name.
 * Lines are written to them directly or through the file's buffer.  A server
 * without an access_log logs to logs/access.log.
 */
#include <errno.h>
#include <sys/stat.h>

#include <config.h>

#include "modules/log/access_log.h"

enum { GZIP_BUFFER = 65536 };

struct access_log {
    struct log_file         *file; /* a plain name; else                   */
    struct expr             *path; /* a name with variables; else          */
    struct syslog_target    *syslog;
    const struct log_format *format;
    struct expr             *condition; /* "if=", or NULL                    */
    const struct setting    *setting;   /* NULL: the default log             */
};

struct access_logs {
    VEC(struct access_log) list;
    bool                   is_off;
};

struct access_log_conf {
    struct access_logs logs;
    struct log_cache  *cache; /* NULL: off                                   */
    bool               logs_subrequests;
};

/* One for each generation; the line and the targets of log belong to one
 * process. */
struct access_log_main {
    VEC(struct log_format *) formats;
    struct log_format       *combined, *json; /* made at the first use       */
    struct access_logs       fallback;
    struct log_line          line;
    struct log               log; /* for errors in timers               */
};

extern struct module access_log_module;

#define COMBINED \
    "$remote_addr - $remote_user [$time_local] \"$request\" $status " \
    "$body_bytes_sent \"$http_referer\" \"$http_user_agent\""


/* --- writing ------------------------------------------------------------------- */

/* As in nginx, logs whose names have variables are only written for requests
 * whose root folder exists. */
static bool
has_root(struct http_request *r)
{
    struct stat st;
    str_t       path = http_root_folder(r);

    if (path.p == NULL)
        return false;
    if (stat(path.p, &st) == 0 && S_ISDIR(st.st_mode))
        return true;
    log_errno(r->task.log, errno ? errno : ENOTDIR,
              "testing \"%s\" existence failed", path.p);
    return false;
}


static void
write_log(const struct access_log *log, const struct access_log_conf *conf,
          const struct access_log_main *m, struct http_request *r)
{
    struct task *t = &r->task;
    str_t        line = { m->line.p, m->line.n };

    if (log->syslog != NULL) {
        line.n--;
        if (!syslog_send(log->syslog, -1, line, &m->log))
            log_warn(t->log, "send() to syslog failed");
    } else if (log->file != NULL) {
        log_buffer_add(log->file, t->loop, line);
    } else if (has_root(r)) {
        log_cache_write(conf->cache, r, expr_eval(log->path, t), line);
    }
}


static void
log_to(const struct access_log *log, const struct access_log_conf *conf,
       struct access_log_main *m, struct http_request *r)
{
    if (log->condition != NULL
        && !expr_is_true(expr_eval(log->condition, &r->task)))
        return;
    if (task_is_dry(&r->task)) {
        if (log->setting != NULL)
            trace_setting(&r->task, TRACE_LOG, "writes", log->setting, NULL);
        else if (log->file != NULL)
            trace_tell(&r->task, TRACE_LOG, "writes", NULL, 0, "the default",
                       "access_log " STR_F " combined;",
                       STR_A(log->file->path));
        return;
    }
    m->line.n = 0;
    if (log->format->vars != NULL)
        log_json_write(log->format, r, &m->line);
    else
        log_format_write(log->format, r, &m->line);
    log_line_add(&m->line, STR("\n"));
    write_log(log, conf, m, r);
}


static enum step
log_request(struct task *t)
{
    const struct access_log_conf *conf = conf_of(t, &access_log_module);
    struct access_log_main *m = generation_main(t->gen, access_log_module.slot);
    const struct access_logs *logs = &conf->logs;
    struct http_request      *r = http_of(t);

    if (logs->is_off || (r != r->main && !conf->logs_subrequests))
        return STEP_NEXT;
    if (logs->list.n == 0)
        logs = &m->fallback;
    m->log.targets = t->gen->log;
    t->log->action = "logging request";

    VEC_EACH(&logs->list, it)
        log_to(it, conf, m, r);
    t->log->action = NULL;
    return STEP_NEXT;
}


/* --- log_format ------------------------------------------------------------------ */

static struct log_format *
combined_format(struct conf *cf, struct access_log_main *m)
{
    if (m->combined == NULL) {
        m->combined = arena_make(cf->arena, struct log_format);
        m->combined->name = STR("combined");
        (void) log_format_add(cf, m->combined, STR(COMBINED));
    }
    return m->combined;
}


static struct log_format *
json_format(struct conf *cf, struct access_log_main *m)
{
    if (m->json == NULL) {
        m->json = arena_make(cf->arena, struct log_format);
        m->json->name = STR("json");
        log_json_init(cf, m->json);
    }
    return m->json;
}


/* A format defined by log_format. */
static struct log_format *
own_format(const struct access_log_main *m, str_t name)
{
    VEC_EACH(&m->formats, it) {
        if (str_eq((*it)->name, name))
            return *it;
    }
    return NULL;
}


static struct log_format *
find_format(struct conf *cf, str_t name)
{
    struct access_log_main *m = conf_main(cf, &access_log_module);
    struct log_format      *own = own_format(m, name);

    if (str_is(name, "combined"))
        return combined_format(cf, m);
    return own == NULL && str_is(name, "json") ? json_format(cf, m) : own;
}


/* A log_format "json" replaces the built-in one, even for logs that have
 * already named it. */
static struct log_format *
add_format(struct conf *cf, struct access_log_main *m, str_t name)
{
    struct log_format *f;

    if (str_is(name, "json") && m->json != NULL)
        f = m->json;
    else
        f = arena_make(cf->arena, struct log_format);
    f->vars = NULL;
    f->name = str_copy(cf->arena, name);
    *vec_push(cf->arena, &m->formats) = f;
    return f;
}


static const char *
parse_escape(struct conf *cf, struct log_format *f, str_t name)
{
    static const char *const names[] = { "default", "json", "none", NULL };

    for (unsigned i = 0; names[i] != NULL; i++) {
        if (str_eq(name, str_of(names[i]))) {
            f->escape = (enum log_escape) i;
            return NULL;
        }
    }
    conf_suggest(cf, name, names);
    return conf_error(cf, "unknown log format escaping \"" STR_F "\"",
                      STR_A(name));
}


static const char *
parse_format(struct conf *cf, void *field)
{
    struct access_log_main *m = conf_main(cf, &access_log_module);
    struct log_format      *f;
    const char             *error = NULL;
    str_t                   value;

    (void) field;
    if (str_is(cf->args[1], "combined") || own_format(m, cf->args[1]))
        return conf_error(cf, "duplicate \"log_format\" name \"" STR_F "\"",
                          STR_A(cf->args[1]));
    f = add_format(cf, m, cf->args[1]);
    for (unsigned i = 2; i < cf->n_args && error == NULL; i++) {
        if (i == 2 && conf_param(cf->args[i], "escape", &value))
            error = parse_escape(cf, f, value);
        else
            error = log_format_add(cf, f, cf->args[i]);
    }
    return error;
}


static const struct conf_type format_type = {
    .name = "log format",
    .parse = parse_format,
};


/* --- access_log ------------------------------------------------------------------- */

/* Parses the first argument, the target of the log. */
static const char *
parse_target(struct conf *cf, struct access_log *log)
{
    const char *error = NULL;
    str_t       to = cf->args[1];

    if (str_starts(to, STR("syslog:"))) {
        log->syslog = syslog_open(cf->arena, str_from(to, 7), &error);
        return log->syslog ? NULL : conf_error(cf, "%s", error);
    }
    if (str_chr(to, '$') == NULL) {
        log->file = generation_log_file(cf->gen, conf_path_prefix(cf, to));
        return NULL;
    }
    log->path = expr_compile(cf, conf_path_prefix(cf, to), EXPR_Z, &error);
    return log->path ? NULL : conf_error(cf, "%s", error);
}


static const char *
parse_gzip(struct conf *cf, struct log_buffer_options *o, str_t arg)
{
    uint64_t level = 1;

    if (arg.n > 4 && (!number_parse(str_from(arg, 5), 9, &level) || level == 0))
        return conf_error(cf, "invalid compression level \"" STR_F "\"",
                          STR_A(str_from(arg, 5)));
    o->level = (int) level;
    if (o->size == 0)
        o->size = GZIP_BUFFER;
    return NULL;
}


static const char *
parse_parameter(struct conf *cf, struct access_log *log,
                struct log_buffer_options *o, str_t arg)
{
    const char *error = NULL;
    str_t       value;

    if (conf_param(arg, "buffer", &value)) {
        if (!number_size(value, false, &o->size) || o->size == 0)
            return conf_error(cf, "invalid buffer size \"" STR_F "\"",
                              STR_A(value));
        return NULL;
    }
    if (conf_param(arg, "flush", &value)) {
        if (!number_time(value, false, &o->flush) || o->flush == 0)
            return conf_error(cf, "invalid flush time \"" STR_F "\"",
                              STR_A(value));
        return NULL;
    }
    if (str_is(arg, "gzip") || str_starts(arg, STR("gzip=")))
        return parse_gzip(cf, o, arg);
    if (conf_param(arg, "if", &value)) {
        log->condition = expr_compile(cf, value, 0, &error);
        return log->condition ? NULL : conf_error(cf, "%s", error);
    }
    return conf_error(cf, "invalid parameter \"" STR_F "\"", STR_A(arg));
}


static const char *
attach_buffer(struct conf *cf, const struct access_log *log,
              const struct log_buffer_options *o)
{
    struct access_log_main *m = conf_main(cf, &access_log_module);

    if (o->flush != 0 && o->size == 0)
        return conf_error(cf,
                          "no buffer is defined for access_log \"" STR_F "\"",
                          STR_A(cf->args[1]));
    if (o->size != 0 && log->path != NULL)
        return conf_error(cf, "buffered logs cannot have variables in name");
    if (o->size != 0 && log->syslog != NULL)
        return conf_error(cf, "logs to syslog cannot be buffered");
    if (log->file != NULL
        && !log_buffer_attach(cf->arena, log->file, o, &m->log))
        return conf_error(cf,
                          "access_log \"" STR_F "\" already defined with "
                          "conflicting parameters",
                          STR_A(cf->args[1]));
    return NULL;
}


static const char *
parse_access_log(struct conf *cf, void *field)
{
    struct access_logs       *logs = field;
    struct access_log         log = { .setting = cf->block->settings };
    struct log_buffer_options options = { .size = 0 };
    const char               *error;
    str_t                     name = STR("combined");

    if (str_is(cf->args[1], "off")) {
        logs->is_off = true;
        if (cf->n_args == 2)
            return NULL;
        return conf_error(cf, "invalid parameter \"" STR_F "\"",
                          STR_A(cf->args[2]));
    }
    error = parse_target(cf, &log);
    if (error != NULL)
        return error;

    if (cf->n_args > 2)
        name = cf->args[2];
    log.format = find_format(cf, name);
    if (log.format == NULL)
        return conf_error(cf, "unknown log format \"" STR_F "\"", STR_A(name));

    for (unsigned i = 3; i < cf->n_args && error == NULL; i++)
        error = parse_parameter(cf, &log, &options, cf->args[i]);
    if (error == NULL)
        error = attach_buffer(cf, &log, &options);
    if (error == NULL)
        *vec_push(cf->arena, &logs->list) = log;
    return error;
}


static const struct conf_type access_log_type = {
    .name = "access log",
    .size = sizeof(struct access_logs),
    .parse = parse_access_log,
};


/* --- open_log_file_cache ------------------------------------------------------------ */

static const char *
parse_cache(struct conf *cf, void *field)
{
    struct log_cache **cache = field;
    uint64_t           max = 0, min_uses = 1, inactive = 10000, valid = 60000;
    str_t              v;
    bool               is_good;

    if (cf->n_args == 2 && str_is(cf->args[1], "off"))
        return NULL;
    for (unsigned i = 1; i < cf->n_args; i++) {
        str_t arg = cf->args[i];

        if (conf_param(arg, "max", &v))
            is_good = number_parse(v, INT32_MAX, &max);
        else if (conf_param(arg, "inactive", &v))
            is_good = number_time(v, false, &inactive);
        else if (conf_param(arg, "min_uses", &v))
            is_good = number_parse(v, INT32_MAX, &min_uses);
        else if (conf_param(arg, "valid", &v))
            is_good = number_time(v, false, &valid);
        else
            is_good = false;
        if (!is_good)
            return conf_error(cf,
                              "invalid \"open_log_file_cache\" parameter "
                              "\"" STR_F "\"",
                              STR_A(arg));
    }
    if (max == 0)
        return conf_error(cf, "\"open_log_file_cache\" must have \"max\" "
                              "parameter");
    *cache = log_cache_new(cf->arena, max, inactive, min_uses, valid);
    return NULL;
}


static const struct conf_type cache_type = {
    .name = "open_log_file_cache",
    .size = sizeof(struct log_cache *),
    .parse = parse_cache,
    .unset = "off",
};


/* --- the log of servers that name none ------------------------------------------------ */

static bool
needs_fallback(const struct conf_block *b)
{
    const struct access_log_conf *conf;

    if (b->kind == IN_SERVER) {
        conf = confs_get(b->conf, &access_log_module);
        return conf->logs.list.n == 0 && !conf->logs.is_off;
    }
    for (b = b->first; b != NULL; b = b->next) {
        if (needs_fallback(b))
            return true;
    }
    return false;
}


static const char *
make_fallback(struct conf *cf, void *conf)
{
    const struct log_buffer_options none = { .size = 0 };
    struct access_log_main         *m = conf;
    enum serves_kind                kind = cf->kind;
    struct access_log              *log;

    arena_defer(cf->arena, log_line_free, &m->line);
    if (!needs_fallback(cf->gen->root))
        return NULL;
    cf->kind = CONF_HTTP;
    log = vec_push(cf->arena, &m->fallback.list);
    log->format = find_format(cf, STR("combined"));
    log->file = generation_log_file(
        cf->gen, conf_path_prefix(cf, STR(WEIR_HTTP_LOG_PATH)));
    cf->kind = kind;
    (void) log_buffer_attach(cf->arena, log->file, &none, &m->log);
    return NULL;
}


static const struct directive directives[] = {
    { "log_format", IN_HTTP | ROW_MANY, ARGS_2_OR_MORE, &format_type, 0, NULL,
      NULL, "name [escape=default|json|none] string ...",
      "Names a format for access_log: text with variables, in one or more "
      "parts. escape chooses how values are escaped: as \\xXX unless json or "
      "none is given." },
    CUSTOM("access_log", IN_WEB | IN_IF | IN_LIMIT_EXCEPT | ROW_MANY,
           ARGS_1_OR_MORE, access_log_type, struct access_log_conf, logs,
           struct access_logs,
           "path [format [buffer=size] [gzip[=level]] [flush=time] "
           "[if=condition]]\n"
           "syslog:server=address[,parameter=value] [format "
           "[if=condition]]\n"
           "off",
           "Where requests are logged, and in which format (default "
           "combined). There may be several; a block with one inherits none "
           "from outer blocks. Lines may be buffered, compressed, or left out "
           "if if= is empty or 0. The format json is an object of typed "
           "values, unless a log_format has this name. Without any "
           "access_log, the log path of the build is used."),
    CUSTOM("open_log_file_cache", IN_WEB, ARGS_1 | ARGS_2 | ARGS_3 | ARGS_4,
           cache_type, struct access_log_conf, cache, struct log_cache *,
           "max=number [inactive=time] [min_uses=number] [valid=time]\n"
           "off",
           "Keeps logs open whose paths have variables. off, the default, "
           "opens the log for each line."),
    FLAG("log_subrequest", IN_WEB, struct access_log_conf, logs_subrequests,
         "off", "Whether subrequests are logged like requests."),
    { .name = NULL },
};

struct module access_log_module = {
    .name = "log",
    .serves = FOR_HTTP,
    .directives = directives,
    .conf_size = sizeof(struct access_log_conf),
    .main_size = sizeof(struct access_log_main),
    .main_ready = make_fallback,
    .phase = { [PHASE_LOG] = log_request },
    .acts_unset = true,
};
