/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inheritance.  The defaults are the outermost block, parsed from the rows'
 * presets by the same types.  A block has a conf of its own for a module only
 * where it sets a field (or must not inherit one); otherwise it shares the
 * pointer of the outer block.  Fields that it did not set are inherited by
 * their type, as a whole.  The pages of pointers are shared the same way.
 */
#include "core/conf/reader.h"


void *
conf_make(struct conf *cf, const struct module *m)
{
    struct conf_head *h = arena_zalloc(cf->arena, sizeof(*h) + m->conf_size);

    return h + 1;
}


void
conf_put(struct conf *cf, struct conf_block *b, const struct module *m,
         void *conf, struct conf_page *const *outer)
{
    unsigned           n = m->slot / CONF_PAGE;
    struct conf_page **page;

    if (b->conf == NULL)
        b->conf = arena_array(cf->arena, struct conf_page *,
                              conf_pages(cf->reader));
    page = &b->conf[n];
    if (*page == NULL) {
        *page = arena_make(cf->arena, struct conf_page);
        if (outer != NULL)
            **page = *outer[n];
    }
    (*page)->at[m->slot % CONF_PAGE] = conf;
}


/* Splits a preset at blanks (single quotes keep a word together) and parses it
 * like a line of the file. */
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
    struct conf_block   all = { .conf = NULL };
    void               *conf;
    unsigned            i;

    for (i = 0; i < rd->n_modules; i++) {
        const struct module *m = rd->modules[i].module;

        conf = m->conf_size != 0 ? conf_make(cf, m) : NULL;
        conf_put(cf, &all, m, conf, NULL);
        if (conf == NULL)
            continue;
        cf->kind = kind_of_module(m);
        VEC_EACH(&rd->modules[i].rows, row)
            if ((*row)->directive->preset != NULL)
                read_preset(cf, *row, conf);
    }
    rd->defaults = all.conf;
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


/* Whether outer has a value that a block of this kind must not inherit. */
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
make_ready(struct conf *cf, const struct module *m, void *conf, unsigned kind)
{
    const char     *error;
    struct unready *u;

    if (m->ready == NULL || cf->errors)
        return;
    error = m->ready(cf, conf);
    if (error == NULL)
        return;
    if (!(kind & (IN_HTTP | IN_STREAM | IN_MAIL))) {
        conf_report(cf, error);
        return;
    }
    u = vec_push(cf->reader->arena, &cf->reader->unready);
    u->conf = conf;
    u->error = error;
}


/* Reports the error of an outer conf in the server that inherits it. */
static void
take_over(struct conf *cf, const void *conf)
{
    VEC_EACH(&cf->reader->unready, u) {
        if (u->conf == conf && u->error != NULL) {
            conf_report(cf, u->error);
            u->error = NULL;
        }
    }
}


static void
resolve_module(struct conf *cf, struct conf_block *b,
               struct conf_page *const *outer, const struct module_rows *mr)
{
    const struct module *m = mr->module;
    void                *from = confs_get(outer, m), *own = conf_find(b, m);

    if (m->conf_size == 0)
        return;
    /* A page that was copied already has the shared pointers. */
    if (own == from)
        own = NULL;
    if (own == NULL && has_withheld(mr, b->kind, from))
        own = conf_make(cf, m);
    if (own == NULL) {
        if (b->kind & (IN_SERVER | IN_STREAM_SERVER | IN_MAIL_SERVER))
            take_over(cf, from);
        if (b->conf != NULL && b->conf[m->slot / CONF_PAGE] != NULL)
            conf_put(cf, b, m, from, outer);
        return;
    }
    conf_put(cf, b, m, own, outer);
    inherit_fields(cf, mr, b->kind, own, from);
    make_ready(cf, m, own, b->kind);
}


static void
share_pages(struct conf *cf, struct conf_block *b, struct conf_page **outer)
{
    unsigned i;

    if (b->conf == NULL) {
        b->conf = outer;
        return;
    }
    for (i = 0; i < conf_pages(cf->reader); i++)
        if (b->conf[i] == NULL)
            b->conf[i] = outer[i];
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
resolve_block(struct conf *cf, struct conf_block *b, struct conf_page **outer)
{
    struct conf_block *inner;
    unsigned           i;

    stand_at(cf, b);
    for (i = 0; i < cf->reader->n_modules && !cf->errors; i++)
        resolve_module(cf, b, outer, &cf->reader->modules[i]);
    share_pages(cf, b, outer);
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
            if (rd->modules[i].module->conf_size != 0)
                make_ready(cf, rd->modules[i].module,
                           confs_get(rd->defaults, rd->modules[i].module),
                           IN_MAIN);
    }
    resolve_block(cf, b, outer ? outer->conf : rd->defaults);
}
