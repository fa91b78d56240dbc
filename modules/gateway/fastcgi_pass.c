/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fastcgi_pass: the application, and which of its scripts is asked.
 *
 *     location ~ \.php(/|$) {
 *         fastcgi_split_path_info ^(.+?\.php)(/.*)$;
 *         fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
 *         fastcgi_param PATH_INFO $fastcgi_path_info;
 *         fastcgi_pass unix:/run/php/php-fpm.sock;
 *     }
 */
#include "core/expr/regex.h"
#include "modules/gateway/fastcgi.h"

/* Of a request: its URI as it was split last. */
struct script {
    const struct fastcgi_target *target; /* NULL: it was not                 */
    str_t                        uri;
    str_t                        name, path_info;
};


static enum step
serve(struct task *t)
{
    const struct fastcgi_conf *conf = conf_of(t, &fastcgi_module);

    return pass_serve(t, &fastcgi_protocol, &conf->gateway,
                      conf_of(t, &fastcgi_pass_module));
}


static const struct content content = PASS_CONTENT("fastcgi_pass", serve);


/* A "." also stands for line breaks: else an encoded one would keep an
 * expression from matching, and a script would get an empty PATH_INFO. */
static const char *
parse_split(struct conf *cf, void *field)
{
    const char   *error = NULL;
    struct regex *re = regex_compile(cf, cf->args[1], REGEX_DOTALL, &error);

    if (re == NULL)
        return error;
    if (regex_groups(re) != 2)
        return conf_error(cf, "pattern \"" STR_F "\" must have 2 captures",
                          STR_A(cf->args[1]));
    *(struct regex **) field = re;
    return NULL;
}


static const struct conf_type split_type = {
    .name = "regular expression",
    .size = sizeof(struct regex *),
    .parse = parse_split,
    .unset = "none",
};


#define C struct fastcgi_target

static const struct directive directives[] = {
    PASS("fastcgi_pass", C, app.to, &content,
         "Passes requests to a FastCGI application: host:port, unix:path "
         "or the name of a group. May have variables."),
    PARAMS("fastcgi_param", C, app.params, APP_PARAM_SAYS),
    TEXT("fastcgi_index", IN_WEB, C, index, NULL, "name",
         "What is appended to a URI that ends with a slash, in "
         "$fastcgi_script_name."),
    CUSTOM("fastcgi_split_path_info", IN_WEB | ROW_MANY, ARGS_1, split_type, C,
           split, struct regex *, "regex",
           "Splits the URI: its two groups are $fastcgi_script_name and "
           "$fastcgi_path_info. A dot also matches line breaks."),
    { .name = NULL },
};

#undef C


/* --- variables ------------------------------------------------------------ */

static bool
split(struct task *t, struct script *s)
{
    str_t parts[2];

    s->name = s->uri;
    s->path_info = STR("");
    if (s->target->split == NULL)
        return true;
    switch (regex_split(s->target->split, t->log, s->uri, parts, 2)) {
    case REGEX_YES:
        s->name = parts[0];
        s->path_info = parts[1];
        return true;
    case REGEX_NO:
        return true;
    case REGEX_ERROR:
        break;
    }
    s->target = NULL;
    return false;
}


/* The URI split, once as long as it stays; NULL: it could not be judged. */
static const struct script *
script_of(struct task *t)
{
    struct http_request         *r = http_of(t);
    const struct fastcgi_target *target = conf_of(t, &fastcgi_pass_module);
    struct script               *s = http_state_of(r, &fastcgi_pass_module);

    if (s->target == target && s->uri.p == r->uri.p && s->uri.n == r->uri.n)
        return s;
    s->target = target;
    s->uri = r->uri;
    return split(t, s) ? s : NULL;
}


static str_t
get_script_name(struct task *t, uintptr_t arg)
{
    const struct script *s = script_of(t);

    (void) arg;
    if (s == NULL)
        return var_fail(t);
    if (s->name.n == 0 || s->name.p[s->name.n - 1] != '/')
        return s->name;
    return str_join(t->arena, s->name, s->target->index);
}


static str_t
get_path_info(struct task *t, uintptr_t arg)
{
    const struct script *s = script_of(t);

    (void) arg;
    return s == NULL ? var_fail(t) : s->path_info;
}


static const struct variable variables[] = {
    { "fastcgi_script_name", get_script_name, 0, VAR_VOLATILE, NULL,
      "the URI, or the first group of fastcgi_split_path_info; with "
      "fastcgi_index behind a slash" },
    { "fastcgi_path_info", get_path_info, 0, VAR_VOLATILE, NULL,
      "the second group of fastcgi_split_path_info" },
    { .name = NULL },
};


struct module fastcgi_pass_module = {
    .name = "fastcgi",
    .serves = FOR_HTTP,
    .directives = directives,
    .variables = variables,
    .conf_size = sizeof(struct fastcgi_target),
    .state_size = sizeof(struct script),
    .ready = app_ready,
};
