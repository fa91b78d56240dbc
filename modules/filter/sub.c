/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sub: replaces texts in responses, ignoring case.
 *
 *     sub_filter '<a href="http://127.0.0.1:8080/' '<a href="https://$host/';
 *     sub_filter $arg_from $arg_to;
 *     sub_filter_once off;
 *
 * One pass serves all texts (core/base/search.h); where none of them has
 * variables, its tables are made with the configuration.  Memory: twice the
 * longest text, and the replacements, each evaluated once.
 */
#include "http/types.h"
#include "modules/filter/replacer.h"
#include "modules/module.h"

struct sub_pair {
    struct expr *search, *replacement;
};

struct sub_conf {
    VEC(struct sub_pair) pairs;
    struct mime_set     *types;
    bool                 is_once, keeps_last_modified;
    struct search       *search; /* NULL: some text has variables            */
};

/* What a text is replaced by in a response. */
struct replaced {
    const struct expr *by;
    str_t              value;
    bool               is_known; /* value was evaluated                      */
};

struct sub_state {
    struct replacer      replacer;
    struct http_request *r;
    struct replaced     *texts; /* by their numbers in the search            */
};

extern struct module sub_module;


static const char *
parse_pair(struct conf *cf, void *field)
{
    struct sub_conf *c = container_of(field, struct sub_conf, pairs);
    struct sub_pair *pair;
    const char      *error = NULL;

    if (cf->args[1].n == 0)
        return conf_error(cf, "empty search pattern");
    pair = vec_push(cf->arena, &c->pairs);
    pair->search = expr_compile(cf, cf->args[1], 0, &error);
    if (error == NULL)
        pair->replacement = expr_compile(cf, cf->args[2], 0, &error);
    return error;
}


static const struct conf_type pair_type = {
    .name = "replacements",
    .size = sizeof(((struct sub_conf *) 0)->pairs),
    .parse = parse_pair,
};

static const struct directive rows[] = {
    { "sub_filter", IN_WEB | ROW_MANY, ARGS_2, &pair_type,
      offsetof(struct sub_conf, pairs), NULL, NULL, "string replacement",
      "Replaces a text in responses, ignoring case; both may have variables. "
      "Several are replaced in one pass: of those that begin at the same "
      "place, the first one." },
    FLAG("sub_filter_once", IN_WEB, struct sub_conf, is_once, "on",
         "Replaces each text once, or else everywhere."),
    MIME_SET("sub_filter_types", IN_WEB, struct sub_conf, types, NULL,
             "The media types to which sub_filter applies, besides text/html; "
             "* is any."),
    FLAG("sub_filter_last_modified", IN_WEB, struct sub_conf,
         keeps_last_modified, "off",
         "Keeps Last-Modified, and a weak ETag, of responses in which texts "
         "are replaced."),
    { .name = NULL },
};


/* --- searches ------------------------------------------------------------ */

static str_t
lower(struct arena *a, str_t s)
{
    char *p = arena_bytes(a, s.n);

    str_lower_to(p, s);
    return (str_t){ p, s.n };
}


/* Makes the search where no text has variables. */
static const char *
ready(struct conf *cf, void *conf)
{
    struct sub_conf *c = conf;
    str_t           *texts = arena_array(cf->arena, str_t, c->pairs.n);
    size_t           i;

    c->search = NULL;
    for (i = 0; i < c->pairs.n; i++) {
        if (!expr_is_constant(c->pairs.at[i].search))
            return NULL;
        texts[i] = lower(cf->arena, expr_text(c->pairs.at[i].search));
    }
    if (c->pairs.n != 0)
        c->search = search_new(cf->arena, texts, (unsigned) c->pairs.n);
    return NULL;
}


/* The search of a response whose texts have variables, without those that are
 * empty.  NULL: all are. */
static struct search *
make_search(struct http_request *r, const struct sub_conf *c,
            struct sub_state *s, unsigned *n)
{
    struct arena *a = r->task.arena;
    str_t        *texts = arena_array(a, str_t, c->pairs.n), text;

    *n = 0;
    VEC_EACH(&c->pairs, pair) {
        text = expr_eval(pair->search, &r->task);
        if (text.n == 0)
            continue;
        texts[*n] = lower(a, text);
        s->texts[(*n)++].by = pair->replacement;
    }
    return *n != 0 ? search_new(a, texts, *n) : NULL;
}


/* --- the filter ---------------------------------------------------------- */

static str_t
evaluate(void *arg, unsigned which)
{
    struct sub_state *s = arg;
    struct replaced  *t = &s->texts[which];

    if (!t->is_known)
        t->value = expr_eval(t->by, &s->r->task);
    t->is_known = true;
    return t->value;
}


static const struct search *
choose_search(struct http_request *r, const struct sub_conf *c,
              struct sub_state *s, unsigned *n)
{
    size_t i;

    s->texts = arena_array(r->task.arena, struct replaced, c->pairs.n);
    if (c->search == NULL)
        return make_search(r, c, s, n);
    *n = (unsigned) c->pairs.n;
    for (i = 0; i < c->pairs.n; i++)
        s->texts[i].by = c->pairs.at[i].replacement;
    return c->search;
}


static void
abandon(void *state)
{
    struct sub_state *s = state;

    gather_end(&s->replacer.out);
}


static enum step
decide(struct http_request *r, void *state)
{
    const struct sub_conf *c = conf_of(&r->task, &sub_module);
    struct sub_state      *s = state;
    const struct search   *search;
    unsigned               n;

    if (c->pairs.n == 0 || r->out.length == 0
        || !mime_set_has(c->types, r->out.content_type))
        return STEP_NEXT;
    search = choose_search(r, c, s, &n);
    if (search == NULL)
        return STEP_NEXT;
    if (!replacer_init(&s->replacer, r->task.arena, search, n)) {
        log_error(r->task.log, "texts of sub_filter are too long");
        return http_fail(r, 500);
    }
    s->r = r;
    s->replacer.is_once = c->is_once;
    s->replacer.replacement = evaluate;
    s->replacer.arg = s;
    arena_defer(r->task.arena, abandon, s);
    http_renew_body(r, c->keeps_last_modified);
    return STEP_ACCEPT;
}


static enum step
replace_texts(struct http_request *r, void *state, struct chain *in,
              struct chain *out, bool last)
{
    struct sub_state *s = state;

    (void) r;
    replacer_put(&s->replacer, in, out, last);
    return STEP_NEXT;
}


static const struct http_filter filter
    = { .name = "sub",
        .state_size = sizeof(struct sub_state),
        .needs_memory = true,
        .head = decide,
        .body = replace_texts };

struct module sub_module = {
    .name = "http_sub",
    .serves = FOR_HTTP,
    .directives = rows,
    .conf_size = sizeof(struct sub_conf),
    .ready = ready,
    .filter = &filter,
};
