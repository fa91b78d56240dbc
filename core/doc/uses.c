/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a configuration uses a variable, found in the words of its settings.
 * Which word of a directive is the name of a variable that it defines follows
 * from its syntax: "$variable" at the start or the end.  Named captures define
 * variables, too.  Lines of data blocks are not settings: of these, only the
 * first use of a variable is known.
 */
#include "core/doc/doc.h"

struct search {
    struct arena    *arena;
    str_t            name;
    bool             is_family; /* all that begin with name                  */
    struct doc_uses *uses;
};


/* Whether the text behind a "$" or "${" is the name. */
static bool
names_it(const struct search *s, str_t text)
{
    size_t n;

    if (text.n != 0 && text.p[0] == '{')
        text = str_from(text, 1);
    n = var_name_length(text);
    return str_istarts(text, s->name)
           && (n == s->name.n || (s->is_family && n > s->name.n));
}


static bool
mentions(const struct search *s, str_t word)
{
    const char *dollar;

    while ((dollar = str_chr(word, '$')) != NULL) {
        word = str_from(word, (size_t) (dollar - word.p) + 1);
        if (names_it(s, word))
            return true;
    }
    return false;
}


/* "(?<name>" and the two other forms of it. */
static bool
captures(const struct search *s, str_t word)
{
    const char *at;

    while ((at = str_find(word, STR("(?"))) != NULL) {
        word = str_from(word, (size_t) (at - word.p) + 2);
        if (word.n != 0 && word.p[0] == 'P')
            word = str_from(word, 1);
        if (word.n != 0 && (word.p[0] == '<' || word.p[0] == '\'')
            && var_name_length(str_from(word, 1)) == s->name.n
            && names_it(s, str_from(word, 1)))
            return true;
    }
    return false;
}


/* The word of a setting that names what it defines, or 0. */
static unsigned
defining_word(const struct setting *s)
{
    str_t syntax = str_of(s->row->syntax), mark = STR("$variable");

    if (syntax.n == 0 || s->n_args < 2)
        return 0;
    if (str_starts(syntax, mark))
        return 1;
    return str_ends(syntax, mark) ? s->n_args - 1 : 0;
}


static void
look_at(const struct search *s, const struct setting *setting)
{
    unsigned defining = defining_word(setting);
    bool     defines = false, is_used = false;

    for (unsigned i = 1; i < setting->n_args; i++) {
        str_t word = setting->args[i];

        if (captures(s, word))
            defines = true;
        if (!mentions(s, word))
            continue;
        if (i == defining)
            defines = true;
        else
            is_used = true;
    }
    if (defines || is_used)
        *vec_push(s->arena, &s->uses->list)
            = (struct doc_use){ .setting = setting,
                                .file = setting->file,
                                .line = setting->line,
                                .defines = defines };
}


/* The last setting comes first. */
static void
look_through(const struct search *s, const struct setting *settings)
{
    VEC(const struct setting *) list = { 0 };

    for (; settings != NULL; settings = settings->next)
        *vec_push(s->arena, &list) = settings;
    for (size_t i = list.n; i-- > 0;)
        look_at(s, list.at[i]);
}


static void
search_block(const struct search *s, const struct conf_block *b)
{
    look_through(s, b->settings);
    for (b = b->first; b != NULL; b = b->next)
        search_block(s, b);
}


static bool
is_noted(const struct doc_uses *uses, const struct var *v)
{
    VEC_EACH(&uses->list, it)
        if (it->line == v->line && it->file != NULL && v->file != NULL
            && strcmp(it->file, v->file) == 0)
            return true;
    return false;
}


void
doc_find_uses(struct arena *a, const struct generation *g, str_t name,
              bool is_family, struct doc_uses *out)
{
    struct search     s = { .arena = a, .name = name, .uses = out };
    const struct var *v;

    *out = (struct doc_uses){ .list = { 0 } };
    s.is_family = is_family;
    search_block(&s, g->root);
    for (int kind = CONF_MAIN; kind <= CONF_MAIL; kind++) {
        v = var_find(g, (enum serves_kind) kind, name);
        if (v != NULL && v->file != NULL && !is_noted(out, v))
            *vec_push(a, &out->list)
                = (struct doc_use){ .file = v->file, .line = v->line };
    }
}
