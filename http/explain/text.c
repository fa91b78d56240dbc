/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Steps as text: one line each, with its place at the end.
 */
#include "http/explain/explain.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    LABEL = 12,    /* columns of what kind of step it is                     */
    PLACE_AT = 72, /* the column of places                                   */
    ROOM_MIN = 16, /* columns that are left to a text, and behind it         */
    ALIKE_MAX = 4, /* steps of the same verdict that are shown whole         */
};

static const char *const labels[] = {
#define X(name, text) [TRACE_##name] = text,
    [TRACE_VALUE] = "value",
    TRACE_KINDS(X)
#undef X
};


/* The place of a setting behind a line that has used n columns. */
static void
print_place(const struct explain *e, int n, const char *file, unsigned line)
{
    str_t path = str_of(file != NULL ? file : "");

    if (path.n != 0 && str_starts(path, e->folder))
        path = str_from(path, e->folder.n);
    if (path.n != 0)
        printf("%*s" STR_F ":%u", n < PLACE_AT ? PLACE_AT - n : 2, "",
               STR_A(path), line);
    printf("\n");
}


/* Columns of text that may be UTF-8. */
static int
columns(str_t s)
{
    int    n = 0;
    size_t i;

    for (i = 0; i < s.n; i++)
        n += ((unsigned char) s.p[i] & 0xc0) != 0x80;
    return n;
}


/* Text from outside must not contain terminal commands. */
static int
print_safe(str_t s)
{
    size_t i;

    for (i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char) s.p[i];

        putchar(c < 32 || c == 127 ? '?' : c);
    }
    return columns(s);
}


static int
print_label(const char *label, unsigned depth)
{
    return printf("  %*s%-*s", (int) depth * 2, "", LABEL, label);
}


/* The head of a request or response, a line each. */
static void
print_lines(str_t text, unsigned depth, const char *label, const char *mark)
{
    str_t line;

    while (text.n != 0) {
        line = str_cut(&text, '\n');
        if (line.n != 0 && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n == 0)
            continue;
        print_label(label, depth);
        printf("%s ", mark);
        print_safe(line);
        printf("\n");
        label = "";
    }
}


/* As much of a text as goes into a line of the terminal from column n on; all
 * of it with --full, and where the output is no terminal. */
static str_t
fitting(const struct explain *e, str_t s, int n)
{
    struct winsize w;
    int            room;

    if (e->ask.is_full || ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == -1
        || w.ws_col == 0)
        return s;
    room = w.ws_col - n - ROOM_MIN;
    if (room < ROOM_MIN)
        room = ROOM_MIN;
    if (columns(s) <= room)
        return s;
    while (columns(s) > room - 3)
        s.n--;
    while (s.n != 0 && ((unsigned char) s.p[s.n] & 0xc0) == 0x80)
        s.n--;
    return str_join(e->arena, s, STR("..."));
}


static void
print_step(const struct explain *e, const struct explain_step *s,
           const char *label)
{
    int n;

    if (s->kind == TRACE_UPSTREAM && strcmp(s->verdict, "request") == 0) {
        print_lines(s->what, s->depth, "", ">");
        return;
    }
    n = print_label(label, s->depth);
    n += printf("%s ", s->verdict);
    n += print_safe(fitting(e, s->what, n));
    if (s->why.n != 0) {
        n += printf(" (");
        n += print_safe(fitting(e, s->why, n));
        n += printf(")");
    }
    print_place(e, n, s->file, s->line);
}


static bool
is_like(const struct explain_step *a, const struct explain_step *b)
{
    return a->kind == b->kind && a->depth == b->depth
           && strcmp(a->verdict, b->verdict) == 0;
}


/* How many steps from at on went by in the same way. */
static size_t
alike(const struct explain *e, size_t at)
{
    size_t n = 1;

    while (at + n < e->steps.n
           && is_like(&e->steps.at[at], &e->steps.at[at + n]))
        n++;
    return n;
}


