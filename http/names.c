/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server names of an address: exact ones, "*.host" and "host.*" in tables,
 * the longest wildcard first, then regular expressions in the order of the
 * file.
 */
#include <unistd.h>

#include "http/main.h"

struct http_names_conf {
    VEC(struct http_name) list;
};


/* --- the directive ---------------------------------------------------------- */

static str_t
machine_name(struct arena *a)
{
    char name[256];

    if (gethostname(name, sizeof(name)) == -1)
        return STR("");
    name[sizeof(name) - 1] = '\0';
    return str_copy(a, str_of(name));
}


/* A name may have one wildcard, at one end, next to a dot. */
static bool
is_valid(str_t name)
{
    const char *star = str_chr(name, '*');

    if (name.n != 0 && name.p[0] == '.')
        return name.n > 1 && star == NULL;
    if (star == NULL)
        return true;
    if (star == name.p)
        return name.n > 2 && name.p[1] == '.'
               && str_chr(str_from(name, 1), '*') == NULL;
    return star == name.p + name.n - 1 && name.n > 2 && star[-1] == '.'
           && str_chr((str_t){ name.p, name.n - 1 }, '*') == NULL;
}


static const char *
add_name(struct conf *cf, struct http_names_conf *c, str_t text)
{
    struct http_name *n;
    const char       *error = NULL;

    if (str_eq(text, STR("$hostname")))
        text = machine_name(cf->arena);
    if (text.n != 0 && text.p[0] == '~') {
        if (text.n == 1)
            return conf_error(cf, "empty regex in server name \"" STR_F "\"",
                              STR_A(text));
    } else {
        if (!is_valid(text))
            return conf_error(cf, "server name \"" STR_F "\" is invalid",
                              STR_A(text));
        if (str_chr(text, '/') != NULL)
            conf_warn(cf, "server name \"" STR_F "\" has suspicious symbols",
                      STR_A(text));
    }
    n = vec_push(cf->arena, &c->list);
    n->text = text;
    n->file = cf->file;
    n->line = cf->line;
    if (text.n != 0 && text.p[0] == '~') {
        /* Host names are case-insensitive, so a pattern with upper case
         * matches as well. */
        n->regex = regex_compile(cf, str_from(text, 1), REGEX_NOCASE, &error);
        return error;
    }
    n->text = str_copy(cf->arena, text);
    str_lower_to((char *) (uintptr_t) n->text.p, n->text);
    return NULL;
}


static const char *
parse_server_name(struct conf *cf, void *field)
{
    struct http_names_conf *c = field;
    const char             *error = NULL;
    unsigned                i;

    for (i = 1; i < cf->n_args && error == NULL; i++)
        error = add_name(cf, c, cf->args[i]);
    return error;
}


static const struct conf_type names_type = {
    .name = "server names",
    .size = sizeof(struct http_names_conf),
    .parse = parse_server_name,
    .unset = "\"\"",
};

static const struct directive rows[] = {
    { "server_name", IN_SERVER | ROW_MANY, ARGS_1_OR_MORE, &names_type, 0, NULL,
      NULL, "name ...",
      "The names that the server answers to: exact, with * as their "
      "first or last part, or ~ and a regular expression. Exact ones "
      "go first, then the longest wildcard in front, the longest "
      "behind, the first expression in the file. \"\" matches "
      "requests without a host." },
    { .name = NULL },
};

struct module http_names_module = {
    .name = "http_core",
    .serves = FOR_HTTP,
    .directives = rows,
    .conf_size = sizeof(struct http_names_conf),
};


static const struct http_names_conf *
names_of(const struct http_server *s)
{
    return confs_get(s->conf, &http_names_module);
}


void
http_names_first(struct http_server *s)
{
    const struct http_names_conf *c = names_of(s);

    s->name = c->list.n ? c->list.at[0].text : STR("");
    if (s->name.n > 1 && s->name.p[0] == '.')
        s->name = str_from(s->name, 1);
}


/* How well a name matches a host: the better match counts, whatever the order
 * in the file. */
enum holds {
    HOLDS_NOT,
    HOLDS_REGEX,
    HOLDS_TRAILING,
    HOLDS_LEADING,
    HOLDS_EXACT
};


