/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locations that no request reaches.  Named ones always count as reached: by
 * error_page and try_files.
 */
#include "http/lint/rules.h"

#include <stdlib.h>


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


/* The locations of one block, collected in their order. */
struct level {
    struct hash             *regexes; /* seen so far, up to one that          */
    const struct conf_block *all;     /* ... matches everything               */
    const struct conf_block *any_all; /* the first such one of the block      */
    struct hash             *prefixes;
    VEC(str_t)               names; /* of prefixes without ^~, sorted        */
};


static int
by_bytes(const void *a, const void *b)
{
    return str_cmp(*(const str_t *) a, *(const str_t *) b);
}


static void
level_init(struct lint *l, struct level *v, const struct conf_block *b)
{
    *v = (struct level){ .all = NULL };
    v->regexes = hash_new(l->arena, 8, HASH_EXACT);
    v->prefixes = hash_new(l->arena, 8, HASH_EXACT);
    for (b = b->first; b != NULL; b = b->next) {
        if (is_location(b, PREFIXES))
            hash_set(v->prefixes, lint_location(b)->name,
                     (void *) (uintptr_t) b);
        if (is_location(b, PREFIX))
            *vec_push(l->arena, &v->names) = lint_location(b)->name;
        if (v->any_all == NULL && is_location(b, REGEX)
            && lint_matches_all(lint_location(b)->name))
            v->any_all = b;
    }
    if (v->names.n != 0)
        qsort(v->names.at, v->names.n, sizeof(str_t), by_bytes);
}


/* Whether a prefix without ^~ begins with start. */
static bool
has_longer_prefix(const struct level *v, str_t start)
{
    size_t low = 0, high = v->names.n, middle;

    while (low < high) {
        middle = low + (high - low) / 2;
        if (str_cmp(v->names.at[middle], start) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < v->names.n && str_starts(v->names.at[low], start);
}


/* --- behind another regular expression ----------------------------------------- */

static str_t
regex_key(struct lint *l, str_t name, bool is_nocase)
{
    return str_join(l->arena, is_nocase ? STR("~*") : STR("~"), name);
}


/* The first earlier expression that matches everything that b matches, or
 * NULL.  Remembers those seen, so that the lookup takes constant time. */
static const struct conf_block *
taken_by(struct lint *l, struct level *v, const struct conf_block *b)
{
    const struct http_location *at = lint_location(b);
    str_t nocase = regex_key(l, at->name, true), own = nocase;
    const struct conf_block *first;

    if (!at->is_nocase)
        own = regex_key(l, at->name, false);
    first = hash_get(v->regexes, own);
    if (first == NULL)
        first = hash_get(v->regexes, nocase);
    if (first == NULL)
        first = v->all;
    if (first == NULL)
        hash_set(v->regexes, own, (void *) (uintptr_t) b);
    if (v->all == NULL && lint_matches_all(at->name))
        v->all = b;
    return first;
}


static void
check_regexes(struct lint *l, struct level *v, const struct conf_block *b)
{
    const struct conf_block *first = taken_by(l, v, b);

    if (first != NULL)
        lint_at_block(l, b, str_of(cure_remove),
                      STR_F " is never reached: that of line %u comes first "
                            "and matches all that it does",
                      STR_A(lint_location_text(l, b)), first->line);
}


/* A prefix without ^~ is never reached next to an expression that matches
 * everything. */
static void
check_prefix(struct lint *l, const struct level *v, const struct conf_block *b)
{
    const struct http_location *at = lint_location(b);

    if (v->any_all == NULL || at->inner != NULL || at->name.n == 0
        || at->name.p[0] != '/'
        || (at->content != NULL && at->content->redirects_to_slash))
        return;
    lint_at_block(l, b, STR("write \"^~\", or let the expression match less"),
                  STR_F " is never reached: " STR_F
                        " of line %u matches everything",
                  STR_A(lint_location_text(l, b)),
                  STR_A(lint_location_text(l, v->any_all)), v->any_all->line);
}


/* --- under ^~ -------------------------------------------------------------------- */

/* The literal text that each match begins with. */
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


/* The location with the longest prefix of start, or NULL. */
static const struct conf_block *
longest_prefix(const struct level *v, str_t start)
{
    const struct conf_block *best = NULL;

    for (size_t n = start.n; n > 0 && best == NULL; n--)
        best = hash_get(v->prefixes, (str_t){ start.p, n });
    return best;
}


/* An expression is never reached when all its URIs begin with a ^~ prefix, and
 * no longer prefix without ^~ lets expressions be tried. */
static void
check_caret(struct lint *l, const struct level *v, const struct conf_block *b)
{
    const struct http_location *at = lint_location(b);
    const struct conf_block    *best;
    str_t                       start = literal_start(l, at->name);

    if (start.n == 0 || (at->is_nocase && has_letter(start))
        || has_longer_prefix(v, start))
        return;
    best = longest_prefix(v, start);
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

/* Locations from an included file may be meant for other servers, too. */
static bool
is_own(const struct conf_block *b, const struct conf_block *server)
{
    return b->file == server->file
           || (b->file && server->file && strcmp(b->file, server->file) == 0);
}


/* A return in the server itself makes its locations unreachable; true when
 * there is one. */
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
    struct level             v;

    if (b->kind == IN_SERVER && check_server(l, b))
        return;
    if (!lint_has_inner(b, IN_LOCATION))
        return;
    level_init(l, &v, b);
    for (it = b->first; it != NULL; it = it->next) {
        if (is_location(it, REGEX)) {
            check_regexes(l, &v, it);
            check_caret(l, &v, it);
        } else if (is_location(it, PREFIX)) {
            check_prefix(l, &v, it);
        }
    }
}


void
lint_unreachable_location(struct lint *l)
{
    lint_each_block(l, IN_SERVER | IN_LOCATION, check_level);
}
