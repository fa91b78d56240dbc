/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The locations of one level, and searching them.  First the longest prefix,
 * by bisection over the sorted names, each of which knows the longest other
 * name that is a prefix of it; then regular expressions in the order of the
 * file.  A named location is only found by its name.
 */
#include <stdlib.h>

#include "core/conf/error_log.h"
#include "http/codec.h"
#include "http/main.h"

/* A name, with its locations: "= name" and the prefix. */
struct prefix {
    str_t                 name;
    struct http_location *exact, *inclusive;
    int                   up; /* index of the longest name that is a prefix
                                 of this one                                 */
};

/* The expression is stored beside its location, since the search mostly needs
 * only the expression. */
struct matched {
    const struct regex   *regex;
    struct http_location *location;
};

struct http_locations {
    VEC(struct http_location *) all; /* in the order of the file             */
    struct prefix              *prefixes;
    size_t                      n_prefixes;
    VEC(struct matched)         regexes;
    VEC(struct http_location *) named;
    bool                        has_slash; /* some location has
                                              redirects_to_slash            */
};


struct http_locations *
http_locations_new(struct conf *cf)
{
    return arena_make(cf->arena, struct http_locations);
}


const char *
http_locations_add(struct conf *cf, struct http_locations *to,
                   struct http_location *l)
{
    *vec_push(cf->arena, &to->all) = l;
    if (l->kind == LOCATION_REGEX)
        *vec_push(cf->arena, &to->regexes) = (struct matched){ l->regex, l };
    if (l->kind == LOCATION_NAMED)
        *vec_push(cf->arena, &to->named) = l;
    return NULL;
}


static bool
is_prefix_kind(const struct http_location *l)
{
    return l->kind == LOCATION_PREFIX || l->kind == LOCATION_CARET
           || l->kind == LOCATION_EXACT;
}


static int
compare(const void *a, const void *b)
{
    const struct http_location *x = *(struct http_location *const *) a;
    const struct http_location *y = *(struct http_location *const *) b;
    int                         order = str_cmp(x->name, y->name);

    if (order != 0)
        return order;
    return x->block->line < y->block->line ? -1
                                           : x->block->line > y->block->line;
}


/* Adds a location, in sorted order, to the last prefix entry or a new one. */
static void
place(struct conf *cf, struct http_locations *ls, struct http_location *l)
{
    struct prefix         *p = &ls->prefixes[ls->n_prefixes];
    struct http_location **slot;

    if (ls->n_prefixes > 0 && str_eq(p[-1].name, l->name))
        p--;
    else
        ls->n_prefixes++;
    p->name = l->name;
    slot = l->kind == LOCATION_EXACT ? &p->exact : &p->inclusive;
    if (*slot != NULL) {
        conf_hint(cf, "the first one is at %s:%u", (*slot)->block->file,
                  (*slot)->block->line);
        conf_error_at(cf, l->block->file, l->block->line,
                      "duplicate location \"" STR_F "\"", STR_A(l->name));
    }
    *slot = l;
    if (l->content != NULL && l->content->redirects_to_slash && l->name.n > 1
        && l->name.p[l->name.n - 1] == '/')
        ls->has_slash = true;
}


/* Since names are sorted, the longest prefix of a name is the previous name,
 * or one of that name's prefixes. */
static void
link_up(struct http_locations *ls)
{
    int i, up;

    for (i = 0; i < (int) ls->n_prefixes; i++) {
        up = i - 1;
        while (up >= 0
               && !str_starts(ls->prefixes[i].name, ls->prefixes[up].name))
            up = ls->prefixes[up].up;
        ls->prefixes[i].up = up;
    }
}


void
http_locations_ready(struct conf *cf, struct http_locations *ls)
{
    struct http_location **sorted;
    size_t                 n = 0, i;

    sorted = arena_array(cf->arena, struct http_location *, ls->all.n + 1);
    VEC_EACH(&ls->all, l)
        if (is_prefix_kind(*l))
            sorted[n++] = *l;
    qsort(sorted, n, sizeof(*sorted), compare);
    ls->prefixes = arena_array(cf->arena, struct prefix, n + 1);
    for (i = 0; i < n; i++)
        place(cf, ls, sorted[i]);
    link_up(ls);

    VEC_EACH(&ls->all, it)
        if ((*it)->inner != NULL)
            http_locations_ready(cf, (*it)->inner);
}


