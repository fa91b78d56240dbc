/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * valid_referers: $invalid_referer is "1" if the page that refers to this one
 * is not among those listed, else empty.
 *
 *     valid_referers none blocked server_names *.example.com example.org/a ~\.google\.;
 *     if ($invalid_referer) { return 403; }
 */
#include "core/expr/table.h"
#include "modules/module.h"

enum { HOST_MAX = 256 };

struct referers {
    struct table             *hosts; /* to str_t: the start of the path     */
    VEC(struct regex *)       regexes;
    const struct http_server *server; /* its names are valid; or NULL        */
    bool                      takes_none, takes_blocked;
    bool                      has_hosts;
    const char               *file; /* of the first directive                */
    unsigned                  line;
};

struct referer_conf {
    struct referers *valid;
};

extern struct module referer_module;


/* Cuts off "http://" or "https://"; false when there is no such prefix, or the
 * value is too short for a host. */
static bool
cut_scheme(str_t *referer)
{
    if (referer->n < STR("http://i.ru").n)
        return false;
    if (str_istarts(*referer, STR("http://")))
        *referer = str_from(*referer, STR("http://").n);
    else if (str_istarts(*referer, STR("https://")))
        *referer = str_from(*referer, STR("https://").n);
    else
        return false;
    return true;
}


/* Whether the page is one of the valid ones. */
static enum regex_verdict
judge_page(const struct referers *v, struct task *t, str_t page)
{
    enum regex_verdict verdict = REGEX_NO;
    char               low[HOST_MAX];
    str_t              host = { low, 0 }, path;
    void              *start;

    while (host.n < page.n && page.p[host.n] != '/' && page.p[host.n] != ':')
        host.n++;
    if (host.n > sizeof(low))
        return REGEX_NO;
    str_lower_to(low, (str_t){ page.p, host.n });
    if (!table_find(v->hosts, t, host, &start))
        return REGEX_ERROR;
    if (start != NULL) {
        path = str_from(page, host.n);
        while (path.n != 0 && path.p[0] != '/')
            path = str_from(path, 1);
        return str_starts(path, *(const str_t *) start) ? REGEX_YES : REGEX_NO;
    }
    if (v->server != NULL)
        verdict = http_has_name(v->server, t->log, host);
    VEC_EACH(&v->regexes, it) {
        if (verdict != REGEX_NO)
            break;
        verdict = regex_try(*it, t->log, page);
    }
    return verdict;
}


static str_t
invalid_referer(struct task *t, uintptr_t arg)
{
    const struct referer_conf *c = conf_of(t, &referer_module);
    const struct referers     *v = c->valid;
    enum regex_verdict         verdict;
    str_t                      page;

    (void) arg;
    if (v == NULL)
        return STR("");
    page = fields_value(&http_of(t)->in, FIELD_REFERER);
    if (page.p == NULL)
        verdict = v->takes_none ? REGEX_YES : REGEX_NO;
    else if (!cut_scheme(&page))
        verdict = v->takes_blocked ? REGEX_YES : REGEX_NO;
    else
        verdict = judge_page(v, t, page);
    if (verdict == REGEX_ERROR)
        return var_fail(t);
    return verdict == REGEX_YES ? STR("") : STR("1");
}


/* --- reading ------------------------------------------------------------------ */

static const char *
add_regex(struct conf *cf, struct referers *v, str_t text)
{
    const char   *error = NULL;
    struct regex *regex;

    if (text.n == 1)
        return conf_error(cf, "empty regex in \"" STR_F "\"", STR_A(text));
    regex = regex_compile(cf, str_from(text, 1), REGEX_NOCASE, &error);
    if (regex == NULL)
        return conf_error(cf, "%s", error);
    *vec_push(cf->arena, &v->regexes) = regex;
    v->has_hosts = true;
    return NULL;
}


static const char *
add_host(struct conf *cf, struct referers *v, str_t text)
{
    const char *slash = str_chr(text, '/');
    str_t      *start = arena_make(cf->arena, str_t);

    *start = STR("");
    if (slash != NULL) {
        *start = str_span(slash, text.p + text.n);
        text = str_span(text.p, slash);
    }
    v->has_hosts = true;
    return table_add(cf, v->hosts, text, true, start);
}


static const char *
add_word(struct conf *cf, struct referers *v, str_t word)
{
    if (word.n == 0) {
        return conf_error(cf, "invalid referer \"\"");
    } else if (str_is(word, "none")) {
        v->takes_none = true;
    } else if (str_is(word, "blocked")) {
        v->takes_blocked = true;
    } else if (str_is(word, "server_names")) {
        v->server = cf->block->server;
        v->has_hosts = true;
    } else if (word.n != 0 && word.p[0] == '~') {
        return add_regex(cf, v, word);
    } else {
        return add_host(cf, v, word);
    }
    return NULL;
}


static const char *
parse_valid(struct conf *cf, void *field)
{
    struct referers **slot = field, *v = *slot;
    const char       *error = NULL;

    if (v == NULL) {
        v = *slot = arena_make(cf->arena, struct referers);
        v->hosts = table_new(cf->arena);
        v->file = cf->file;
        v->line = cf->line;
    }
    for (unsigned i = 1; i < cf->n_args && error == NULL; i++)
        error = add_word(cf, v, cf->args[i]);
    return error;
}


static const char *
check_hosts(struct conf *cf, void *conf)
{
    const struct referers *v = ((struct referer_conf *) conf)->valid;

    if (v != NULL && !v->has_hosts)
        conf_error_bare(cf, v->file, v->line,
                        "the \"none\" or \"blocked\" referers are specified "
                        "in the \"valid_referers\" directive without any "
                        "valid referer");
    return NULL;
}


static const struct conf_type valid_type = {
    .name = "referers",
    .size = sizeof(struct referers *),
    .parse = parse_valid,
};

static const struct directive directives[] = {
    { "valid_referers", IN_SERVER | IN_LOCATION | ROW_MANY, ARGS_1_OR_MORE,
      &valid_type, FIELD(struct referer_conf, valid, struct referers *), NULL,
      NULL, "none | blocked | server_names | string ...",
      "The valid hosts of Referer, for $invalid_referer: names with * at the "
      "start or end, optionally with a path, ~ expressions, none (no "
      "Referer), blocked (one without a scheme), server_names." },
    ACCEPTED("referer_hash_max_size", IN_SERVER | IN_LOCATION, conf_number,
             "size",
             "Accepted without effect: weir's tables grow by themselves."),
    ACCEPTED("referer_hash_bucket_size", IN_SERVER | IN_LOCATION, conf_number,
             "size",
             "Accepted without effect: weir's tables grow by themselves."),
    { .name = NULL },
};

static const struct variable variables[] = {
    { "invalid_referer", invalid_referer, 0, VAR_CHANGEABLE, NULL,
      "empty if valid_referers allows the Referer, else \"1\"" },
    { .name = NULL },
};

struct module referer_module = {
    .name = "referer",
    .serves = FOR_HTTP,
    .directives = directives,
    .variables = variables,
    .conf_size = sizeof(struct referer_conf),
    .ready = check_hosts,
};
