/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Facts as text for people, on standard output.
 */
#include "core/doc/doc.h"

enum { WIDTH = 78, LABEL = 11, BRIEF = 30 };


/* --- wrapping --------------------------------------------------------------- */

/* The position of the next word. */
struct column {
    size_t at, indent;
};


static void
put_word(struct column *c, str_t word)
{
    if (c->at > c->indent && c->at + 1 + word.n > WIDTH) {
        printf("\n%*s", (int) c->indent, "");
        c->at = c->indent;
    } else if (c->at > c->indent) {
        putchar(' ');
        c->at++;
    }
    printf(STR_F, STR_A(word));
    c->at += word.n;
}


/* Behind what stands in the line up to at. */
static void
put_words(size_t indent, str_t text)
{
    struct column c = { .at = indent, .indent = indent };

    while (text.p != NULL)
        put_word(&c, str_cut(&text, ' '));
    putchar('\n');
}


static void
put_label(const char *label)
{
    printf("%-*s", LABEL, label);
}


static void
put_line(const char *label, str_t text)
{
    if (text.p == NULL)
        return;
    put_label(label);
    put_words(LABEL, text);
}


static void
put_module(const struct doc_module *m)
{
    put_label("Module:");
    printf("%s%s%s%s\n", m->name, m->option[0] != '\0' ? " (" : "", m->option,
           m->option[0] != '\0' ? ")" : "");
}


/* --- what holds where ------------------------------------------------------- */

static void
put_place(const char *file, unsigned line, const char *here)
{
    if (file == NULL)
        printf("(the command line)");
    else if (here != NULL && strcmp(file, here) == 0)
        printf("(line %u)", line);
    else
        printf("(%s:%u)", file, line);
}


static void
put_value(struct arena *a, const struct setting *s, const char *here)
{
    printf(STR_F " ", STR_A(setting_text(a, s)));
    put_place(s->file, s->line, here);
    putchar('\n');
}


static void
put_values(struct arena *a, const struct doc_directive *d,
           const struct doc_place *p, int indent)
{
    const char *here = p->block->file;
    str_t       preset;

    if (!p->has_value) {
        putchar('\n');
    } else if (p->values.n == 0) {
        preset = doc_preset(a, d);
        printf(": " STR_F "\n",
               STR_A(preset.p != NULL ? str_join(a, preset, STR(" (preset)"))
                                      : STR("not set")));
    } else if (p->values.n == 1) {
        printf(": ");
        put_value(a, p->values.at[0], here);
    } else {
        printf(":\n");
        VEC_EACH(&p->values, s) {
            printf("%*s", indent + 2, "");
            put_value(a, *s, here);
        }
    }
}


static size_t
count_within(const struct doc_place *p)
{
    size_t n = 0;

    VEC_EACH(&p->inner, it)
        n += 1 + count_within(*it);
    return n;
}


/* "location /x (line 12) and 3 blocks within". */
static str_t
brief(struct arena *a, const struct doc_place *p, const char *here)
{
    size_t n = count_within(p);
    str_t  text;

    if (here != NULL && p->block->file != NULL
        && strcmp(p->block->file, here) == 0)
        text = arena_printf(a, STR_F " (line %u)", STR_A(p->title),
                            p->block->line);
    else
        text = arena_printf(a, STR_F " (%s:%u)", STR_A(p->title),
                            p->block->file, p->block->line);
    if (n == 1)
        text = str_join(a, text, STR(" and the block within"));
    else if (n > 1)
        text = arena_printf(a, STR_F " and the %zu blocks within", STR_A(text),
                            n);
    return text;
}


/* Prints blocks with the same value as the outer block in one sentence. */
static void
put_plain(struct arena *a, const struct doc_place *p, int indent)
{
    struct column c = { .indent = (size_t) indent + 2 };
    bool          has_any = false;

    VEC_EACH(&p->inner, it) {
        str_t text, word;

        if (!(*it)->is_plain)
            continue;
        if (!has_any)
            c.at = (size_t) printf("%*s%s", indent, "",
                                   p->has_value ? "the same in" : "not set in");
        else
            putchar(','), c.at++;
        has_any = true;
        text = brief(a, *it, p->block->file);
        while (text.p != NULL) {
            word = str_cut(&text, ' ');
            put_word(&c, word);
        }
    }
    if (has_any)
        putchar('\n');
}


static void
put_tree(struct arena *a, const struct doc_directive *d,
         const struct doc_place *p, int indent)
{
    bool is_main = p->up == NULL;

    if (!is_main || p->has_value) {
        printf("%*s" STR_F, indent, "", STR_A(p->title));
        if (!is_main) {
            putchar(' ');
            put_place(p->block->file, p->block->line, p->up->block->file);
        }
        put_values(a, d, p, indent);
        indent += 2;
        put_plain(a, p, indent);
    }
    VEC_EACH(&p->inner, it)
        if (is_main || !(*it)->is_plain)
            put_tree(a, d, *it, indent);
}


static void
put_found(struct arena *a, const struct doc_directive *d,
          const struct doc_found *found)
{
    printf("\nSet at:\n");
    VEC_EACH(&found->set, s) {
        if ((*s)->file != NULL)
            printf("  %s:%u: ", (*s)->file, (*s)->line);
        else
            printf("  the command line: ");
        printf(STR_F "\n", STR_A(setting_text(a, *s)));
    }
    if (found->set.n == 0)
        printf("  nowhere\n");
    if (found->root == NULL)
        return;
    printf("\nHolds in:\n");
    put_tree(a, d, found->root, 2);
}


/* --- directives ------------------------------------------------------------- */