str_t
http_location_text(struct arena *a, const struct http_location *l)
{
    while (l->kind == LOCATION_NAMELESS && l->up != NULL)
        l = l->up;
    switch (l->kind) {
    case LOCATION_CARET:
        return str_join(a, STR("^~ "), l->name);
    case LOCATION_EXACT:
        return str_join(a, STR("= "), l->name);
    case LOCATION_REGEX:
        return str_join(a, l->is_nocase ? STR("~* ") : STR("~ "), l->name);
    case LOCATION_PREFIX:
    case LOCATION_NAMED:
    case LOCATION_NAMELESS:
        break;
    }
    return l->block->kind == IN_LOCATION ? l->name : STR("");
}


/* --- searching --------------------------------------------------------------- */

/* The last entry whose name is not greater than uri; -1: none. */
static int
bisect(const struct http_locations *ls, str_t uri)
{
    int low = 0, high = (int) ls->n_prefixes - 1, mid;

    while (low <= high) {
        mid = (low + high) / 2;
        if (str_cmp(ls->prefixes[mid].name, uri) <= 0)
            low = mid + 1;
        else
            high = mid - 1;
    }
    return high;
}


/* Whether the URI is "/x", and there is a location "/x/" to which it is
 * redirected.  If there is, then the one behind the URI's own place, before,
 * begins with the URI, too: that is where most are done. */
static bool
wants_slash(const struct http_locations *ls, struct http_request *r, int before)
{
    struct http_location *l;
    str_t                 with;
    int                   i = before + 1;

    if ((size_t) i == ls->n_prefixes
        || !str_starts(ls->prefixes[i].name, r->uri))
        return false;
    with = str_join(r->task.arena, r->uri, STR("/"));
    i = bisect(ls, with);
    if (i < 0 || !str_eq(ls->prefixes[i].name, with))
        return false;
    l = ls->prefixes[i].inclusive;
    if (l == NULL || l->content == NULL || !l->content->redirects_to_slash)
        return false;
    r->location = l;
    return true;
}


enum match {
    MATCH_NONE,
    MATCH_PREFIX,
    MATCH_FINAL,
    MATCH_SLASH,
    MATCH_ERROR, /* an expression failed: the result is unknown              */
};


static enum match
match_prefix(const struct http_locations *ls, struct http_request *r)
{
    const struct prefix *p;
    int                  i = bisect(ls, r->uri);

    if (i >= 0)
        log_debug(r->task.log, "test location: \"" STR_F "\"",
                  STR_A(ls->prefixes[i].name));
    if (i >= 0 && ls->prefixes[i].exact != NULL
        && str_eq(ls->prefixes[i].name, r->uri))
    {
        r->location = ls->prefixes[i].exact;
        return MATCH_FINAL;
    }
    if (ls->has_slash
        && (i < 0 || !str_eq(ls->prefixes[i].name, r->uri)
            || ls->prefixes[i].inclusive == NULL)
        && wants_slash(ls, r, i))
        return MATCH_SLASH;
    for (; i >= 0; i = ls->prefixes[i].up) {
        p = &ls->prefixes[i];
        if (p->inclusive != NULL && str_starts(r->uri, p->name)) {
            r->location = p->inclusive;
            return MATCH_PREFIX;
        }
        if (p->up >= 0)
            log_debug(r->task.log, "test location: \"" STR_F "\"",
                      STR_A(ls->prefixes[p->up].name));
    }
    return MATCH_NONE;
}


/* --- tracing ------------------------------------------------------------- */

static void
trace_location(struct http_request *r, const struct http_location *l,
               const char *verdict, const char *why)
{
    trace_tell(&r->task, TRACE_LOCATION, verdict, l->block->file,
               l->block->line, why, "location " STR_F,
               STR_A(http_location_text(r->task.arena, l)));
}


/* Traces the shorter prefixes of the URI. */
static void
trace_shorter(struct http_request *r, const struct http_locations *ls, int i)
{
    const struct prefix *p;

    for (; i >= 0; i = ls->prefixes[i].up) {
        p = &ls->prefixes[i];
        if (p->inclusive != NULL && p->inclusive != r->location
            && str_starts(r->uri, p->name))
            trace_location(r, p->inclusive, "lost", "a longer one matches");
    }
}


