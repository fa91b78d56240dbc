/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The resolver directives, in http and in upstream; and the names of server
 * lines while a configuration is read.
 */
#include "core/base/hash.h"
#include "core/conf/types.h"
#include "core/os/resolve.h"
#include "core/upstream/build.h"
#include "core/upstream/names_inside.h"

static const struct names_conf none = { .resolve = false };


static const struct names_conf *
conf_for(const struct upstream_group *g)
{
    const struct names_conf *c = NULL;

    if (g->kind == CONF_HTTP && g->block != NULL)
        c = confs_get(g->block->conf, &http_resolver_module);
    return c != NULL ? c : &none;
}


static bool
has_name(const struct upstream_server *s)
{
    return s->at.n == 0 && !s->at.is_unix;
}


/* Whether the name is looked up again. */
static bool
is_live(const struct names_conf *c, const struct upstream_server *s)
{
    return s->resolves || (!s->is_fixed && c->resolve);
}


static bool
tell_unknown(struct conf *cf, const struct upstream_group *g,
             const struct upstream_server *s, const struct names_conf *c)
{
    str_t       text = g->is_explicit ? s->text : g->name;
    const char *file = g->is_explicit ? s->file : g->file;
    unsigned    line = g->is_explicit ? s->line : g->line;

    if (!g->is_explicit)
        upstream_suggest(cf, g->name);
    if (is_live(c, s) && c->unresolved == UNRESOLVED_WARN) {
        conf_warn_at(cf, file, line, "host not found in upstream \"" STR_F "\"",
                     STR_A(text));
        return true;
    }
    conf_error_at(cf, file, line, "host not found in upstream \"" STR_F "\"",
                  STR_A(text));
    return false;
}


/* What an answer depends on beside the name. */
static str_t
key_of(struct arena *a, const struct name *n, const struct resolver_conf *c)
{
    const struct resolver_options *o;
    uint64_t                       id = 0;

    if (n->is_system)
        return arena_printf(a, "system " STR_F, STR_A(n->question));
    o = resolver_options(c->resolver);
    for (size_t i = 0; i < o->n; i++)
        id = str_mix(
            id, (str_t){ (const char *) &o->servers[i].sa, o->servers[i].len });
    id = str_mix(id,
                 (str_t){ (const char *) &o->valid_sec, sizeof(o->valid_sec) });
    id = str_mix(id, (str_t){ (const char *) &c->ttl_min, sizeof(c->ttl_min) });
    id = str_mix(id, (str_t){ (const char *) &c->ttl_max, sizeof(c->ttl_max) });
    return arena_printf(a, "%016llx%c%c%c " STR_F, (unsigned long long) id,
                        o->no_ipv4 ? '-' : '4', o->no_ipv6 ? '-' : '6',
                        n->is_service ? 's' : 'h', STR_A(n->question));
}


/* In a: the text of a line that was added goes before its name does. */
static str_t
question_of(struct arena *a, const struct upstream_server *s)
{
    str_t host = s->at.host;

    if (s->service.n == 0)
        return str_copy(a, host);
    if (str_chr(s->service, '.') != NULL)
        return str_join3(a, s->service, STR("."), host);
    return arena_printf(a, "_" STR_F "._tcp." STR_F, STR_A(s->service),
                        STR_A(host));
}


struct name *
name_make(struct arena *a, struct names *of, const struct upstream_server *s,
          bool is_system)
{
    struct name *n = arena_make(a, struct name);

    n->of = of;
    n->is_service = s->service.n != 0;
    n->is_system = is_system;
    n->question = question_of(a, s);
    n->key = key_of(a, n, of->conf);
    n->next = of->first;
    of->first = n;
    of->n++;
    return n;
}


static void
make_names(struct conf *cf, struct upstream_group *g,
           const struct names_conf *c)
{
    if (g->names != NULL)
        return;
    g->names = arena_make(cf->arena, struct names);
    g->names->group = g;
    g->names->conf = &c->resolver;
    list_init(&g->names->waiting);
}


static void
add_name(struct conf *cf, struct upstream_group *g, size_t index,
         const struct names_conf *c)
{
    struct upstream_server *s = &g->servers.at[index];
    bool is_own = g->is_explicit && setting_named(g->block, "resolver") != NULL;
    bool is_system = c->resolver.resolver == NULL
                     || (!s->resolves && !is_own && s->at.n != 0);

    make_names(cf, g, c);
    s->name = name_make(cf->arena, g->names, s, is_system);
    s->name->index = index;
}


bool
names_build(struct conf *cf, struct upstream_group *g)
{
    const struct names_conf *c = conf_for(g);
    bool                     is_good = true;

    if (g->zone != NULL && c->resolver.resolver != NULL)
        make_names(cf, g, c);
    for (size_t i = 0; i < g->servers.n; i++) {
        struct upstream_server *s = &g->servers.at[i];

        if (!has_name(s))
            continue;
        /* What says resolve is not asked for before it is served. */
        if ((!s->resolves || resolve_is_offline())
            && endpoint_resolve(cf->arena, &s->at) != NULL
            && !tell_unknown(cf, g, s, c))
            is_good = false;
        if (is_live(c, s) && !resolve_is_offline())
            add_name(cf, g, i, c);
    }
    return is_good;
}


/* --- directives ----------------------------------------------------------- */

static const struct conf_word unresolved[] = {
    { "warn", UNRESOLVED_WARN },
    { "emerg", UNRESOLVED_EMERG },
    { NULL, 0 },
};

static const struct directive directives[] = {
    FLAG("upstream_resolve", IN_HTTP | IN_UPSTREAM, struct names_conf, resolve,
         "on",
         "Looks the names of servers up again, when the TTL of the answer has "
         "passed and when a connection failed. off: only those with resolve; "
         "others keep the addresses that they had at the start."),
    ENUM("upstream_unresolved", IN_HTTP | IN_UPSTREAM, struct names_conf,
         unresolved, "warn", unresolved,
         "What it means that the name of a server is not found at the start: "
         "warn, and requests get 502 until it is found; emerg: it is an "
         "error, as in nginx."),
    { .name = NULL },
};

enum { RESOLVER = FIELD(struct names_conf, resolver, struct resolver_conf) };

static const struct template templates[] = {
    { resolver_rows, "", RESOLVER, IN_WEB },
    { resolver_rows, "", RESOLVER, IN_UPSTREAM },
    { .rows = NULL },
};


struct module http_resolver_module = {
    .name = "resolver",
    .serves = FOR_HTTP,
    .directives = directives,
    .templates = templates,
    .conf_size = sizeof(struct names_conf),
};