static str_t
join(struct arena *a, const words_t *words)
{
    str_t text = STR("");

    VEC_EACH(words, w)
        text = text.n == 0 ? *w : str_join3(a, text, STR(", "), *w);
    return text;
}


static void
put_example(str_t name)
{
    str_t lines = str_of(doc_example(name));

    if (lines.n == 0)
        return;
    printf("\nExample:\n");
    while (lines.p != NULL) {
        str_t line = str_cut(&lines, '\n');

        printf("    " STR_F "\n", STR_A(line));
    }
}


void
doc_print_directive(struct arena *a, const struct doc_directive *d,
                    const struct doc_found *found)
{
    words_t     ways = { 0 }, contexts = { 0 };
    const char *label = "Syntax:";

    doc_syntax(a, d, &ways);
    VEC_EACH(&ways, way) {
        put_line(label, *way);
        label = "";
    }
    put_line("Default:", doc_preset(a, d));
    doc_contexts(a, d, &contexts);
    put_line("Context:", join(a, &contexts));
    put_line("Value:", doc_inheritance(a, d));
    put_module(&d->module);
    printf("\n    ");
    put_words(4, str_of(d->row->says));
    put_example(d->name);
    if (found != NULL)
        put_found(a, d, found);
}


/* --- variables -------------------------------------------------------------- */

static void
put_uses(struct arena *a, const struct doc_uses *uses, bool defines)
{
    bool has_any = false;

    VEC_EACH(&uses->list, it) {
        if (it->defines != defines)
            continue;
        if (!has_any)
            printf("\n%s:\n", defines ? "Defined at" : "Used at");
        has_any = true;
        if (it->file != NULL)
            printf("  %s:%u", it->file, it->line);
        else
            printf("  the command line");
        if (it->setting != NULL)
            printf(": " STR_F, STR_A(setting_text(a, it->setting)));
        putchar('\n');
    }
    if (!has_any && !defines)
        printf("\nUsed at:\n  nowhere\n");
}


static void
put_all_uses(struct arena *a, const struct doc_uses *uses)
{
    if (uses == NULL)
        return;
    put_uses(a, uses, true);
    put_uses(a, uses, false);
}


void
doc_print_variable(struct arena *a, const struct doc_variable *v, str_t name,
                   const struct doc_uses *uses)
{
    const char *own = v->row->name;

    put_line("Variable:", doc_is_family(v) ? arena_printf(a, "$%sNAME", own)
                                           : arena_printf(a, "$%s", own));
    if (doc_is_family(v) && !str_eq(name, str_of(own)))
        put_line("Here:", arena_printf(a, "$" STR_F ", a member of the family",
                                       STR_A(name)));
    put_line("Value:", doc_setting_of(v->row));
    put_line("Evaluated:", doc_evaluation(v->row));
    put_module(&v->module);
    printf("\n    ");
    put_words(4, arena_printf(a, "It is %s.", v->row->says));
    put_all_uses(a, uses);
}


void
doc_print_own(struct arena *a, str_t name, const struct doc_uses *uses)
{
    put_line(
        "Variable:",
        arena_printf(a, "$" STR_F ", made by this configuration", STR_A(name)));
    put_all_uses(a, uses);
}


/* --- all of them ------------------------------------------------------------ */

static bool
is_of(const struct doc_module *x, const struct doc_module *y)
{
    return strcmp(x->name, y->name) == 0 && strcmp(x->option, y->option) == 0;
}


static void
put_name(struct column *c, const char *sign, str_t name)
{
    char  room[128];
    int   n = snprintf(room, sizeof(room), "%s" STR_F, sign, STR_A(name));
    str_t text = { room, (size_t) n < sizeof(room) ? (size_t) n : 0 };

    if (c->at == 0)
        c->at = (size_t) printf("%*s", (int) c->indent, "");
    put_word(c, text);
}


static void
put_members(const struct doc *d, const struct doc_module *m)
{
    struct column c = { .at = 0, .indent = 4 };

    put_module(m);
    for (size_t i = 0; i < d->directives.n; i++) {
        const struct doc_directive *it = &d->directives.at[i];

        if (is_of(&it->module, m) && (i == 0 || !str_eq(it->name, it[-1].name)))
            put_name(&c, "", it->name);
    }
    VEC_EACH(&d->variables, it)
        if (is_of(&it->module, m))
            put_name(&c, "$", str_of(it->row->name));
    printf("\n\n");
}


static bool
is_listed(const struct doc_module *list, size_t n, const struct doc_module *m)
{
    for (size_t i = 0; i < n; i++)
        if (is_of(&list[i], m))
            return true;
    return false;
}


void
doc_print_brief(str_t name, const char *sign, str_t says)
{
    const char *end = str_find(says, STR(". "));
    size_t      room, n = strlen(sign) + name.n;

    if (end != NULL)
        says.n = (size_t) (end - says.p);
    n = n < BRIEF ? BRIEF : n;
    room = n + 1 < WIDTH ? WIDTH - n - 1 : 0;
    printf("%s%-*.*s ", sign, (int) (n - strlen(sign)), (int) name.n, name.p);
    if (says.n > room && room > 3)
        printf("%.*s...\n", (int) room - 3, says.p);
    else
        printf(STR_F "\n", STR_A(says));
}


void
doc_print_list(const struct doc *d)
{
    VEC(struct doc_module) seen = { 0 };

    VEC_EACH(&d->directives, it)
        if (!is_listed(seen.at, seen.n, &it->module))
            *vec_push(d->arena, &seen) = it->module;
    VEC_EACH(&d->variables, it)
        if (!is_listed(seen.at, seen.n, &it->module))
            *vec_push(d->arena, &seen) = it->module;
    VEC_EACH(&seen, m)
        put_members(d, m);
}
