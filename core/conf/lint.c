/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The report of lint: calls the rules, and sorts their findings by place.
 * Those that comments silence are dropped.
 */
#include "core/conf/lint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/conf/lexer.h"
#include "core/conf/types.h"


/* --- comments ------------------------------------------------------------- */

void
lint_note(struct conf *cf, const struct lexer *lx)
{
    struct lint_ignore *it;
    str_t               text;

    VEC_EACH(&lx->comments, c) {
        text = str_trim(str_from(c->text, 1));
        if (!str_starts(text, STR("weir:ignore")))
            continue;
        text = str_from(text, sizeof("weir:ignore") - 1);
        it = arena_make(cf->arena, struct lint_ignore);
        it->file = cf->file;
        it->line = c->line;
        it->covers = c->is_ahead ? lx->line : c->line;
        it->names = str_copy(cf->arena, text);
        it->next = cf->gen->ignores;
        cf->gen->ignores = it;
    }
}


/* The next name of a comment; empty: there is none. */
static str_t
next_name(str_t *rest)
{
    str_t name;

    for (;;) {
        if (rest->p == NULL)
            return STR("");
        name = str_trim(str_cut(rest, ' '));
        if (name.n != 0 && name.p[name.n - 1] == '\r')
            name.n--;
        if (str_is(name, "--"))
            return STR("");
        if (name.n != 0)
            return name;
    }
}


static bool
has_name(str_t names, const char *name)
{
    str_t word;

    for (word = next_name(&names); word.n != 0; word = next_name(&names))
        if (str_eq(word, str_of(name)))
            return true;
    return false;
}


static str_t
covered_key(struct arena *a, const char *file, unsigned line)
{
    return arena_printf(a, "%u %s", line, file ? file : "");
}


static void
index_ignores(struct lint *l)
{
    struct lint_ignore *it;

    l->ignored = hash_new(l->arena, 64, HASH_EXACT);
    for (it = l->gen->ignores; it != NULL; it = it->next)
        it->same = hash_set(l->ignored,
                            covered_key(l->arena, it->file, it->covers), it);
}


static bool
is_covered(const struct lint *l, const char *file, unsigned line)
{
    const struct lint_ignore *it;

    if (hash_count(l->ignored) == 0)
        return false;
    it = hash_get(l->ignored, covered_key(l->arena, file, line));
    for (; it != NULL; it = it->same)
        if (has_name(it->names, l->rule->name))
            return true;
    return false;
}


static bool
is_ignored(const struct lint *l, const struct conf_block *b, const char *file,
           unsigned line)
{
    if (is_covered(l, file, line))
        return true;
    for (; b != NULL && b->up != NULL; b = b->up)
        if (is_covered(l, b->file, b->line))
            return true;
    return false;
}


/* --- findings ------------------------------------------------------------- */

__attribute__((format(printf, 6, 0))) static void
add(struct lint *l, const struct conf_block *b, const char *file, unsigned line,
    str_t cure, const char *fmt, va_list args)
{
    struct finding *f;
    str_t           message, key;

    if (is_ignored(l, b, file, line))
        return;
    message = arena_vprintf(l->arena, fmt, args);
    key = arena_printf(l->arena, "%s %s:%u " STR_F, l->rule->name,
                       file ? file : "", line, STR_A(message));
    if (hash_set(l->seen, key, l) != NULL)
        return;
    f = vec_push(l->arena, &l->findings);
    *f = (struct finding){ l->rule, file, line, message, cure };
}


void
lint_at(struct lint *l, const struct conf_block *b, const struct setting *s,
        str_t cure, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    add(l, b, s->file, s->line, cure, fmt, args);
    va_end(args);
}


void
lint_at_block(struct lint *l, const struct conf_block *b, str_t cure,
              const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    add(l, b, b->file, b->line, cure, fmt, args);
    va_end(args);
}


str_t
lint_place(struct lint *l, const struct setting *s)
{
    return s->file == NULL ? STR("the command line")
                           : arena_printf(l->arena, "%s:%u", s->file, s->line);
}


/* --- looking at settings --------------------------------------------------- */

static void
each_below(struct lint *l, const struct conf_block *b, unsigned kinds,
           void (*visit)(struct lint *l, const struct conf_block *b))
{
    if (b->kind & kinds)
        visit(l, b);
    for (b = b->first; b != NULL; b = b->next)
        each_below(l, b, kinds, visit);
}


void
lint_each_block(struct lint *l, unsigned kinds,
                void (*visit)(struct lint *l, const struct conf_block *b))
{
    each_below(l, l->gen->root, kinds, visit);
}


/* --- includes --------------------------------------------------------------- */

void
lint_note_include(struct conf *cf, str_t path)
{
    struct lint_include *it;

    if (!cf->gen->paths.lints)
        return;
    it = arena_make(cf->arena, struct lint_include);
    *it = (struct lint_include){ cf->gen->includes, cf->block, cf->file,
                                 cf->line, str_copy(cf->arena, path) };
    cf->gen->includes = it;
}


