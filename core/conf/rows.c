/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of directives: all rows of all modules by their full names, with
 * those of templates, and the fields that rows share.
 */
#include "core/conf/known.h"
#include "core/conf/reader.h"
#include "core/net/counters.h"

const struct block_kind block_kinds[] = {
    { IN_MAIN, "main" },
    { IN_EVENTS, "events" },
    { IN_HTTP, "http" },
    { IN_SERVER, "server" },
    { IN_LOCATION, "location" },
    { IN_SERVER_IF, "if in server" },
    { IN_IF, "if in location" },
    { IN_LIMIT_EXCEPT, "limit_except" },
    { IN_UPSTREAM, "upstream" },
    { IN_STREAM, "stream" },
    { IN_STREAM_SERVER, "server in stream" },
    { IN_STREAM_UPSTREAM, "upstream in stream" },
    { IN_MAIL, "mail" },
    { IN_MAIL_SERVER, "server in mail" },
    { 0, NULL },
};

static unsigned n_modules;
static unsigned n_states;


/* The text of a row, with PREFIX replaced. */
static const char *
fill_in(struct arena *a, const char *says, const char *prefix)
{
    const str_t mark = STR("PREFIX");
    str_t       rest = str_of(says), text = STR("");
    const char *at;

    if (says == NULL)
        return NULL;
    while ((at = str_find(rest, mark)) != NULL) {
        text = str_join3(a, text, str_span(rest.p, at), str_of(prefix));
        rest = str_from(rest, (size_t) (at - rest.p) + mark.n);
    }
    return str_z(a, str_join(a, text, rest));
}


/* A row of a template, completed for one use of it. */
static struct directive
template_row(struct arena *a, const struct template *t,
             const struct directive *d)
{
    struct directive row = *d;

    CHECK(!(d->where & IN_ANY));
    row.name = arena_printf(a, "%s%s", t->prefix, d->name).p;
    row.where |= t->where;
    row.offset += t->base;
    row.says = fill_in(a, d->says, t->prefix);
    return row;
}


/* All rows of a module; allocated in a if there are templates. */
static const struct directive *
list_rows(struct arena *a, const struct module *m)
{
    static const struct directive none = { .name = NULL };
    const struct directive       *d = m->directives ? m->directives : &none;
    VEC(struct directive)         rows = { 0 };

    if (m->templates == NULL)
        return d;
    for (; d->name != NULL; d++)
        *vec_push(a, &rows) = *d;
    for (const struct template *t = m->templates; t->rows != NULL; t++)
        for (d = t->rows; d->name != NULL; d++)
            *vec_push(a, &rows) = template_row(a, t, d);
    *vec_push(a, &rows) = none;
    return rows.at;
}


unsigned
modules_init(void)
{
    /* Never freed: settings of all generations point to rows. */
    static struct arena *arena;

    if (arena != NULL)
        return n_modules;
    arena = arena_new(0);
    for (n_modules = 0; weir_modules[n_modules] != NULL; n_modules++) {
        struct module *m = weir_modules[n_modules];

        m->slot = n_modules;
        if (m->state_size != 0)
            m->state_slot = n_states++;
        m->rows = list_rows(arena, m);
        if (m->counters != NULL)
            m->first_counter = counters_bring(m->counters);
    }
    return n_modules;
}


unsigned
modules_count(void)
{
    return n_modules;
}


unsigned
modules_states(void)
{
    return n_states;
}


static void
note_field(struct conf *cf, struct module_rows *mr, const struct row *row)
{
    const struct directive *d = row->directive;
    struct row_field       *found = NULL;

    if (d->type->size == 0 && d->type->inherit == NULL)
        return;
    VEC_EACH(&mr->fields, f)
        if (f->offset == d->offset)
            found = f;
    if (found == NULL) {
        found = vec_push(cf->reader->arena, &mr->fields);
        found->offset = d->offset;
        found->type = d->type;
    }
    found->where |= d->where & (ROW_OWN | ROW_NAMELESS);
    found->bits[row->bit / 64] |= (uint64_t) 1 << row->bit % 64;
    if (found->where != 0)
        mr->has_own = true;
}


static void
add_row(struct conf *cf, struct module_rows *mr, const struct directive *d)
{
    struct conf_reader *rd = cf->reader;
    struct row         *row = arena_make(rd->arena, struct row);

    row->module = mr->module;
    row->directive = d;
    row->bit = (unsigned) mr->rows.n;
    CHECK(row->bit < MODULE_ROWS_MAX);
    *vec_push(rd->arena, &mr->rows) = row;
    note_field(cf, mr, row);
    row->next = hash_set(rd->by_name, str_of(d->name), row);
}


static void
add_module(struct conf *cf, const struct module *m)
{
    struct module_rows *mr = &cf->reader->modules[m->slot];

    mr->module = m;
    for (const struct directive *d = m->rows; d->name != NULL; d++)
        add_row(cf, mr, d);
}


void
rows_init(struct conf *cf)
{
    struct conf_reader *rd = cf->reader;
    unsigned            i;

    rd->statements = hash_new(rd->arena, 64, HASH_EXACT);
    rd->n_modules = modules_count();
    rd->by_name = hash_new(rd->arena, 1024, HASH_EXACT);
    rd->modules = arena_array(rd->arena, struct module_rows, rd->n_modules + 1);
    for (i = 0; i < rd->n_modules; i++)
        add_module(cf, weir_modules[i]);
}


struct row *
rows_find(const struct conf_reader *rd, str_t name)
{
    return hash_get(rd->by_name, name);
}


struct row *
rows_find_in(const struct conf_reader *rd, str_t name, unsigned kind)
{
    struct row *row = rows_find(rd, name);

    while (row != NULL && !(row->directive->where & kind))
        row = row->next;
    return row;
}


struct nearest {
    str_t    name; /* what was given                                      */
    unsigned kind;
    unsigned distance;
    str_t    found;
};


static void
measure(str_t key, void *value, void *arg)
{
    struct nearest   *n = arg;
    const struct row *row;
    unsigned          d;

    for (row = value; row != NULL; row = row->next)
        if (row->directive->where & n->kind)
            break;
    if (row == NULL)
        return;
    d = str_distance(n->name, key, n->distance);
    if (d < n->distance
        || (d == n->distance && n->found.p != NULL
            && str_cmp(key, n->found) < 0))
    {
        n->distance = d;
        n->found = key;
    }
}


str_t
rows_suggest(const struct conf_reader *rd, str_t name, unsigned kind)
{
    struct nearest n = { .name = name, .kind = kind };

    /* Similar: one mistake for about each four letters. */
    n.distance = 1 + (unsigned) (name.n > 24 ? 24 : name.n) / 4;
    if (n.distance > 4)
        n.distance = 4;
    hash_each(rd->by_name, measure, &n);
    return n.found;
}


const char *
known_variable_modules(str_t name)
{
    for (const struct known_variable *v = known_variables; v->name; v++)
        if (str_eq(name, str_of(v->name)))
            return v->modules;
    return NULL;
}


bool
rows_is_known(str_t name)
{
    size_t low = 0, high = known_directives_count, mid;
    int    order;

    while (low < high) {
        mid = (low + high) / 2;
        order = str_cmp(name, str_of(known_directives[mid]));
        if (order == 0)
            return true;
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return false;
}