/* "set $x word;": what it comes to stands in it. */
static bool
sets_constant(const struct explain_step *s)
{
    return s->kind == TRACE_REWRITE && strcmp(s->verdict, "ran") == 0
           && str_starts(s->what, STR("set $"))
           && str_chr(str_from(s->what, sizeof("set $") - 1), '$') == NULL;
}


/* How many of them follow each other from at on. */
static size_t
constants(const struct explain *e, size_t at)
{
    size_t n = 0;

    while (at + n < e->steps.n && sets_constant(&e->steps.at[at + n])
           && e->steps.at[at + n].depth == e->steps.at[at].depth)
        n++;
    return n;
}


static void
print_steps(const struct explain *e)
{
    const struct explain_step *s, *before = NULL;
    const char                *label;
    size_t                     i, n;

    for (i = 0; i < e->steps.n; i++) {
        s = &e->steps.at[i];
        label = before != NULL && before->kind == s->kind
                        && before->depth == s->depth
                    ? ""
                    : labels[s->kind];
        print_step(e, s, label);
        before = s;
        n = alike(e, i);
        if (strcmp(s->verdict, "passed") == 0 && n > ALIKE_MAX) {
            print_label("", s->depth);
            printf("passed %zu more in the same way\n", n - 1);
            i += n - 1;
        }
        n = e->ask.is_full ? 1 : constants(e, i);
        if (n > 1) {
            print_label("", s->depth);
            printf("ran %zu more that set a constant\n", n - 1);
            i += n - 1;
        }
    }
}


static void
print_limits(const struct explain *e)
{
    const char *label = "limits";
    int         n;

    VEC_EACH(&e->limits, l) {
        n = print_label(label, 0);
        n += print_safe(l->text);
        if (l->file == NULL)
            n += printf(" (the default)");
        print_place(e, n, l->file, l->line);
        label = "";
    }
}


/* The request line as a URL. */
static void
print_asked(const struct explain *e)
{
    const struct explain_ask *ask = &e->ask;
    unsigned                  usual = str_is(ask->scheme, "https") ? 443 : 80;

    printf(STR_F " ", STR_A(ask->method));
    if (ask->path.n != 0 || ask->has_host)
        printf(STR_F "://", STR_A(ask->scheme));
    print_safe(ask->path.n != 0 ? ask->path : ask->host);
    if (ask->path.n != 0)
        printf(":");
    else if (ask->has_host && ask->port != usual)
        printf(":%u", ask->port);
    print_safe(ask->target);
}


/* --cache */
static void
print_cache(const struct explain *e)
{
    const struct explain_step *before = NULL;

    VEC_EACH(&e->steps, s) {
        if (s->kind != TRACE_CACHE)
            continue;
        print_step(e, s, before == NULL ? "cache" : "");
        before = s;
    }
    if (before == NULL)
        printf("no cache is asked\n");
}


void
text_print(const struct explain *e)
{
    char   from[ADDR_TEXT];
    size_t n = addr_text(from, &e->ask.from.sa, e->ask.from.len, false);
    int    k;
    bool   asked = record_last(e, TRACE_UPSTREAM, "request") != NULL;

    print_asked(e);
    printf(" from %.*s\n", (int) n, from);
    if (e->ask.is_cache) {
        print_cache(e);
        return;
    }
    print_label("listener", 0);
    k = LABEL + 2 + printf(STR_F, STR_A(e->address->text));
    if (str_is(e->ask.scheme, "https") && !e->address->has_ssl)
        k += printf(" (it has no ssl: taken to be http)");
    else if (str_is(e->ask.scheme, "http") && e->address->has_ssl)
        k += printf(" (it has ssl: taken to be https)");
    print_place(e, k, e->listen ? e->listen->file : NULL,
                e->listen ? e->listen->line : 0);
    print_steps(e);
    print_limits(e);
    print_lines(e->head, 0, "response", "<");
    if (asked) {
        print_label("", 0);
        printf("(taking the upstream's answer to be %u, with %s)\n",
               e->ask.status,
               e->ask.answer.list.n ? "the fields of --answer and no body"
                                    : "nothing in it");
    }
}
