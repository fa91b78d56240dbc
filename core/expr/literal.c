/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One pass over the pattern, item by item.  Plain characters outside of groups
 * are added to the current run; anything else ends the run.  The run after a
 * leading "^" is the head, the one before a final "$" is the tail.  An
 * alternative outside of groups, an option, a verb, or anything unusual stops
 * the analysis, and nothing is known.
 */
#include "core/expr/literal.h"

struct scan {
    str_t  rest;
    char  *run; /* of plain characters, n of them                            */
    size_t n;
    unsigned depth; /* of groups                                             */
    bool is_first;  /* the run began after a leading "^"                    */
    struct literal found;
};


static void
end_run(struct scan *s)
{
    if (s->is_first)
        s->found.head = (str_t){ s->run, s->n };
    s->is_first = false;
    s->run += s->n;
    s->n = 0;
}


static void
add(struct scan *s, char c)
{
    if (s->depth == 0)
        s->run[s->n++] = c;
}


/* The last character is optional or repeated. */
static void
quantify(struct scan *s)
{
    if (s->depth == 0 && s->n != 0)
        s->n--;
    end_run(s);
}


static char
next(struct scan *s)
{
    char c = s->rest.n ? s->rest.p[0] : '\0';

    s->rest = str_from(s->rest, s->rest.n ? 1 : 0);
    return c;
}


/* A "\" was read.  Only escapes of one letter are understood. */
static bool
read_escape(struct scan *s)
{
    char c = next(s);

    if (c == '\0' || (unsigned char) c >= 0x80)
        return false;
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')
        || (c >= 'a' && c <= 'z')) {
        end_run(s);
        return strchr("dDwWsSbBAzZhHvVR", c) != NULL;
    }
    add(s, c);
    return true;
}


/* A "[" was read. */
static bool
read_class(struct scan *s)
{
    bool is_first = true;
    char c;

    end_run(s);
    if (s->rest.n != 0 && s->rest.p[0] == '^')
        next(s);
    for (;; is_first = false) {
        if (s->rest.n == 0)
            return false;
        c = next(s);
        if (c == ']' && !is_first)
            return true;
        if (c == '[' && s->rest.n != 0 && strchr(":.=", s->rest.p[0]))
            return false;
        if (c == '\\' && strchr("QE", next(s)) != NULL)
            return false;
    }
}


/* A "(" was read.  Options, conditions, calls and verbs are not understood. */
static bool
read_group(struct scan *s)
{
    char c;

    end_run(s);
    s->depth++;
    if (s->rest.n == 0 || s->rest.p[0] == '*')
        return false;
    if (s->rest.p[0] != '?')
        return true;
    next(s);
    c = next(s);
    if (c == 'P')
        return next(s) == '<';
    return c == ':' || c == '=' || c == '!' || c == '<' || c == '>';
}


/* A "{" was read: a count, or something that is not understood. */
static bool
read_count(struct scan *s)
{
    char c;

    quantify(s);
    do
        c = next(s);
    while ((c >= '0' && c <= '9') || c == ',');
    return c == '}';
}


static bool
read_item(struct scan *s)
{
    char c = next(s);

    switch (c) {
    case '\\':
        return read_escape(s);
    case '[':
        return read_class(s);
    case '(':
        return read_group(s);
    case ')':
        end_run(s);
        return s->depth-- != 0;
    case '{':
        return read_count(s);
    case '*':
    case '+':
    case '?':
        quantify(s);
        return true;
    case '.':
        end_run(s);
        return true;
    case '|':
        return s->depth != 0;
    case '$':
        if (s->depth != 0)
            return true;
        if (s->rest.n == 0)
            s->found.tail = (str_t){ s->run, s->n };
        end_run(s);
        return s->rest.n == 0;
    case '^':
        return s->depth != 0;
    }
    if (c == '\0' || (unsigned char) c >= 0x80)
        return false;
    add(s, c);
    return true;
}


struct literal
literal_of(struct arena *a, str_t pattern, bool is_nocase)
{
    static const struct literal nothing;
    struct scan s = { .rest = pattern, .run = arena_bytes(a, pattern.n + 1) };

    s.found.is_nocase = is_nocase;
    if (pattern.n != 0 && pattern.p[0] == '^') {
        s.is_first = true;
        next(&s);
    }
    while (s.rest.n != 0)
        if (!read_item(&s))
            return nothing;
    if (s.depth != 0)
        return nothing;
    end_run(&s);
    if (s.found.head.n != 0)
        s.found.head_end = ascii_lower(s.found.head.p[s.found.head.n - 1]);
    return s.found;
}


/* Compares the last byte first: names differ there more often. */
static inline bool
is_same(const char *p, str_t text, bool is_nocase)
{
    if (ascii_lower(p[text.n - 1]) != ascii_lower(text.p[text.n - 1]))
        return false;
    if (is_nocase)
        return str_ieq((str_t){ p, text.n }, text);
    return memcmp(p, text.p, text.n) == 0;
}


/* "$" matches before a newline at the end, too. */
bool
literal_differs(const struct literal *l, str_t s)
{
    if (s.n < l->head.n)
        return true;
    if (l->head.n != 0 && !is_same(s.p, l->head, l->is_nocase))
        return true;
    if (l->tail.n == 0)
        return false;
    if (s.n >= l->tail.n
        && is_same(s.p + s.n - l->tail.n, l->tail, l->is_nocase))
        return false;
    if (s.n == 0 || s.p[s.n - 1] != '\n')
        return true;
    s.n--;
    return s.n < l->tail.n
           || !is_same(s.p + s.n - l->tail.n, l->tail, l->is_nocase);
}
