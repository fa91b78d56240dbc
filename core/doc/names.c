/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names that the build does not have: nginx may have them, or they are
 * misspelt.
 */
#include "core/conf/known.h"
#include "core/doc/doc.h"

struct nearest {
    str_t    name, found;
    unsigned distance;
    bool     is_variable;
};


static bool
is_listed(const char *const *list, size_t n, str_t name)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(str_of(list[i]), name))
            return true;
    return false;
}


static void
measure(struct nearest *n, str_t name, bool is_variable)
{
    unsigned d = str_distance(n->name, name, n->distance);

    if (d >= n->distance)
        return;
    n->distance = d;
    n->found = name;
    n->is_variable = is_variable;
}


static void
suggest(const struct doc *d, str_t name, bool is_variable)
{
    struct nearest n = { .name = name };

    n.distance = 2 + (unsigned) (name.n > 24 ? 24 : name.n) / 4;
    if (n.distance > 5)
        n.distance = 5;
    if (!is_variable)
        VEC_EACH(&d->directives, it)
            measure(&n, it->name, false);
    VEC_EACH(&d->variables, it)
        measure(&n, str_of(it->row->name), true);
    if (n.found.p != NULL)
        fprintf(stderr, "       did you mean \"%s" STR_F "\"?\n",
                n.is_variable ? "$" : "", STR_A(n.found));
}


/* The missing library that a directive needs, or NULL. */
static const char *
needs(str_t name)
{
    for (const struct known_need *n = known_needs; n->name != NULL; n++)
        if (str_eq(str_of(n->name), name))
            return n->library;
    return NULL;
}


void
doc_report_unknown(const struct doc *d, str_t name)
{
    bool  is_variable = name.n != 0 && name.p[0] == '$';
    str_t bare = str_from(name, is_variable);

    if (!is_variable && needs(bare) != NULL)
        fprintf(stderr,
                "%s: the directive \"" STR_F "\" needs %s, which this build "
                "was made without\n",
                log_program, STR_A(bare), needs(bare));
    else if (!is_variable
             && is_listed(known_directives, known_directives_count, bare))
        fprintf(stderr,
                "%s: nginx has a directive \"" STR_F "\", which is not "
                "supported by this build\n",
                log_program, STR_A(bare));
    else if (known_variable_modules(bare) != NULL)
        fprintf(stderr,
                "%s: nginx has a variable \"$" STR_F "\", which is not "
                "supported by this build\n",
                log_program, STR_A(bare));
    else {
        fprintf(stderr, "%s: unknown %s \"" STR_F "\"\n", log_program,
                is_variable ? "variable" : "directive or variable",
                STR_A(name));
        suggest(d, bare, is_variable);
    }
}
