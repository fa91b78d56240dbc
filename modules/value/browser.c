/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * browser: $modern_browser and $ancient_browser classify User-Agent; $msie
 * tells whether it names Internet Explorer.
 *
 *     modern_browser msie 5.5; modern_browser gecko 1.0; ancient_browser Lynx;
 */
#include "http/error_page.h"
#include "modules/module.h"

/* A browser is recognized by the text before its version, searched from byte
 * skip on.  Opera also claims to be others, so it is tried first. */
static const struct kind {
    const char *name;
    size_t      skip;
    const char *before;
    size_t      length; /* of before and one separator                       */
} kinds[] = {
    { "opera", 0, "Opera", 6 },
    { "msie", 25, "MSIE ", 5 },
    { "gecko", 13, "rv:", 3 },
    { "safari", 13, "Safari/", 7 },
    { "konqueror", 25, "Konqueror/", 10 },
};

struct modern {
    unsigned kind;
    uint64_t version;
};

struct browser_conf {
    struct moderns {
        VEC(struct modern) list; /* in the order of kinds                    */
        bool               takes_unlisted;
    } modern;
    struct ancients {
        VEC(str_t) list;
        bool       has_netscape4;
    } ancient;
    str_t modern_value, ancient_value;
};

extern struct module browser_module;


/* Reads "5.5" as 5050000, up to the first byte that is no digit and no dot;
 * *end is its index. */
static uint64_t
read_version(str_t s, size_t *end)
{
    uint64_t version = 0, part = 0, scale = 1000000;
    size_t   i;

    for (i = 0; i < s.n; i++) {
        if (s.p[i] >= '0' && s.p[i] <= '9') {
            part = part < 100000000 ? part * 10 + (unsigned) (s.p[i] - '0')
                                    : part;
            continue;
        }
        if (s.p[i] != '.')
            break;
        version += part * scale;
        part = 0;
        scale /= 100;
    }
    *end = i;
    return version + part * scale;
}


/* The part of s that starts length bytes after the start of text; p is NULL
 * when s does not contain text, or nothing follows. */
static str_t
behind(str_t s, const char *text, size_t length)
{
    const char *at = str_find(s, str_of(text));
    size_t      from = at ? (size_t) (at - s.p) + length : s.n;

    return from < s.n ? str_from(s, from) : STR_NONE;
}


/* Whether the browser is of this kind; *is_new: and is new enough. */
static bool
is_kind(str_t agent, const struct modern *m, bool *is_new)
{
    const struct kind *k = &kinds[m->kind];
    size_t             end;
    str_t              part;

    if (agent.n <= k->skip)
        return false;
    part = behind(str_from(agent, k->skip), k->before, k->length);
    *is_new = part.p != NULL && read_version(part, &end) >= m->version;
    return part.p != NULL;
}


static bool
is_modern(const struct browser_conf *c, str_t agent)
{
    /* If only other browsers are listed, Opera must not pass as one of them:
     * no version of it is new enough. */
    static const struct modern other_opera = { 0, 4001000000 };
    bool                       is_new;

    if (c->modern.list.n != 0 && c->modern.list.at[0].kind != other_opera.kind
        && is_kind(agent, &other_opera, &is_new))
        return is_new;
    VEC_EACH(&c->modern.list, it) {
        if (is_kind(agent, it, &is_new))
            return is_new;
    }
    VEC_EACH(&c->ancient.list, it) {
        if (str_find(agent, *it) != NULL)
            return false;
    }
    if (c->ancient.has_netscape4 && agent.n > STR("Mozilla/1.1 [").n
        && str_starts(agent, STR("Mozilla/")) && agent.p[8] > '0'
        && agent.p[8] < '5')
        return false;
    return c->modern.takes_unlisted;
}


static str_t
judgement(struct task *t, uintptr_t wants_modern)
{
    const struct browser_conf *c = conf_of(t, &browser_module);
    str_t agent = fields_value(&http_of(t)->in, FIELD_USER_AGENT);
    bool  is = agent.p ? is_modern(c, agent) : c->modern.takes_unlisted;

    if (is != (bool) wants_modern)
        return STR("");
    return is ? c->modern_value : c->ancient_value;
}


