/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locations that no request comes to.  Named ones are always reached: by
 * error_page and try_files.
 */
#include "http/lint/rules.h"


static bool
is_location(const struct conf_block *b, unsigned kinds)
{
    return b->kind == IN_LOCATION && (kinds & (1u << lint_location(b)->kind));
}


enum {
    REGEX = 1 << LOCATION_REGEX,
    CARET = 1 << LOCATION_CARET,
    PREFIX = 1 << LOCATION_PREFIX,
    NAMED = 1 << LOCATION_NAMED,
    PREFIXES = PREFIX | CARET,
};

static const char cure_remove[] = "remove it, or change one of the two";


/* --- behind another regular expression ----------------------------------------- */

static bool
takes_all_of(const struct http_location *first, const struct http_location *l)
{
    if (lint_matches_all(first->name))
        return true;
    return str_eq(first->name, l->name) && (first->is_nocase || !l->is_nocase);
}


static void
check_regexes(struct lint *l, const struct conf_block *b)
{
    const struct conf_block *it;

    for (it = b->up->first; it != b; it = it->next)
        if (is_location(it, REGEX)
            && takes_all_of(lint_location(it), lint_location(b))) {
            lint_at_block(l, b, str_of(cure_remove),
                          STR_F " is never reached: that of line %u comes "
                                "first and matches all that it does",
                          STR_A(lint_location_text(l, b)), it->line);
            return;
        }
}


/* A plain prefix beside an expression that matches everything. */
static void
check_prefix(struct lint *l, const struct conf_block *b)
{
    const struct http_location *at = lint_location(b);
    const struct conf_block    *it;

    if (at->inner != NULL || at->name.n == 0 || at->name.p[0] != '/'
        || (at->content != NULL && at->content->redirects_to_slash))
        return;
    for (it = b->up->first; it != NULL; it = it->next)
        if (is_location(it, REGEX) && lint_matches_all(lint_location(it)->name))
        {
            lint_at_block(l, b,
                          STR("write \"^~\", or let the expression match "
                              "less"),
                          STR_F " is never reached: " STR_F
                                " of line %u matches everything",
                          STR_A(lint_location_text(l, b)),
                          STR_A(lint_location_text(l, it)), it->line);
            return;
        }
}


/* --- under ^~ -------------------------------------------------------------------- */

/* The characters that a match must begin with. */
static str_t
literal_start(struct lint *l, str_t p)
{
    char  *out = arena_bytes(l->arena, p.n + 1);
    size_t n = 0, i;

    if (p.n == 0 || p.p[0] != '^' || str_chr(p, '|') != NULL)
        return STR("");
    for (i = 1; i < p.n; i++) {
        if (p.p[i] == '\\' && i + 1 < p.n && strchr("./-_", p.p[i + 1]))
            i++;
        else if (strchr(".[](){}*+?^$\\|", p.p[i]) != NULL)
            break;
        out[n++] = p.p[i];
    }
    if (n != 0 && i < p.n && strchr("*?{", p.p[i]) != NULL)
        n--;
    return (str_t){ out, n };
}


static bool
has_letter(str_t s)
{
    for (size_t i = 0; i < s.n; i++)
        if (((unsigned char) s.p[i] | 0x20) >= 'a'
            && ((unsigned char) s.p[i] | 0x20) <= 'z')
            return true;
    return false;
}


/* All URIs of the expression begin with a ^~ prefix, and with no prefix that
 * is longer and lets expressions be tried. */
static void
check_caret(struct lint *l, const struct conf_block *b)
{
    const struct http_location *at = lint_location(b), *other;
    const struct conf_block    *it, *best = NULL;
    str_t                       start = literal_start(l, at->name);

    if (start.n == 0 || (at->is_nocase && has_letter(start)))
        return;
    for (it = b->up->first; it != NULL; it = it->next) {
        if (!is_location(it, PREFIXES))
            continue;
        other = lint_location(it);
        if (other->kind == LOCATION_PREFIX && str_starts(other->name, start))
            return;
        if (str_starts(start, other->name)
            && (!best || other->name.n > lint_location(best)->name.n))
            best = it;
    }
    if (best == NULL || !is_location(best, CARET))
        return;
    lint_at_block(l, b,
                  arena_printf(l->arena,
                               "put it into \"" STR_F "\", or take the \"^~\" "
                               "from that",
                               STR_A(lint_location_text(l, best))),
                  STR_F " is never reached: \"^~\" of line %u keeps "
                        "expressions from being tried",
                  STR_A(lint_location_text(l, b)), best->line);
}


/* --- one level --------------------------------------------------------------------- */

/* Included ones are for other servers, too. */
static bool
is_own(const struct conf_block *b, const struct conf_block *server)
{
    return b->file == server->file
           || (b->file && server->file && strcmp(b->file, server->file) == 0);
}


/* A server that answers by itself. */
static bool
check_server(struct lint *l, const struct conf_block *b)
{
    const struct setting    *answer = lint_sure_return(b);
    const struct conf_block *it, *first = NULL;
    unsigned                 n = 0;

    if (answer == NULL)
        return false;
    for (it = b->first; it != NULL; it = it->next)
        if (it->kind == IN_LOCATION && !is_location(it, NAMED) && is_own(it, b)
            && n++ == 0)
            first = it;
    if (first != NULL)
        lint_at_block(
            l, first,
            arena_printf(l->arena, "put the \"%s\" into \"location / { }\"",
                         answer->row->name),
            STR_F "%s is never reached: \"%s\" of the server, at " STR_F
                  ", answers before",
            STR_A(lint_location_text(l, first)),
            n > 1 ? ", like the others," : "", answer->row->name,
            STR_A(lint_place(l, answer)));
    return true;
}


static void
check_level(struct lint *l, const struct conf_block *b)
{
    const struct conf_block *it;

    if (b->kind == IN_SERVER && check_server(l, b))
        return;
    for (it = b->first; it != NULL; it = it->next) {
        if (is_location(it, REGEX)) {
            check_regexes(l, it);
            check_caret(l, it);
        } else if (is_location(it, PREFIX)) {
            check_prefix(l, it);
        }
    }
}


void
lint_unreachable_location(struct lint *l)
{
    lint_each_block(l, IN_SERVER | IN_LOCATION, check_level);
}
