/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * match: what a response to a health check has to be.
 *
 *     match welcome {
 *         status 200-399;
 *         header Content-Type ~ "text/html";
 *         body ~ "Welcome";
 *         require $is_serving;
 *     }
 */
#include "modules/gateway/health_match.h"

enum test { IS_THERE, IS_MISSING, EQUALS, DIFFERS, MATCHES, MATCHES_NOT };

struct status_range {
    unsigned from, to;
};

struct header_test {
    str_t         name;
    enum test     test;
    str_t         value;
    struct regex *regex;
};

struct health_match {
    struct health_match     *next;
    str_t                    name;
    bool                     is_there;
    VEC(struct status_range) statuses;
    bool                     has_statuses, is_not_status;
    VEC(struct header_test)  headers;
    struct regex            *body;
    bool                     is_not_body;
    VEC(struct expr *)       required;
};

struct matches {
    struct health_match *first;
};


struct health_match *
health_match_named(struct conf *cf, str_t name)
{
    struct matches      *all = conf_main(cf, &health_match_module);
    struct health_match *m;

    for (m = all->first; m != NULL; m = m->next)
        if (str_eq(m->name, name))
            return m;
    m = arena_make(cf->arena, struct health_match);
    m->name = str_copy(cf->arena, name);
    m->next = all->first;
    return all->first = m;
}


bool
health_match_is_there(const struct health_match *m)
{
    return m->is_there;
}


struct health_match *
health_match_of(struct arena *a, unsigned classes)
{
    struct health_match *m = arena_make(a, struct health_match);

    m->is_there = m->has_statuses = true;
    for (unsigned i = 1; i <= 9; i++)
        if (classes & 1u << i)
            *vec_push(a, &m->statuses)
                = (struct status_range){ i * 100, i * 100 + 99 };
    return m;
}


/* --- reading --------------------------------------------------------------------- */

static const char *
open_match(struct conf *cf, void *field, void **state)
{
    struct health_match *m = health_match_named(cf, cf->args[1]);

    (void) field;
    if (m->is_there)
        return conf_error(cf, "duplicate match \"" STR_F "\"", STR_A(m->name));
    m->is_there = true;
    *state = m;
    return NULL;
}


static const char *
bad(struct conf *cf, str_t word)
{
    return conf_error(cf, "invalid parameter \"" STR_F "\"", STR_A(word));
}


static bool
read_range(str_t word, struct status_range *out)
{
    str_t    last = word, first = str_cut(&last, '-');
    uint64_t from, to;

    if (!number_parse(first, 999, &from))
        return false;
    to = from;
    if (last.p != NULL && !number_parse(last, 999, &to))
        return false;
    *out = (struct status_range){ (unsigned) from, (unsigned) to };
    return from >= 100 && to >= from;
}


static const char *
read_status(struct conf *cf, struct health_match *m)
{
    if (m->has_statuses)
        return conf_error(cf, "\"status\" directive is duplicate");
    m->has_statuses = true;
    for (unsigned i = 1; i < cf->n_args; i++) {
        str_t               word = cf->args[i];
        struct status_range range;

        if (i == 1 && word.n != 0 && word.p[0] == '!') {
            m->is_not_status = true;
            word = str_from(word, 1);
            if (word.n == 0 && cf->n_args > 2)
                continue;
        }
        if (!read_range(word, &range))
            return bad(cf, cf->args[i]);
        *vec_push(cf->arena, &m->statuses) = range;
    }
    return NULL;
}


static const char *
compile(struct conf *cf, str_t pattern, struct regex **out)
{
    const char *error = NULL;

    *out = regex_compile(cf, pattern, 0, &error);
    return *out != NULL ? NULL : error;
}


/* NAME; ! NAME; NAME = VALUE; != ~ !~ */
static const char *
read_header(struct conf *cf, struct health_match *m)
{
    static const struct {
        str_t     word;
        enum test test;
    } tests[] = { { STR_INIT("="), EQUALS },
                  { STR_INIT("!="), DIFFERS },
                  { STR_INIT("~"), MATCHES },
                  { STR_INIT("!~"), MATCHES_NOT } };
    struct header_test *h = vec_push(cf->arena, &m->headers);
    str_t               name = cf->args[1];

    *h = (struct header_test){ .name = name, .test = IS_THERE };
    if (name.n != 0 && name.p[0] == '!') {
        h->test = IS_MISSING;
        h->name = name.n == 1 && cf->n_args == 3 ? cf->args[2]
                                                 : str_from(name, 1);
        return h->name.n != 0 && cf->n_args <= 3 ? NULL : bad(cf, name);
    }
    if (cf->n_args == 2)
        return NULL;
    if (cf->n_args != 4)
        return conf_error(cf, "invalid number of arguments in \"header\"");
    h->value = cf->args[3];
    for (size_t i = 0; i < countof(tests); i++) {
        if (!str_eq(cf->args[2], tests[i].word))
            continue;
        h->test = tests[i].test;
        if (h->test == MATCHES || h->test == MATCHES_NOT)
            return compile(cf, h->value, &h->regex);
        return NULL;
    }
    return bad(cf, cf->args[2]);
}


