/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ${env:NAME} and ${env:NAME:-default} in the words of a configuration: the
 * value that the variable has in the environment of the process that reads
 * it, as if it stood there.  As in a shell, the default is also for variables
 * that are set to nothing.
 */
#include <stdlib.h>

#include "core/conf/reader.h"

#define MARK "${env:"


/* The length of the variable's name at the start of s. */
static size_t
name_length(str_t s)
{
    size_t n = 0;

    while (n < s.n
           && (s.p[n] == '_' || (s.p[n] >= 'A' && s.p[n] <= 'Z')
               || (s.p[n] >= 'a' && s.p[n] <= 'z')
               || (n != 0 && s.p[n] >= '0' && s.p[n] <= '9')))
        n++;
    return n;
}


static void
note_value(struct conf *cf, str_t name, str_t value)
{
    struct env_value *e = arena_make(cf->arena, struct env_value);

    e->name = str_copy(cf->arena, name);
    e->value = str_copy(cf->arena, value);
    e->next = cf->gen->env;
    cf->gen->env = e;
}


/* Replaces what is between MARK and the closing bracket by its value. */
static const char *
value_of(struct conf *cf, str_t inner, str_t *value)
{
    size_t      n = name_length(inner);
    str_t       rest = str_from(inner, n);
    const char *name, *found;

    if (n == 0 || (rest.n != 0 && !str_starts(rest, STR(":-"))))
        return conf_error(cf,
                          "invalid environment variable in \"" MARK STR_F "}\"",
                          STR_A(inner));
    name = str_z(cf->reader->words, (str_t){ inner.p, n });
    found = getenv(name);
    if (rest.n != 0 && (found == NULL || *found == '\0')) {
        *value = str_from(rest, 2);
        return NULL;
    }
    *value = str_of(found);
    if (found != NULL)
        note_value(cf, str_of(name), *value);
    return found
               ? NULL
               : conf_error(cf, "environment variable \"%s\" is not set", name);
}


static const char *
expand(struct conf *cf, str_t *word)
{
    struct arena *a = cf->reader->words;
    const char   *mark, *end, *error;
    str_t         done = STR(""), rest = *word, value;

    while ((mark = str_find(rest, STR(MARK))) != NULL) {
        done = str_join(a, done, str_span(rest.p, mark));
        rest = str_span(mark + sizeof(MARK) - 1, rest.p + rest.n);
        end = str_chr(rest, '}');
        if (end == NULL)
            return conf_error(
                cf, "the closing bracket of \"" MARK STR_F "\" is missing",
                STR_A(rest));
        error = value_of(cf, str_span(rest.p, end), &value);
        if (error != NULL)
            return error;
        done = str_join(a, done, value);
        rest = str_span(end + 1, rest.p + rest.n);
    }
    if (rest.p != word->p)
        *word = str_of(str_z(a, str_join(a, done, rest)));
    return NULL;
}


/* The words as they are, where one has a value of the environment to come. */
static const str_t *
copy_words(struct conf *cf)
{
    const struct lexer *lx = cf->reader->lexer;
    str_t              *copy = NULL;

    VEC_EACH(&lx->words, w)
        if (str_find(w->text, STR(MARK)) != NULL)
            copy = arena_array(cf->arena, str_t, lx->words.n);
    for (size_t i = 0; copy != NULL && i < lx->words.n; i++)
        copy[i] = str_copy(cf->arena, lx->words.at[i].text);
    return copy;
}


const char *
env_expand(struct conf *cf)
{
    const char *error = NULL, *first = NULL;

    cf->reader->shown = copy_words(cf);
    VEC_EACH(&cf->reader->lexer->words, w) {
        if (str_find(w->text, STR(MARK)) != NULL)
            error = expand(cf, &w->text);
        if (first == NULL)
            first = error;
    }
    return first;
}