static void
trace_unread(struct http_request *r, const struct http_locations *ls, size_t i,
             const char *why)
{
    for (; i < ls->regexes.n; i++)
        if (regex_test(ls->regexes.at[i].regex, r->uri))
            trace_location(r, ls->regexes.at[i].location, "lost", why);
}


/* --- levels -------------------------------------------------------------- */

static enum match search(const struct http_locations *ls,
                         struct http_request         *r);


/* The regular expressions of one level; found is the result without them. */
static enum match
search_regexes(const struct http_locations *ls, struct http_request *r,
               enum match found)
{
    struct http_location *l;
    enum regex_verdict    verdict;
    enum match            inner;
    size_t                i;

    for (i = 0; i < ls->regexes.n; i++) {
        l = ls->regexes.at[i].location;
        log_debug(r->task.log, "test location: ~ \"" STR_F "\"",
                  STR_A(l->name));
        verdict = regex_exec(ls->regexes.at[i].regex, &r->task, r->uri);
        if (verdict != REGEX_YES && task_is_dry(&r->task))
            trace_location(r, l, "passed",
                           verdict == REGEX_NO ? "does not match"
                                               : "the match failed");
        if (verdict == REGEX_ERROR)
            return MATCH_ERROR;
        if (verdict == REGEX_NO)
            continue;
        if (task_is_dry(&r->task)) {
            if (found == MATCH_PREFIX)
                trace_location(r, r->location, "lost",
                               "a regular expression matches");
            trace_unread(r, ls, i + 1, "an earlier one matches");
        }
        r->location = l;
        inner = search(l->inner, r);
        return inner == MATCH_SLASH || inner == MATCH_ERROR ? inner
                                                            : MATCH_FINAL;
    }
    return found;
}


/* Searches one level, and the locations nested in the one that it finds.  From
 * MATCH_FINAL on, a result also ends the search of the outer levels. */
static enum match
search(const struct http_locations *ls, struct http_request *r)
{
    enum match found, inner;
    bool       no_regex = false;

    if (ls == NULL)
        return MATCH_NONE;
    found = match_prefix(ls, r);
    if (found == MATCH_PREFIX) {
        no_regex = r->location->kind == LOCATION_CARET;
        inner = search(r->location->inner, r);
        if (inner != MATCH_NONE)
            found = inner;
    }
    if (found >= MATCH_FINAL || no_regex) {
        if (task_is_dry(&r->task))
            trace_unread(r, ls, 0,
                         no_regex ? "\"^~\" keeps them from being tried"
                                  : "a match that is final came first");
        return found;
    }
    return search_regexes(ls, r, found);
}


void
http_apply(struct http_request *r, const struct http_location *l)
{
    r->location = l;
    r->task.conf = l->conf;
    r->log.targets = error_log_targets(l->conf);
}


void
http_enter(struct http_request *r, const struct http_location *l)
{
    http_apply(r, l);
    r->codec->enter(r);
}


static void
trace_found(struct http_request *r)
{
    const struct http_location  *l = r->location;
    const struct http_locations *ls = l->up ? l->up->inner
                                            : r->server->locations;

    if (l == r->server->root) {
        trace_tell(&r->task, TRACE_LOCATION, "none", l->block->file,
                   l->block->line,
                   "no location matches: the server's own "
                   "settings hold",
                   STR_F, STR_A(r->uri));
        return;
    }
    if (ls != NULL && l->kind != LOCATION_REGEX)
        trace_shorter(r, ls, bisect(ls, r->uri));
    trace_location(r, l, "matched", NULL);
}


enum http_found
http_find_location(struct http_request *r)
{
    const struct http_location *l;
    enum match                  match;

    r->location = r->server->root;
    match = search(r->server->locations, r);
    l = r->location;
    log_debug(r->task.log, "using configuration \"%s" STR_F "\"",
              l->kind == LOCATION_EXACT ? "=" : "", STR_A(l->name));
    if (task_is_dry(&r->task))
        trace_found(r);
    if (l->except != NULL && !(r->method & l->except_methods))
        http_enter(r, l->except);
    else
        http_enter(r, l);
    if (match == MATCH_ERROR)
        return HTTP_FOUND_ERROR;
    return match == MATCH_SLASH ? HTTP_FOUND_SLASH : HTTP_FOUND;
}


const struct http_location *
http_find_named(const struct http_request *r, str_t name)
{
    VEC_EACH(&r->server->locations->named, l)
        if (str_eq((*l)->name, name))
            return *l;
    return NULL;
}
