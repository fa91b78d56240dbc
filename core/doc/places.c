/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The settings of a directive in a configuration, and the one in effect in
 * each block.  This follows setting_in_force, except for one case that it
 * cannot know: a directive NAME_inherit, with the words on, off and merge,
 * determines how outer values of NAME are inherited.
 */
#include "core/doc/doc.h"

enum {
    NAMELESS = IN_IF | IN_SERVER_IF | IN_LIMIT_EXCEPT,
};

struct finder {
    struct arena               *arena;
    const struct doc_directive *directive;
    const char                 *name;
    const char                 *how; /* NAME_inherit                         */
    struct doc_found           *found;
};


/* "location /x"; a server is called by its names, or by its addresses. */
static str_t
title_of(struct arena *a, const struct conf_block *b)
{
    const struct setting *s = b->opening;
    str_t                 text;

    if (s == NULL)
        return STR("main");
    text = setting_text(a, s);
    if (s->n_args > 1 || !(b->kind & (IN_SERVER | IN_STREAM_SERVER)))
        return text;
    s = setting_named(b, "server_name");
    if (s == NULL)
        s = setting_named(b, "listen");
    for (unsigned i = 1; s != NULL && i < s->n_args; i++) {
        text = str_join3(a, text, STR(" "), s->args[i]);
        if (strcmp(s->row->name, "listen") == 0)
            break;
    }
    return text;
}


static void
add_own(const struct finder *f, struct doc_place *p, const struct conf_block *b)
{
    const struct setting *s = setting_named(b, f->name);
    size_t                n = 0, from = p->values.n;

    for (; s != NULL; s = setting_before(s), n++)
        *vec_push(f->arena, &p->values) = s;
    for (size_t i = 0; i < n / 2; i++) { /* they came last first */
        s = p->values.at[from + i];
        p->values.at[from + i] = p->values.at[from + n - 1 - i];
        p->values.at[from + n - 1 - i] = s;
    }
}


static bool
inherits_so(const struct finder *f, const struct conf_block *b,
            const char *word)
{
    const struct setting *s = setting_in_force(b, f->how, NULL);

    return s != NULL && s->n_args > 1 && str_ieq(s->args[1], str_of(word));
}


static void
add_values(const struct finder *f, struct doc_place *p)
{
    const struct conf_block *at = p->block;

    add_own(f, p, p->block);
    if (!doc_is_inherited(f->directive->row) || inherits_so(f, at, "off"))
        return;
    if (p->values.n == 0) {
        if (p->up != NULL && p->up->has_value
            && !(f->directive->row->where & ROW_NAMELESS))
        {
            VEC_EACH(&p->up->values, s)
                *vec_push(f->arena, &p->values) = *s;
        } else if (setting_in_force(p->block, f->name, &at) != NULL) {
            add_own(f, p, at);
        }
    } else if (inherits_so(f, at, "merge") && p->up != NULL) {
        VEC_EACH(&p->up->values, s)
            *vec_push(f->arena, &p->values) = *s;
    }
}


/* Blocks without a name have the value of the outer block, unless they set
 * it. */
static bool
can_hold(const struct finder *f, const struct conf_block *b)
{
    if (!(b->kind & f->directive->where))
        return false;
    return !(b->kind & NAMELESS) || setting_named(b, f->name) != NULL;
}


static bool
is_as_above(const struct doc_place *p)
{
    if (p->up == NULL || p->values.n != p->up->values.n)
        return false;
    for (size_t i = 0; i < p->values.n; i++)
        if (p->values.at[i] != p->up->values.at[i])
            return false;
    return true;
}


/* NULL: neither the block nor an inner one can have a value. */
static struct doc_place *
make_place(const struct finder *f, const struct conf_block *b,
           const struct doc_place *up)
{
    struct doc_place *p = arena_make(f->arena, struct doc_place), *inner;

    p->block = b;
    p->up = up;
    p->has_value = can_hold(f, b);
    if (p->has_value)
        add_values(f, p);
    p->is_plain = is_as_above(p);
    for (const struct conf_block *it = b->first; it != NULL; it = it->next) {
        inner = make_place(f, it, p);
        if (inner == NULL)
            continue;
        *vec_push(f->arena, &p->inner) = inner;
        p->is_plain = p->is_plain && inner->is_plain;
    }
    if (!p->has_value && p->inner.n == 0)
        return NULL;
    p->title = title_of(f->arena, b);
    return p;
}


/* Inner blocks are read after their own settings: back to the order of
 * lines. */
static void
note(const struct finder *f, const struct setting *s)
{
    const struct setting **at;
    size_t                 i;

    *vec_push(f->arena, &f->found->set) = s;
    at = f->found->set.at;
    for (i = f->found->set.n - 1; i > 0; i--) {
        if (at[i - 1]->file != s->file || at[i - 1]->line <= s->line)
            break;
        at[i] = at[i - 1];
    }
    at[i] = s;
}


static void
find_settings(const struct finder *f, const struct conf_block *b)
{
    struct doc_place own = { .block = b };

    if (b->kind & f->directive->where)
        add_own(f, &own, b);
    VEC_EACH(&own.values, s)
        note(f, *s);
    for (b = b->first; b != NULL; b = b->next)
        find_settings(f, b);
}


void
doc_find_places(struct arena *a, const struct generation *g,
                const struct doc_directive *d, struct doc_found *out)
{
    struct finder f = { .arena = a, .directive = d, .found = out };

    f.name = str_z(a, d->name);
    f.how = arena_printf(a, "%s_inherit", f.name).p;
    *out = (struct doc_found){ .root = NULL };
    find_settings(&f, g->root);
    if (!(d->row->args & ARGS_BLOCK) || doc_is_inherited(d->row))
        out->root = make_place(&f, g->root, NULL);
}