static enum holds
holds(const struct http_name *n, str_t host)
{
    str_t text = n->text;

    if (n->regex != NULL)
        return regex_test(n->regex, host) ? HOLDS_REGEX : HOLDS_NOT;
    if (text.n == 0)
        return host.n == 0 ? HOLDS_EXACT : HOLDS_NOT;
    if (text.p[0] == '.' && str_eq(str_from(text, 1), host))
        return HOLDS_EXACT;
    if (text.p[0] == '.')
        return host.n > text.n && str_ends(host, text) ? HOLDS_LEADING
                                                       : HOLDS_NOT;
    if (text.p[0] == '*')
        return host.n >= text.n && str_ends(host, str_from(text, 1))
                   ? HOLDS_LEADING
                   : HOLDS_NOT;
    if (text.p[text.n - 1] == '*') {
        text.n--;
        return host.n > text.n && str_starts(host, text) ? HOLDS_TRAILING
                                                         : HOLDS_NOT;
    }
    return str_eq(text, host) ? HOLDS_EXACT : HOLDS_NOT;
}


enum regex_verdict
http_has_name(const struct http_server *s, const struct log *log, str_t host)
{
    enum regex_verdict verdict = REGEX_NO;

    VEC_EACH(&names_of(s)->list, it) {
        if (it->regex != NULL)
            verdict = regex_try(it->regex, log, host);
        else if (it->text.n != 0 && holds(it, host) != HOLDS_NOT)
            verdict = REGEX_YES;
        if (verdict != REGEX_NO)
            break;
    }
    return verdict;
}


/* --- tables of an address -------------------------------------------------------- */

static void
add_to(struct conf *cf, struct http_address *a, struct hash **table,
       const struct http_name *n, str_t key, struct http_server *s)
{
    struct http_server *before;

    if (*table == NULL)
        *table = hash_new(cf->arena, a->servers.n, HASH_EXACT);
    before = hash_get(*table, key);
    if (before == NULL)
        hash_set(*table, key, s);
    else if (a->servers.n > 1) /* a single server cannot have conflicts  */
        conf_warn_bare(
            cf, "conflicting server name \"" STR_F "\" on " STR_F ", ignored",
            STR_A(n->text), STR_A(a->text));
}


static void
add_to_address(struct conf *cf, struct http_address *a,
               const struct http_name *n, struct http_server *s)
{
    str_t t = n->text;

    if (n->regex != NULL) {
        patterns_add(cf->arena, &a->regexes, n->regex, s);
    } else if (t.n != 0 && t.p[0] == '.') {
        add_to(cf, a, &a->exact, n, str_from(t, 1), s);
        add_to(cf, a, &a->leading, n, t, s);
    } else if (t.n != 0 && t.p[0] == '*') {
        add_to(cf, a, &a->leading, n, str_from(t, 1), s);
    } else if (t.n != 0 && t.p[t.n - 1] == '*') {
        add_to(cf, a, &a->trailing, n, (str_t){ t.p, t.n - 1 }, s);
    } else {
        add_to(cf, a, &a->exact, n, t, s);
    }
}


static const struct http_name no_name = { .text = STR_INIT("") };


/* After errors, nothing has been inherited, and a name may be missing. */
void
http_names_ready(struct conf *cf, struct http_address *a)
{
    const struct http_names_conf *c;

    VEC_EACH(&a->servers, s) {
        c = (*s)->conf ? names_of(*s)
                       : conf_find((*s)->block, &http_names_module);
        if (c == NULL)
            continue;
        if (c->list.n == 0 && cf->errors == 0)
            add_to_address(cf, a, &no_name, *s);
        VEC_EACH(&c->list, n)
            add_to_address(cf, a, n, *s);
    }
}


/* --- searching ------------------------------------------------------------------- */

static const struct http_server *
find_leading(const struct http_address *a, str_t host)
{
    const struct http_server *s;
    size_t                    i;

    if (a->leading == NULL)
        return NULL;
    for (i = 1; i < host.n; i++) {
        if (host.p[i] != '.')
            continue;
        s = hash_get(a->leading, str_from(host, i));
        if (s != NULL)
            return s;
    }
    return NULL;
}


static const struct http_server *
find_trailing(const struct http_address *a, str_t host)
{
    const struct http_server *s;
    size_t                    i;

    if (a->trailing == NULL || host.n == 0)
        return NULL;
    for (i = host.n - 1; i > 0; i--) {
        if (host.p[i - 1] != '.')
            continue;
        s = hash_get(a->trailing, (str_t){ host.p, i });
        if (s != NULL)
            return s;
    }
    return NULL;
}