/* The folder that a pattern looks in, as far as it has no wildcards. */
static str_t
folder_of(struct arena *a, str_t pattern)
{
    size_t n = strcspn(pattern.p, "*?[");

    while (n > 1 && pattern.p[n - 1] != '/')
        n--;
    return str_of(str_z(a, (str_t){ pattern.p, n > 1 ? n - 1 : n }));
}


static void
check_includes(struct lint *l)
{
    const struct lint_include *it;

    for (it = l->gen->includes; it != NULL; it = it->next) {
        struct setting at = { .file = it->file, .line = it->line };
        str_t          folder = folder_of(l->arena, it->path);

        if (access(folder.p, F_OK) == -1 && errno == ENOENT)
            lint_at(l, it->block, &at,
                    STR("correct the path, or make the folder"),
                    "nothing is included: there is no folder \"" STR_F "\"",
                    STR_A(folder));
    }
}


/* --- the rules --------------------------------------------------------------- */

static void
collect_names(const struct lint_rule *rules, struct arena *a,
              struct vec_any *names)
{
    const struct lint_rule *r;

    for (r = rules; r != NULL && r->name != NULL; r++)
        *(const char **) vec_more(a, names, sizeof(char *)) = r->name;
}


/* The known name that is closest, or NULL. */
static const char *
closest(str_t name, const char *const *known, size_t n)
{
    unsigned    limit = name.n > 8 ? 3 : 2, best = limit + 1, d;
    const char *found = NULL;

    for (size_t i = 0; i < n; i++) {
        d = str_distance(name, str_of(known[i]), limit);
        if (d < best) {
            best = d;
            found = known[i];
        }
    }
    return found;
}


static bool
is_known(str_t name, const char *const *known, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(name, str_of(known[i])))
            return true;
    return false;
}


static void
check_ignore(struct lint *l, const struct lint_ignore *it,
             const char *const *known, size_t n)
{
    struct setting at = { .file = it->file, .line = it->line };
    str_t          rest = it->names, name = next_name(&rest), cure;
    const char    *near;

    if (name.n == 0)
        lint_at(l, NULL, &at, STR("name the rules to be silenced"),
                "\"weir:ignore\" names no rule");
    for (; name.n != 0; name = next_name(&rest)) {
        if (is_known(name, known, n))
            continue;
        near = closest(name, known, n);
        cure = near ? arena_printf(l->arena, "did you mean \"%s\"?", near)
                    : STR("remove it; reasons stand behind \"--\"");
        lint_at(l, NULL, &at, cure, "there is no rule \"" STR_F "\"",
                STR_A(name));
    }
}


static const struct lint_rule own_rules[3];


static void
check_ignores(struct lint *l)
{
    VEC(const char *)         names = { 0 };
    const struct lint_ignore *it;

    collect_names(own_rules, l->arena, (struct vec_any *) (void *) &names);
    for (unsigned i = 0; weir_modules[i] != NULL; i++)
        collect_names(weir_modules[i]->lint, l->arena,
                      (struct vec_any *) (void *) &names);
    for (it = l->gen->ignores; it != NULL; it = it->next)
        check_ignore(l, it, names.at, names.n);
}


static const struct lint_rule own_rules[] = {
    { "unknown-ignore", check_ignores },
    { "empty-include", check_includes },
    { NULL, NULL },
};


static void
run_rules(struct lint *l, const struct lint_rule *r)
{
    for (; r != NULL && r->name != NULL; r++) {
        l->rule = r;
        r->check(l);
    }
}


static int
by_place(const void *a, const void *b)
{
    const struct finding *x = a, *y = b;
    int order = strcmp(x->file ? x->file : "", y->file ? y->file : "");

    if (order == 0)
        order = (x->line > y->line) - (x->line < y->line);
    if (order == 0)
        order = strcmp(x->rule->name, y->rule->name);
    return order != 0 ? order : str_cmp(x->message, y->message);
}


void
lint_run(struct lint *l, const struct generation *g, struct arena *a)
{
    *l = (struct lint){ .gen = g, .arena = a };
    l->seen = hash_new(a, 64, HASH_EXACT);
    index_ignores(l);
    for (unsigned i = 0; weir_modules[i] != NULL; i++)
        run_rules(l, weir_modules[i]->lint);
    run_rules(l, own_rules);
    if (l->findings.n != 0)
        qsort(l->findings.at, l->findings.n, sizeof(*l->findings.at), by_place);
}


void
lint_print(const struct lint *l)
{
    VEC_EACH(&l->findings, f) {
        fprintf(stderr, "%s: [lint] %s: " STR_F, log_program, f->rule->name,
                STR_A(f->message));
        if (f->file != NULL)
            fprintf(stderr, " in %s:%u\n", f->file, f->line);
        else
            fprintf(stderr, " in command line\n");
        fprintf(stderr, "       cure: " STR_F "\n", STR_A(f->cure));
    }
}
