/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inheritance.  Defaults are the outermost block, read from the rows' presets
 * by the same types.  A block has a conf of its own for a module only where it
 * sets one of its fields (or must not inherit one); else it shares the pointer
 * of the block around it.  Fields that it did not set are handed down by their
 * type, whole.
 */
#include "core/conf/reader.h"

void *
conf_make(struct conf *cf, const struct module *m)
{
    struct conf_head *h;

    h = arena_zalloc(cf->arena, sizeof(*h) + m->conf_size);
    h->module = m;
    return h + 1;
}

/* Splits a preset at blanks (single quotes keep a word together) and parses it
 * as if it stood in the file. */
static void
read_preset(struct conf *cf, const struct row *row, void *conf)
{
    const struct directive *d = row->directive;
    VEC(str_t)              words = { 0 };
    str_t                   rest = str_of(d->preset);
    const char             *error, *end;

    *vec_push(cf->arena, &words) = str_of(d->name);
    for (;;) {
        rest = str_trim(rest);
        if (rest.n == 0)
            break;
        if (rest.p[0] == '\'') {
            rest = str_from(rest, 1);
            end = str_chr(rest, '\'');
        } else {
            end = str_chr(rest, ' ');
        }
        if (end == NULL)
            end = rest.p + rest.n;
        *vec_push(cf->arena, &words)
            = str_copy(cf->arena, str_span(rest.p, end));
        rest = str_span(end + (end < rest.p + rest.n), rest.p + rest.n);
    }

    cf->row = d;
    cf->module = row->module;
    cf->reader->row = row;
    cf->args = words.at;
    cf->n_args = (unsigned) words.n;
    error = d->type->parse(cf, (char *) conf + d->offset);
    if (error != NULL)
        conf_error_bare(cf, NULL, 0, "preset of \"%s\": %s", d->name, error);
}

static enum serves_kind
kind_of_module(const struct module *m)
{
    return m->serves & FOR_HTTP     ? CONF_HTTP
           : m->serves & FOR_STREAM ? CONF_STREAM
           : m->serves & FOR_MAIL   ? CONF_MAIL
                                    : CONF_MAIN;
}

void
conf_read_presets(struct conf *cf)
{
    struct conf_reader *rd = cf->reader;
    unsigned            i;

    rd->defaults = arena_array(cf->arena, void *, rd->n_modules + 1);
    for (i = 0; i < rd->n_modules; i++) {
        if (rd->modules[i].module->conf_size == 0)
            continue;
        rd->defaults[i] = conf_make(cf, rd->modules[i].module);
        cf->kind = kind_of_module(rd->modules[i].module);
        VEC_EACH(&rd->modules[i].rows, row)
            if ((*row)->directive->preset != NULL)
                read_preset(cf, *row, rd->defaults[i]);
    }
    cf->kind = CONF_MAIN;
}

static bool
is_field_set(const struct conf_head *h, const struct row_field *f)
{
    return (h->set[0] & f->bits[0]) != 0 || (h->set[1] & f->bits[1]) != 0;
}

/* May a block of that kind have the field from outside? */
static bool
hands_down(const struct row_field *f, unsigned kind)
{
    if (f->where & ROW_OWN)
        return false;
    if (f->where & ROW_NAMELESS)
        return kind & (IN_IF | IN_LIMIT_EXCEPT | IN_SERVER_IF);
    return true;
}

static void
inherit_fields(struct conf *cf, const struct module_rows *mr, unsigned kind,
               void *conf, const void *outer)
{
    char       *to;
    const char *from;

    VEC_EACH(&mr->fields, f) {
        if (is_field_set(conf_head_of(conf), f) || !hands_down(f, kind))
            continue;
        to = (char *) conf + f->offset;
        from = (const char *) outer + f->offset;
        if (f->type->inherit != NULL)
            f->type->inherit(cf, to, from);
        else
            memcpy(to, from, f->type->size);
    }
}

/* Whether outer has a value that a block of this kind must not see. */
static bool
has_withheld(const struct module_rows *mr, unsigned kind, void *outer)
{
    if (!mr->has_own)
        return false;
    VEC_EACH(&mr->fields, f)
        if (is_field_set(conf_head_of(outer), f) && !hands_down(f, kind))
            return true;
    return false;
}

static void
make_ready(struct conf *cf, const struct module *m, void *conf)
{
    const char *error;

    if (m->ready == NULL || cf->errors)
        return;
    error = m->ready(cf, conf);
    if (error != NULL)
        conf_report(cf, error);
}

static void
resolve_module(struct conf *cf, struct conf_block *b, void **outer,
               const struct module_rows *mr)
{
    unsigned slot = mr->module->slot;
    void    *own = b->conf ? b->conf[slot] : NULL;

    if (mr->module->conf_size == 0)
        return;
    if (own == NULL && has_withheld(mr, b->kind, outer[slot]))
        own = conf_make(cf, mr->module);
    if (own == NULL) {
        if (b->conf != NULL)
            b->conf[slot] = outer[slot];
        return;
    }
    if (b->conf == NULL) {
        b->conf = arena_array(cf->arena, void *, cf->reader->n_modules);
        memcpy(b->conf, outer, cf->reader->n_modules * sizeof(void *));
    }
    b->conf[slot] = own;
    inherit_fields(cf, mr, b->kind, own, outer[slot]);
    make_ready(cf, mr->module, own);
}

/* Messages of ready() name the end of the outermost block, as nginx's do. */
static void
stand_at(struct conf *cf, const struct conf_block *b)
{
    const struct conf_block *top = b;

    while (top->up != NULL && top->up->up != NULL)
        top = top->up;
    cf->block = (struct conf_block *) b;
    cf->file = top->file;
    cf->line = top->end_line;
}

static void
resolve_block(struct conf *cf, struct conf_block *b, void **outer)
{
    struct conf_block *inner;
    unsigned           i;

    stand_at(cf, b);
    for (i = 0; i < cf->reader->n_modules && !cf->errors; i++)
        resolve_module(cf, b, outer, &cf->reader->modules[i]);
    if (b->conf == NULL)
        b->conf = outer;
    for (inner = b->first; inner != NULL; inner = inner->next)
        resolve_block(cf, inner, b->conf);
}

void
conf_resolve(struct conf *cf, struct conf_block *b, struct conf_block *outer)
{
    struct conf_reader *rd = cf->reader;
    unsigned            i;

    rd->lexer = NULL;
    if (outer == NULL) {
        stand_at(cf, b);
        for (i = 0; i < rd->n_modules && !cf->errors; i++)
            if (rd->defaults[i] != NULL)
                make_ready(cf, rd->modules[i].module, rd->defaults[i]);
    }
    resolve_block(cf, b, outer ? outer->conf : rd->defaults);
}
