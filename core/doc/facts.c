/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The facts in the row of a directive or variable, in words.
 */
#include "core/doc/doc.h"

/* Blocks from which inner blocks inherit values. */
enum {
    OUTER = IN_HTTP | IN_SERVER | IN_LOCATION | IN_STREAM | IN_MAIL,
};


void
doc_contexts(struct arena *a, const struct doc_directive *d, words_t *out)
{
    if (d->where == IN_ANY) {
        *vec_push(a, out) = STR("any");
        return;
    }
    for (const struct block_kind *k = block_kinds; k->name != NULL; k++)
        if (d->where & k->bit)
            *vec_push(a, out) = str_of(k->name);
}


/* --- syntax --------------------------------------------------------------- */

/* "on | off | clean", of the words that the row lists. */
static str_t
join_words(struct arena *a, const struct conf_word *w)
{
    str_t text = STR("");

    for (; w != NULL && w->name != NULL; w++) {
        if (text.n != 0)
            text = str_join(a, text, STR(" | "));
        text = str_join(a, text, str_of(w->name));
    }
    return text;
}


static str_t
arguments(struct arena *a, const struct directive *row)
{
    str_t text;

    if (row->syntax != NULL && row->syntax[0] != '\0')
        return str_of(row->syntax);
    if (row->type == &conf_enum)
        return join_words(a, row->detail);
    if (row->type == &conf_bits) {
        text = join_words(a, row->detail);
        return row->args == ARGS_1 ? text : str_join(a, text, STR(" ..."));
    }
    return row->type->syntax != NULL ? str_of(row->type->syntax) : STR("");
}


static void
add_way(struct arena *a, const struct doc_directive *d, str_t words,
        words_t *out)
{
    str_t end = d->row->args & ARGS_BLOCK ? STR(" { ... }") : STR(";");
    str_t blank = words.n != 0 ? STR(" ") : STR("");

    *vec_push(a, out) = str_join(a, str_join3(a, d->name, blank, words), end);
}


/* A line of the row's syntax that begins with a blank continues the previous
 * one. */
void
doc_syntax(struct arena *a, const struct doc_directive *d, words_t *out)
{
    str_t rest = arguments(a, d->row), way = str_cut(&rest, '\n'), line;

    while (rest.p != NULL) {
        line = str_cut(&rest, '\n');
        if (line.n != 0 && line.p[0] == ' ') {
            way = str_join(a, way, line);
            continue;
        }
        add_way(a, d, way, out);
        way = line;
    }
    add_way(a, d, way, out);
}


/* --- values --------------------------------------------------------------- */

str_t
doc_preset(struct arena *a, const struct doc_directive *d)
{
    const char *preset = d->row->preset;

    if (preset == NULL)
        preset = d->row->type->unset;
    return preset ? arena_printf(a, STR_F " %s;", STR_A(d->name), preset)
                  : STR_NONE;
}


bool
doc_is_inherited(const struct directive *row)
{
    return (row->type->size != 0 || row->type->inherit != NULL)
           && !(row->where & ROW_OWN) && (row->where & OUTER);
}


str_t
doc_inheritance(struct arena *a, const struct doc_directive *d)
{
    const struct directive *row = d->row;
    bool  is_list = (row->where & ROW_MANY) && !(row->where & ROW_ONCE);
    str_t text = STR_NONE;

    if (row->type == &conf_block_type)
        return is_list ? STR("may be repeated") : STR_NONE;
    if (row->where & ROW_NAMELESS)
        text = STR("inherited by if and limit_except only");
    else if (row->where & ROW_OWN)
        text = STR("not inherited by blocks within");
    else if (doc_is_inherited(row) && is_list)
        text = STR("inherited whole by blocks that have none themselves");
    else if (doc_is_inherited(row))
        text = STR("inherited by blocks that do not set it");
    if (!is_list)
        return text;
    return text.p != NULL ? str_join(a, text, STR("; may be repeated"))
                          : STR("may be repeated");
}


/* --- variables ------------------------------------------------------------ */

str_t
doc_setting_of(const struct variable *row)
{
    if (row->set != NULL)
        return STR("may be set, and that takes effect");
    if (row->flags & VAR_CHANGEABLE)
        return STR("may be set, or defined by map, geo and their like");
    return STR("cannot be set");
}


str_t
doc_evaluation(const struct variable *row)
{
    return row->flags & VAR_VOLATILE
               ? STR("at each use")
               : STR("at the first use, and kept for the request");
}
