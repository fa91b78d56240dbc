/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directives of a configuration after it has been read, for explanations.
 * They follow the same flags of the rows as inheritance in resolve.c.
 */
#include "core/conf/types.h"


const struct setting *
setting_before(const struct setting *s)
{
    const struct setting *it;

    for (it = s->next; it != NULL; it = it->next)
        if (strcmp(it->row->name, s->row->name) == 0)
            return it;
    return NULL;
}


const struct setting *
setting_named(const struct conf_block *b, const char *name)
{
    const struct setting *s;

    for (s = b->settings; s != NULL; s = s->next)
        if (strcmp(s->row->name, name) == 0)
            return s;
    return NULL;
}


const struct setting *
setting_in_force(const struct conf_block *b, const char *name,
                 const struct conf_block **at)
{
    const struct setting *s;
    bool                  is_nameless = true, is_same = true;

    for (; b != NULL; b = b->up, is_same = false) {
        s = setting_named(b, name);
        if (s != NULL) {
            if ((s->row->where & ROW_OWN) && !is_same)
                return NULL;
            if ((s->row->where & ROW_NAMELESS) && !is_nameless)
                return NULL;
            if (at != NULL)
                *at = b;
            return s;
        }
        if (!(b->kind & (IN_IF | IN_LIMIT_EXCEPT | IN_SERVER_IF)))
            is_nameless = false;
    }
    return NULL;
}


/* Whether a word needs quotes. */
static bool
needs_quotes(str_t word)
{
    size_t i;

    if (word.n == 0)
        return true;
    for (i = 0; i < word.n; i++)
        if (strchr(" \t\r\n;{}\"'#", word.p[i]) != NULL)
            return true;
    return false;
}


static str_t
quote(struct arena *a, str_t word)
{
    char  *text = arena_bytes(a, 2 * word.n + 2), *p = text;
    size_t i;

    *p++ = '"';
    for (i = 0; i < word.n; i++) {
        if (word.p[i] == '"'
            || (word.p[i] == '\\' && i + 1 < word.n
                && strchr("\\\"'trn", word.p[i + 1]) != NULL))
            *p++ = '\\';
        *p++ = word.p[i];
    }
    *p++ = '"';
    return str_span(text, p);
}


str_t
setting_without_keys(struct arena *a, str_t value)
{
    const str_t begin = STR(" PRIVATE KEY-----"), end = STR("-----END");
    const char *from, *to;
    str_t       shown = STR("");

    while ((from = str_find(value, begin)) != NULL) {
        from += begin.n;
        shown = str_join3(a, shown, str_span(value.p, from), STR("..."));
        value = str_span(from, value.p + value.n);
        to = str_find(value, end);
        if (to == NULL)
            return shown;
        shown = str_join(a, shown, end);
        value = str_span(to + end.n, value.p + value.n);
        to = str_find(value, STR("-----"));
        if (to == NULL)
            return shown;
        shown = str_join(a, shown, str_span(value.p, to + 5));
        value = str_span(to + 5, value.p + value.n);
    }
    return str_join(a, shown, value);
}


str_t
setting_text(struct arena *a, const struct setting *s)
{
    str_t text = s->args[0], word;

    const str_t *args = s->shown != NULL ? s->shown : s->args;
    unsigned     i;

    for (i = 1; i < s->n_args; i++) {
        word = setting_without_keys(a, args[i]);
        if (needs_quotes(word) && str_find(word, STR("${env:")) == NULL)
            word = quote(a, word);
        text = str_join3(a, text, STR(" "), word);
    }
    return s->row->args & ARGS_BLOCK ? text : str_join(a, text, STR(";"));
}


void
trace_setting(struct task *t, unsigned kind, const char *verdict,
              const struct setting *s, const char *why)
{
    trace_tell(t, kind, verdict, s->file, s->line, why, STR_F,
               STR_A(setting_text(t->arena, s)));
}


void
trace_value(struct task *t, const struct setting *s, str_t name, str_t value)
{
    trace_tell(t, TRACE_VALUE, "is", s->file, s->line,
               arena_printf(t->arena, "by " STR_F, STR_A(s->args[0])).p,
               "$" STR_F " = \"" STR_F "\"", STR_A(name), STR_A(value));
}