const struct http_server *
http_default_server(const struct http_address *a)
{
    return a->fallback;
}


/* There is nothing to choose from, and no match that captures anything. */
static bool
is_sole(const struct http_address *a)
{
    return a->servers.n == 1 && a->regexes.list.n == 0;
}


/* Searches the names that are not regular expressions. */
static const struct http_server *
find_plain(const struct http_address *a, str_t host)
{
    const struct http_server *s = NULL;

    if (a->exact != NULL)
        s = hash_get(a->exact, host);
    if (s == NULL)
        s = find_leading(a, host);
    if (s == NULL)
        s = find_trailing(a, host);
    return s;
}


/* --- tracing ------------------------------------------------------------- */

static void
trace_name(struct task *t, const struct http_name *n, const char *verdict,
           const char *why)
{
    trace_tell(t, TRACE_SERVER, verdict, n->file, n->line, why, STR_F,
               STR_A(n->text));
}


/* The name of the chosen server that matches the host. */
static const struct http_name *
name_of_winner(const struct http_server *s, str_t host)
{
    const struct http_name *best = NULL;
    enum holds              how, best_how = HOLDS_NOT;

    VEC_EACH(&names_of(s)->list, n) {
        how = holds(n, host);
        if (how > best_how
            || (how == best_how && how != HOLDS_NOT && n->regex == NULL
                && n->text.n > best->text.n))
        {
            best = n;
            best_how = how;
        }
    }
    return best;
}


static void
trace_loser(struct task *t, const struct http_name *n, enum holds how,
            enum holds winner)
{
    static const char *const better[] = {
        [HOLDS_REGEX] = "an earlier regular expression matches",
        [HOLDS_TRAILING] = "a wildcard goes before regular expressions",
        [HOLDS_LEADING] = "a wildcard in front goes first",
        [HOLDS_EXACT] = "an exact name goes first",
    };
    const char *why = better[winner];

    if (how == winner && how == HOLDS_EXACT)
        why = "the first server with the name has it";
    else if (how == winner && how != HOLDS_REGEX)
        why = "a longer wildcard matches";
    trace_name(t, n, "lost", why);
}


static void
trace_names(struct task *t, const struct http_address *a, str_t host,
            const struct http_server *found)
{
    const struct http_name *best = found ? name_of_winner(found, host) : NULL;
    enum holds              how;

    if (best != NULL)
        trace_name(t, best, "matched", NULL);
    else if (found != NULL)
        trace_tell(t, TRACE_SERVER, "matched", found->block->file,
                   found->block->line, "the request names no host", "no name");
    else
        trace_tell(t, TRACE_SERVER, "default", a->fallback->block->file,
                   a->fallback->block->line,
                   a->has_default ? "no name matches; it is the default_server"
                                  : "no name matches; it is the first server "
                                    "of the address",
                   STR_F, STR_A(a->text));
    VEC_EACH(&a->servers, s) {
        VEC_EACH(&names_of(*s)->list, n) {
            how = holds(n, host);
            if (n != best && how != HOLDS_NOT && best != NULL)
                trace_loser(t, n, how, holds(best, host));
        }
    }
}


bool
http_knows(const struct http_address *a, str_t host)
{
    if (find_plain(a, host) != NULL)
        return true;
    VEC_EACH(&a->regexes.list, n)
        if (host.n != 0 && regex_test(n->regex, host))
            return true;
    return false;
}


const struct http_server *
http_find_server(const struct http_address *a, str_t host, struct task *t)
{
    const struct http_server *s;
    void                     *found = NULL;

    if (is_sole(a) && !task_is_dry(t))
        return a->fallback;
    s = find_plain(a, host);
    if (s == NULL && host.n != 0) {
        if (!patterns_find(&a->regexes, t, host, &found))
            return NULL;
        s = found;
    }
    if (task_is_dry(t))
        trace_names(t, a, host, s);
    return s != NULL ? s : a->fallback;
}


const struct http_server *
http_server_named(const struct http_address *a, str_t host)
{
    const struct http_server *s = find_plain(a, host);

    if (s != NULL)
        return s;
    VEC_EACH(&a->regexes.list, n)
        if (regex_test(n->regex, host))
            return n->value;
    return a->fallback;
}
