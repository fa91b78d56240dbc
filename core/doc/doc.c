/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * "weir doc NAME": documentation of a directive or variable, and with -c its
 * values in a configuration.
 */
#include "core/doc/doc.h"
#include "core/os/resolve.h"

struct request {
    struct doc               doc;
    struct arena            *arena;
    str_t                    name; /* as given; STR_NONE: all names          */
    str_t                    word; /* -k: to be looked for, or STR_NONE      */
    bool                     is_json;
    const struct generation *gen; /* NULL: without a configuration           */
    struct doc_json         *json;
    bool                     has_printed;
};


static bool
read_arguments(struct request *q, char **argv)
{
    for (; *argv != NULL; argv++) {
        if (strcmp(*argv, "--json") == 0) {
            q->is_json = true;
        } else if (strcmp(*argv, "-k") == 0 && argv[1] != NULL
                   && argv[1][0] != '\0') {
            q->word = str_of(*++argv);
        } else if (q->name.p == NULL && **argv != '-' && **argv != '\0') {
            q->name = str_of(*argv);
        } else {
            fprintf(stderr, "%s: doc: unexpected argument \"%s\"\n",
                    log_program, *argv);
            return false;
        }
    }
    return true;
}


/* A blank line between one and the next. */
static void
begin(struct request *q)
{
    if (q->has_printed && !q->is_json)
        putchar('\n');
    q->has_printed = true;
}


static void
tell_directive(struct request *q, const struct doc_directive *d)
{
    struct doc_found found;
    bool             has_found = q->gen != NULL && q->name.p != NULL;

    begin(q);
    if (has_found)
        doc_find_places(q->arena, q->gen, d, &found);
    if (q->is_json)
        doc_json_directive(q->json, d, has_found ? &found : NULL);
    else
        doc_print_directive(q->arena, d, has_found ? &found : NULL);
}


/* v NULL: one that the configuration defines. */
static void
tell_variable(struct request *q, const struct doc_variable *v, str_t name)
{
    struct doc_uses  uses;
    struct doc_uses *found = NULL;

    begin(q);
    if (q->gen != NULL && q->name.p != NULL) {
        doc_find_uses(q->arena, q->gen, name,
                      v != NULL && str_eq(name, str_of(v->row->name))
                          && doc_is_family(v),
                      &uses);
        found = &uses;
    }
    if (q->is_json)
        doc_json_variable(q->json, v, name, found);
    else if (v != NULL)
        doc_print_variable(q->arena, v, name, found);
    else
        doc_print_own(q->arena, name, found);
}


static void
tell_all(struct request *q)
{
    if (!q->is_json) {
        doc_print_list(&q->doc);
        return;
    }
    VEC_EACH(&q->doc.directives, d)
        tell_directive(q, d);
    VEC_EACH(&q->doc.variables, v)
        tell_variable(q, v, str_of(v->row->name));
}


static bool
is_made(const struct request *q, str_t name)
{
    if (q->gen == NULL)
        return false;
    for (int kind = CONF_MAIN; kind <= CONF_MAIL; kind++)
        if (var_find(q->gen, (enum serves_kind) kind, name) != NULL)
            return true;
    return false;
}


/* "$name" can only be a variable, "name" also a directive. */
static void
tell(struct request *q)
{
    bool  is_variable = q->name.p[0] == '$';
    str_t name = str_copy(q->arena, str_from(q->name, is_variable));
    const struct doc_variable *v;

    str_lower_to((char *) (uintptr_t) name.p, name);
    if (!is_variable)
        VEC_EACH(&q->doc.directives, d)
            if (str_eq(d->name, q->name))
                tell_directive(q, d);
    v = doc_find_variable(&q->doc, name);
    if (v != NULL && doc_is_family(v) && q->has_printed)
        v = NULL; /* only begins like one */
    if (v != NULL)
        tell_variable(q, v, name);
    else if (!q->has_printed && is_made(q, name))
        tell_variable(q, NULL, name);
}


/* A name that ends in "_" is what others begin with; families of variables
 * have a page. */
static bool
is_prefix(const struct doc *d, str_t name)
{
    const struct doc_variable *family;

    if (name.n < 2 || name.p[name.n - 1] != '_')
        return false;
    name = str_from(name, name.p[0] == '$');
    family = doc_find_variable(d, name);
    return family == NULL || !str_eq(name, str_of(family->row->name));
}


static bool
is_found(const struct request *q, str_t name, str_t says)
{
    str_t prefix = q->name;

    if (q->word.p != NULL)
        return str_ifind(name, q->word) != NULL
               || str_ifind(says, q->word) != NULL;
    if (prefix.p[0] == '$')
        prefix = str_from(prefix, 1);
    return str_starts(name, prefix);
}


/* A line for each name that is found; 1: there is none. */
static int
search(struct request *q)
{
    bool  wants_both = q->word.p != NULL || q->name.p[0] != '$';
    bool  has_any = false;
    str_t last = STR("");

    VEC_EACH(&q->doc.directives, d)
        if (wants_both && !str_eq(d->name, last)
            && is_found(q, d->name, str_of(d->row->says)))
        {
            last = d->name;
            doc_print_brief(d->name, "", str_of(d->row->says));
            has_any = true;
        }
    VEC_EACH(&q->doc.variables, v)
        if (is_found(q, str_of(v->row->name), str_of(v->row->says))) {
            doc_print_brief(str_of(v->row->name), "$", str_of(v->row->says));
            has_any = true;
        }
    if (has_any)
        return 0;
    fprintf(stderr, "%s: doc: nothing is found for \"" STR_F "\"\n",
            log_program, STR_A(q->word.p != NULL ? q->word : q->name));
    return 1;
}


static int
answer(struct request *q)
{
    doc_gather(&q->doc, q->arena);
    if (!q->is_json && (q->word.p != NULL || is_prefix(&q->doc, q->name)))
        return search(q);
    if (q->is_json)
        q->json = doc_json_open(q->arena);
    if (q->name.p == NULL)
        tell_all(q);
    else
        tell(q);
    if (q->is_json)
        doc_json_close(q->json);
    if (q->name.p == NULL || q->has_printed)
        return 0;
    doc_report_unknown(&q->doc, q->name);
    return 1;
}


static int
run(struct conf_paths *paths, char **argv)
{
    struct request     q = { .arena = NULL };
    struct generation *g = NULL;
    int                rc = 1;

    if (!read_arguments(&q, argv))
        return 1;
    q.arena = arena_new(65536);
    if (paths->has_conf_file) {
        resolve_go_offline();
        g = generation_read(paths, &log_start);
        q.gen = g;
    }
    if (!paths->has_conf_file || g != NULL)
        rc = answer(&q);
    generation_put(g);
    arena_free(q.arena);
    return rc;
}


static const struct command doc = {
    .name = "doc",
    .usage = "[NAME | PREFIX_ | -k WORD] [-c FILE] [--json]",
    .says = "explains a directive or variable; with -c where it is set",
    .options = "  NAME      a directive, or a variable ($name)\n"
               "  PREFIX_   all names that begin so, as in proxy_\n"
               "  -k WORD   all that speak of the word\n"
               "  -c FILE   what this configuration makes of it\n"
               "  --json    the same as an object\n",
    .run = run,
};

struct module doc_module = {
    .name = "doc",
    .command = &doc,
};
