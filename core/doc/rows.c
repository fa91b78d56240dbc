/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rows of all modules by their full names.  Rows of one module that differ
 * in their blocks only are shown as one directive.
 */
#include "core/doc/doc.h"


static bool
is_same(const char *x, const char *y)
{
    return str_eq(str_of(x), str_of(y));
}


/* An earlier row of the module that says the same. */
static struct doc_directive *
find_twin(struct doc *d, size_t from, const struct directive *row)
{
    for (size_t i = from; i < d->directives.n; i++) {
        struct doc_directive *it = &d->directives.at[i];

        if (str_eq(it->name, str_of(row->name))
            && is_same(it->row->says, row->says)
            && is_same(it->row->syntax, row->syntax)
            && is_same(it->row->preset, row->preset))
            return it;
    }
    return NULL;
}


static void
add_rows(struct doc *d, const struct directive *row, struct doc_module module)
{
    size_t                from = d->directives.n;
    struct doc_directive *it;

    for (; row->name != NULL; row++) {
        if (row->where & ROW_LISTED)
            continue;
        it = find_twin(d, from, row);
        if (it != NULL) {
            it->where |= row->where & IN_ANY;
            continue;
        }
        it = vec_push(d->arena, &d->directives);
        *it = (struct doc_directive){ .name = str_of(row->name),
                                      .row = row,
                                      .where = row->where & IN_ANY,
                                      .module = module };
    }
}


static void
add_variables(struct doc *d, const struct module *m, struct doc_module module)
{
    const struct variable *row;

    for (row = m->variables; row != NULL && row->name != NULL; row++)
        *vec_push(d->arena, &d->variables)
            = (struct doc_variable){ .row = row, .module = module };
}


static void
add_module(struct doc *d, const struct module *m, const char *option)
{
    struct doc_module module = { .name = m->name, .option = option };

    add_rows(d, m->rows, module);
    add_variables(d, m, module);
}


void
doc_gather(struct doc *d, struct arena *a)
{
    const struct doc_module engine = { .name = "core", .option = "" };

    *d = (struct doc){ .arena = a };
    *vec_push(a, &d->directives)
        = (struct doc_directive){ .name = str_of(conf_include_row.name),
                                  .row = &conf_include_row,
                                  .where = IN_ANY,
                                  .module = engine };
    for (unsigned i = 0; weir_modules[i] != NULL; i++)
        add_module(d, weir_modules[i], weir_module_options[i]);
}


static const struct variable capture = {
    .name = "1",
    .flags = VAR_VOLATILE,
    .says = "what the first parentheses of the regular expression that "
            "matched last took; $2 to $9 are those of the others",
};

static const struct doc_variable captures = {
    .row = &capture,
    .module = { .name = "core", .option = "" },
};


const struct doc_variable *
doc_find_variable(const struct doc *d, str_t name)
{
    const struct doc_variable *best = NULL;
    size_t                     longest = 0;

    if (name.n == 1 && name.p[0] >= '1' && name.p[0] <= '9')
        return &captures;
    VEC_EACH(&d->variables, it) {
        str_t own = str_of(it->row->name);

        if (str_eq(own, name))
            return it;
        if (doc_is_family(it) && own.n > longest && str_starts(name, own)) {
            best = it;
            longest = own.n;
        }
    }
    return best;
}
