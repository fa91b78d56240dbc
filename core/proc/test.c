/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * -t: checks whether the configuration can be read, and what it names can be
 * opened.  Standard error gets nginx's lines; for people, these are followed
 * by the findings of lint.  With --json, everything is also written to
 * standard output, as one object.
 */
#include "core/proc/setup.h"

#include <stdio.h>
#include <unistd.h>

#include "core/base/json.h"
#include "core/base/number.h"
#include "core/conf/lint.h"

struct message {
    enum log_level level;
    str_t          text, file, hint; /* hint.p NULL: none                     */
    unsigned       line, column; /* from 1; 0: unknown                       */
};

static struct {
    struct arena       *arena;
    VEC(struct message) list;
} told;


/* --- lines of the log -------------------------------------------------------- */

/* Removes " in FILE:LINE" from the end of a line; false: it has none. */
static bool
take_place(struct message *m, str_t text)
{
    const char *at = text.p, *next, *colon = str_rchr(text, ':');
    uint64_t    line;
    str_t       rest = text;

    if (colon == NULL
        || !number_parse(str_span(colon + 1, text.p + text.n), UINT32_MAX,
                         &line))
        return false;
    for (at = NULL; (next = str_find(rest, STR(" in /"))) != NULL; at = next)
        rest = str_span(next + 1, text.p + text.n);
    if (at == NULL || at > colon)
        return false;
    m->file = str_span(at + sizeof(" in ") - 1, colon);
    m->line = (unsigned) line;
    if (m->text.p == NULL)
        m->text = str_span(text.p, at);
    return true;
}


/* A line under a message: its place, a hint, or a line of the file. */
static void
note_below(struct message *m, str_t text)
{
    static const char indent[] = "       ";
    str_t             hint;

    if (!str_starts(text, str_of(indent)))
        return;
    hint = str_from(text, sizeof(indent) - 1);
    if (m->file.p == NULL && str_starts(hint, STR("in /"))) {
        take_place(m, text);
        return;
    }
    if (!str_starts(hint, STR("| ")))
        m->hint = m->hint.p == NULL
                      ? hint
                      : str_join3(told.arena, m->hint, STR("; "), hint);
}


/* Lets a line go where it would have gone, and keeps a copy. */
static void
note_line(enum log_level level, str_t text, bool is_wanted)
{
    struct message *m;

    log_tap = NULL;
    log_write(is_wanted ? &log_start : &log_aside, level, 0, STR_F,
              STR_A(text));
    log_tap = note_line;
    text = str_copy(told.arena, text);
    if (level == LEVEL_STDERR) {
        if (told.list.n != 0)
            note_below(&told.list.at[told.list.n - 1], text);
        return;
    }
    if (level > LEVEL_WARN)
        return;
    m = vec_push(told.arena, &told.list);
    m->level = level;
    if (!take_place(m, text))
        m->text = text;
}


static void
note_column(unsigned column)
{
    if (told.list.n != 0)
        told.list.at[told.list.n - 1].column = column;
}


/* --- JSON -------------------------------------------------------------------- */

static void
put_text(const char *key, str_t s)
{
    char escaped[JSON_ESCAPE];

    printf("\"%s\":\"", key);
    while (s.n != 0) {
        size_t n = json_plain(s);

        fwrite(s.p, 1, n, stdout);
        s = str_from(s, n);
        if (s.n != 0)
            fwrite(escaped, 1, json_escape(&s, escaped), stdout);
    }
    putchar('"');
}


static void
put_place(str_t file, unsigned line)
{
    if (file.p != NULL) {
        put_text("file", file);
        printf(",\"line\":%u,", line);
    } else {
        printf("\"file\":null,\"line\":null,");
    }
}


static void
put_messages(const char *key, bool are_warnings)
{
    const char *comma = "";

    printf(",\n \"%s\":[", key);
    VEC_EACH(&told.list, m) {
        if ((m->level == LEVEL_WARN) != are_warnings)
            continue;
        printf("%s\n  {", comma);
        put_place(m->file, m->line);
        if (m->column != 0)
            printf("\"column\":%u,", m->column);
        else
            printf("\"column\":null,");
        put_text("message", m->text);
        putchar(',');
        if (m->hint.p != NULL)
            put_text("hint", m->hint);
        else
            printf("\"hint\":null");
        putchar('}');
        comma = ",";
    }
    putchar(']');
}


static void
put_findings(const struct lint *l)
{
    const char *comma = "";

    printf(",\n \"lint\":[");
    VEC_EACH(&l->findings, f) {
        printf("%s\n  {", comma);
        put_text("name", str_of(f->rule->name));
        putchar(',');
        put_place(str_of(f->file), f->line);
        put_text("message", f->message);
        putchar(',');
        put_text("cure", f->cure);
        putchar('}');
        comma = ",";
    }
    putchar(']');
}


static void
print_json(const struct lint *l, bool is_valid)
{
    printf("{\"valid\":%s", is_valid ? "true" : "false");
    put_messages("errors", false);
    put_messages("warnings", true);
    put_findings(l);
    printf("}\n");
}


/* --- the test ---------------------------------------------------------------- */

static struct generation *
read_and_open(const struct setup *s, bool *is_good)
{
    struct generation *g = setup_read(s, &log_start);
    const char        *path = s->paths.conf_file.p;
    bool               is_quiet = s->options.quiet;

    *is_good = g != NULL;
    if (*is_good && !is_quiet)
        fprintf(stderr, "%s: the configuration file %s syntax is ok\n",
                log_program, path);
    if (*is_good)
        *is_good = setup_open(s, g, NULL, &log_start);
    if (!*is_good)
        fprintf(stderr, "%s: configuration file %s test failed\n", log_program,
                path);
    else if (!is_quiet)
        fprintf(stderr, "%s: configuration file %s test is successful\n",
                log_program, path);
    return g;
}


int
configuration_test(const struct setup *s)
{
    struct lint        lint = { .rule = NULL };
    struct generation *g;
    bool               is_good;

    told.arena = s->arena;
    log_tap = s->options.json ? note_line : NULL;
    conf_tap = s->options.json ? note_column : NULL;
    g = read_and_open(s, &is_good);
    log_tap = NULL;
    conf_tap = NULL;
    if (g != NULL && s->paths.lints)
        lint_run(&lint, g, s->arena);
    if (!s->options.quiet)
        lint_print(&lint);
    if (s->options.json)
        print_json(&lint, is_good);
    else if (is_good && s->options.dump)
        generation_print(g, STDOUT_FILENO);
    if (g != NULL)
        listeners_close(&g->listeners);
    generation_put(g);
    return is_good ? 0 : 1;
}