static str_t
msie(struct task *t, uintptr_t arg)
{
    (void) arg;
    return http_is_msie(http_of(t)) ? STR("1") : STR("");
}


/* --- reading ------------------------------------------------------------------ */

static void
add_modern(struct conf *cf, struct moderns *m, struct modern new)
{
    size_t i;

    vec_push(cf->arena, &m->list);
    for (i = m->list.n - 1; i > 0 && m->list.at[i - 1].kind > new.kind; i--)
        m->list.at[i] = m->list.at[i - 1];
    m->list.at[i] = new;
}


static const char *
parse_modern(struct conf *cf, void *field)
{
    struct moderns *m = field;
    struct modern new = { .kind = 0 };
    str_t  name = cf->args[1];
    size_t end;

    if (cf->n_args == 2) {
        if (!str_is(name, "unlisted"))
            return conf_error(cf, "invalid number of arguments in "
                                  "\"modern_browser\" directive");
        m->takes_unlisted = true;
        return NULL;
    }
    new.version = read_version(cf->args[2], &end);
    if (end != cf->args[2].n)
        return conf_error(cf, "invalid browser version \"" STR_F "\"",
                          STR_A(cf->args[2]));
    while (new.kind < countof(kinds)
           && !str_ieq(name, str_of(kinds[new.kind].name)))
        new.kind++;
    if (new.kind == countof(kinds))
        return conf_error(cf, "unknown browser name \"" STR_F "\"",
                          STR_A(name));
    add_modern(cf, m, new);
    return NULL;
}


static const char *
parse_ancient(struct conf *cf, void *field)
{
    struct ancients *a = field;

    for (unsigned i = 1; i < cf->n_args; i++) {
        if (str_is(cf->args[i], "netscape4"))
            a->has_netscape4 = true;
        else
            *vec_push(cf->arena, &a->list) = cf->args[i];
    }
    return NULL;
}


static const struct conf_type modern_type = {
    .name = "browser and version",
    .size = sizeof(struct moderns),
    .parse = parse_modern,
};

static const struct conf_type ancient_type = {
    .name = "texts",
    .size = sizeof(struct ancients),
    .parse = parse_ancient,
};

static const struct directive directives[] = {
    CUSTOM("modern_browser", IN_WEB | ROW_MANY, ARGS_1 | ARGS_2, modern_type,
           struct browser_conf, modern, struct moderns,
           "browser version\n"
           "unlisted",
           "Browsers of at least this version count as modern: msie, gecko, "
           "opera, safari or konqueror. unlisted: browsers that are not "
           "listed, too."),
    CUSTOM("ancient_browser", IN_WEB | ROW_MANY, ARGS_1_OR_MORE, ancient_type,
           struct browser_conf, ancient, struct ancients, "string ...",
           "Browsers whose User-Agent has one of these texts count as "
           "ancient; netscape4 stands for Netscape 4."),
    TEXT("modern_browser_value", IN_WEB | ROW_MANY, struct browser_conf,
         modern_value, "1", "string", "What $modern_browser then is."),
    TEXT("ancient_browser_value", IN_WEB | ROW_MANY, struct browser_conf,
         ancient_value, "1", "string", "What $ancient_browser then is."),
    { .name = NULL },
};

static const struct variable variables[] = {
    { "msie", msie, 0, VAR_CHANGEABLE, NULL,
      "\"1\" where User-Agent is Internet Explorer's, else empty" },
    { "modern_browser", judgement, true, VAR_CHANGEABLE, NULL,
      "modern_browser_value if the browser is modern, else empty" },
    { "ancient_browser", judgement, false, VAR_CHANGEABLE, NULL,
      "ancient_browser_value if the browser is ancient, else empty" },
    { .name = NULL },
};

struct module browser_module = {
    .name = "browser",
    .serves = FOR_HTTP,
    .directives = directives,
    .variables = variables,
    .conf_size = sizeof(struct browser_conf),
};