static const char *
read_body(struct conf *cf, struct health_match *m)
{
    if (m->body != NULL)
        return conf_error(cf, "\"body\" directive is duplicate");
    if (cf->n_args != 3
        || (!str_is(cf->args[1], "~") && !str_is(cf->args[1], "!~")))
        return bad(cf, cf->args[1]);
    m->is_not_body = cf->args[1].p[0] == '!';
    return compile(cf, cf->args[2], &m->body);
}


static const char *
read_require(struct conf *cf, struct health_match *m)
{
    for (unsigned i = 1; i < cf->n_args; i++) {
        const char  *error = NULL;
        struct expr *e;

        if (cf->args[i].n < 2 || cf->args[i].p[0] != '$')
            return bad(cf, cf->args[i]);
        e = expr_compile(cf, cf->args[i], 0, &error);
        if (e == NULL)
            return error;
        *vec_push(cf->arena, &m->required) = e;
    }
    return NULL;
}


static const char *
read_line(struct conf *cf, void *state)
{
    static const struct {
        str_t word;
        const char *(*read)(struct conf *, struct health_match *);
    } lines[] = { { STR_INIT("status"), read_status },
                  { STR_INIT("header"), read_header },
                  { STR_INIT("body"), read_body },
                  { STR_INIT("require"), read_require } };

    for (size_t i = 0; i < countof(lines); i++) {
        if (!str_eq(cf->args[0], lines[i].word))
            continue;
        if (cf->n_args < 2)
            return conf_error(cf,
                              "invalid number of arguments in \"" STR_F "\"",
                              STR_A(cf->args[0]));
        return lines[i].read(cf, state);
    }
    return conf_error(cf, "unknown directive \"" STR_F "\"",
                      STR_A(cf->args[0]));
}


/* --- answers --------------------------------------------------------------------- */

bool
health_match_wants_body(const struct health_match *m)
{
    return m != NULL && m->body != NULL;
}


bool
health_match_wants_fields(const struct health_match *m)
{
    return m != NULL && (m->headers.n != 0 || m->required.n != 0);
}


bool
health_match_wants_request(const struct health_match *m)
{
    return m != NULL && m->required.n != 0;
}


static bool
has_status(const struct health_match *m, unsigned status)
{
    bool is_in = false;

    if (m == NULL)
        return status >= 200 && status < 400;
    if (!m->has_statuses)
        return true;
    VEC_EACH(&m->statuses, r)
        is_in |= status >= r->from && status <= r->to;
    return is_in != m->is_not_status;
}


static bool
is_like(const struct header_test *h, str_t value)
{
    return h->regex != NULL ? regex_test(h->regex, value)
                            : str_eq(h->value, value);
}


static bool
has_header(const struct header_test *h, const struct fields *fields)
{
    bool is_there = false, is_one = false;

    VEC_EACH(&fields->list, f) {
        if (!str_ieq(f->name, h->name))
            continue;
        is_there = true;
        is_one |= (h->test >= EQUALS) && is_like(h, f->value);
    }
    switch (h->test) {
    case IS_THERE:
        return is_there;
    case IS_MISSING:
        return !is_there;
    case EQUALS:
    case MATCHES:
        return is_one;
    case DIFFERS:
    case MATCHES_NOT:
        return !is_one;
    }
    return false;
}


str_t
health_match_refuses(struct arena *a, const struct health_match *m,
                     const struct health_answer *answer, const char **doing)
{
    *doing = "checking status code";
    if (!has_status(m, answer->status))
        return arena_printf(a, "%u " STR_F, answer->status,
                            STR_A(answer->reason));
    if (m == NULL)
        return STR("");
    *doing = "checking headers";
    VEC_EACH(&m->headers, h)
        if (!has_header(h, &answer->fields))
            return arena_printf(a, "header \"" STR_F "\"", STR_A(h->name));
    if (m->body == NULL)
        return STR("");
    *doing = "checking body";
    return regex_test(m->body, answer->body) != m->is_not_body
               ? STR("")
               : STR("it does not match");
}


str_t
health_match_misses(const struct health_match *m, struct http_request *r,
                    const char **doing)
{
    *doing = "checking required variables";
    VEC_EACH(&m->required, e)
        if (!expr_is_true(expr_eval(*e, &r->task)))
            return expr_text(*e);
    return STR("");
}


/* Names are used before their block may stand. */
static void
check_names(struct conf *cf)
{
    const struct matches *all = conf_main(cf, &health_match_module);

    for (const struct health_match *m = all->first; m != NULL; m = m->next)
        if (!m->is_there)
            conf_error_bare(cf, NULL, 0, "unknown match \"" STR_F "\"",
                            STR_A(m->name));
}


static const struct conf_lines match_lines
    = { .open = open_match, .line = read_line };

static const struct directive directives[] = {
    { "match", IN_HTTP | ROW_MANY, ARGS_1 | ARGS_BLOCK | ARGS_DATA, &conf_data,
      0, NULL, &match_lines, "name",
      "What a response to a health check (health_check match=) has to be, all "
      "of it: status codes and ranges, header and body tests (=, !=, ~, !~), "
      "variables that are required to be neither empty nor 0." },
    { .name = NULL },
};

struct module health_match_module = {
    .name = "upstream_health_match",
    .serves = FOR_HTTP,
    .directives = directives,
    .main_size = sizeof(struct matches),
    .settle = check_names,
};
