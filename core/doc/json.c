/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same facts for tools: one object, with the arrays "directives" and
 * "variables".  Blocks with equal values are not grouped.
 */
#include "core/base/escape.h"
#include "core/doc/doc.h"

struct doc_json {
    struct arena *arena;
    bool          has_member; /* of the object or array at hand           */
    bool          in_variables;
};


/* --- writing ---------------------------------------------------------------- */

static void
put_comma(struct doc_json *j)
{
    if (j->has_member)
        putchar(',');
    j->has_member = true;
}


static void
put_text(struct doc_json *j, str_t text)
{
    if (text.p == NULL)
        printf("null");
    else
        printf("\"" STR_F "\"", STR_A(escape_json(j->arena, text)));
}


static void
put_key(struct doc_json *j, const char *key)
{
    put_comma(j);
    printf("\"%s\":", key);
}


static void
put_member(struct doc_json *j, const char *key, str_t text)
{
    put_key(j, key);
    put_text(j, text);
}


static void
put_bool(struct doc_json *j, const char *key, bool value)
{
    put_key(j, key);
    printf(value ? "true" : "false");
}


static void
open_with(struct doc_json *j, char c)
{
    putchar(c);
    j->has_member = false;
}


static void
close_with(struct doc_json *j, char c)
{
    putchar(c);
    j->has_member = true;
}


static void
put_words(struct doc_json *j, const char *key, const words_t *words)
{
    put_key(j, key);
    open_with(j, '[');
    VEC_EACH(words, w) {
        put_comma(j);
        put_text(j, *w);
    }
    close_with(j, ']');
}


static void
put_place(struct doc_json *j, const char *file, unsigned line)
{
    put_member(j, "file", str_of(file));
    put_key(j, "line");
    printf("%u", line);
}


static void
put_module(struct doc_json *j, const struct doc_module *m)
{
    put_member(j, "module", str_of(m->name));
    put_member(j, "option",
               m->option[0] != '\0' ? str_of(m->option) : STR_NONE);
}


struct doc_json *
doc_json_open(struct arena *a)
{
    struct doc_json *j = arena_make(a, struct doc_json);

    j->arena = a;
    printf("{\"directives\":[");
    return j;
}


void
doc_json_close(struct doc_json *j)
{
    if (!j->in_variables)
        printf("],\"variables\":[");
    printf("]}\n");
}


/* --- directives ------------------------------------------------------------- */

static void
put_setting(struct doc_json *j, const struct setting *s)
{
    put_comma(j);
    open_with(j, '{');
    put_place(j, s->file, s->line);
    put_member(j, "text", setting_text(j->arena, s));
    close_with(j, '}');
}


static void
put_holds(struct doc_json *j, const struct doc_place *p)
{
    if (p->has_value) {
        put_comma(j);
        open_with(j, '{');
        put_member(j, "block", p->title);
        put_place(j, p->block->file, p->block->line);
        put_member(j, "inside", p->up != NULL ? p->up->title : STR_NONE);
        put_bool(j, "preset", p->values.n == 0);
        put_key(j, "values");
        open_with(j, '[');
        VEC_EACH(&p->values, s)
            put_setting(j, *s);
        close_with(j, ']');
        close_with(j, '}');
    }
    VEC_EACH(&p->inner, it)
        put_holds(j, *it);
}


static void
put_found(struct doc_json *j, const struct doc_found *found)
{
    put_key(j, "set");
    open_with(j, '[');
    VEC_EACH(&found->set, s)
        put_setting(j, *s);
    close_with(j, ']');
    put_key(j, "holds");
    open_with(j, '[');
    if (found->root != NULL)
        put_holds(j, found->root);
    close_with(j, ']');
}


void
doc_json_directive(struct doc_json *j, const struct doc_directive *d,
                   const struct doc_found *found)
{
    const struct directive *row = d->row;
    words_t                 ways = { 0 }, contexts = { 0 };

    put_comma(j);
    open_with(j, '{');
    put_member(j, "name", d->name);
    doc_syntax(j->arena, d, &ways);
    put_words(j, "syntax", &ways);
    put_member(j, "default",
               str_of(row->preset != NULL ? row->preset : row->type->unset));
    doc_contexts(j->arena, d, &contexts);
    put_words(j, "contexts", &contexts);
    put_member(j, "inheritance", doc_inheritance(j->arena, d));
    put_bool(j, "inherited", doc_is_inherited(row));
    put_bool(j, "repeated",
             (row->where & ROW_MANY) && !(row->where & ROW_ONCE));
    put_module(j, &d->module);
    put_member(j, "says", str_of(d->row->says));
    if (found != NULL)
        put_found(j, found);
    close_with(j, '}');
}


/* --- variables -------------------------------------------------------------- */

static void
put_uses(struct doc_json *j, const struct doc_uses *uses)
{
    put_key(j, "uses");
    open_with(j, '[');
    VEC_EACH(&uses->list, it) {
        put_comma(j);
        open_with(j, '{');
        put_place(j, it->file, it->line);
        put_member(j, "text",
                   it->setting != NULL ? setting_text(j->arena, it->setting)
                                       : STR_NONE);
        put_bool(j, "defines", it->defines);
        close_with(j, '}');
    }
    close_with(j, ']');
}


void
doc_json_variable(struct doc_json *j, const struct doc_variable *v, str_t name,
                  const struct doc_uses *uses)
{
    if (!j->in_variables) {
        printf("],\"variables\":[");
        j->in_variables = true;
        j->has_member = false;
    }
    put_comma(j);
    open_with(j, '{');
    put_member(j, "name", name);
    if (v != NULL) {
        put_member(j, "family",
                   doc_is_family(v) ? str_of(v->row->name) : STR_NONE);
        put_bool(j, "settable",
                 v->row->set != NULL || (v->row->flags & VAR_CHANGEABLE));
        put_bool(j, "volatile", v->row->flags & VAR_VOLATILE);
        put_module(j, &v->module);
        put_member(j, "says", str_of(v->row->says));
    }
    if (uses != NULL)
        put_uses(j, uses);
    close_with(j, '}');
}
