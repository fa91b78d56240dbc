/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server lines of an upstream {} block, and making groups of them.
 */
#include "core/base/hash.h"
#include "core/conf/types.h"
#include "core/upstream/build.h"
#include "core/upstream/names.h"

enum verdict {
    TAKEN,
    INVALID,
    REFUSED,
    EMPTY_ROUTE,
    LONG_ROUTE,
    EMPTY_SERVICE
};

static const char *const words[] = { "weight",       "max_conns", "max_fails",
                                     "fail_timeout", "backup",    "down",
                                     "slow_start",   "route",     "drain",
                                     "resolve",      "service",   NULL };

enum { ROUTE_MAX = 32 };


static enum verdict
take_number(str_t value, unsigned least, unsigned *out)
{
    uint64_t n;

    if (!number_parse(value, INT32_MAX, &n) || n < least)
        return INVALID;
    *out = (unsigned) n;
    return TAKEN;
}


/* It is the value of a cookie. */
static enum verdict
take_route(str_t value, str_t *out)
{
    *out = value;
    for (size_t i = 0; i < value.n; i++)
        if ((unsigned char) value.p[i] <= ' ' || value.p[i] == ';'
            || value.p[i] == '"')
            return INVALID;
    return value.n == 0          ? EMPTY_ROUTE
           : value.n > ROUTE_MAX ? LONG_ROUTE
                                 : TAKEN;
}


static enum verdict
take_parameter(const struct upstream_group *g, struct upstream_server *s,
               str_t arg)
{
    str_t value;

    if (conf_param(arg, "weight", &value))
        return g->balancer->takes_weight ? take_number(value, 1, &s->weight)
                                         : REFUSED;
    if (conf_param(arg, "max_conns", &value))
        return take_number(value, 0, &s->max_conns);
    if (conf_param(arg, "max_fails", &value))
        return take_number(value, 0, &s->max_fails);
    if (conf_param(arg, "fail_timeout", &value))
        return number_time(value, true, &s->fail_timeout) ? TAKEN : INVALID;
    if (conf_param(arg, "slow_start", &value))
        return !g->balancer->takes_slow_start              ? REFUSED
               : number_time(value, false, &s->slow_start) ? TAKEN
                                                           : INVALID;
    if (conf_param(arg, "route", &value))
        return take_route(value, &s->route);
    if (str_is(arg, "backup")) {
        s->is_backup = true;
        return g->balancer->refuses_backup ? REFUSED : TAKEN;
    }
    if (str_is(arg, "down")) {
        s->is_down = true;
        return TAKEN;
    }
    if (str_is(arg, "drain")) {
        s->is_drain = true;
        return TAKEN;
    }
    if (str_is(arg, "resolve") || str_is(arg, "resolve=off")) {
        s->resolves = str_is(arg, "resolve");
        s->is_fixed = !s->resolves;
        return TAKEN;
    }
    if (conf_param(arg, "service", &s->service))
        return s->service.n != 0 ? TAKEN : EMPTY_SERVICE;
    return INVALID;
}


const char *
upstream_server_take(const struct upstream_group *g, struct upstream_server *s,
                     str_t arg)
{
    switch (take_parameter(g, s, arg)) {
    case TAKEN:
        return NULL;
    case REFUSED:
        return "balancing method does not support parameter";
    case INVALID:
    case EMPTY_ROUTE:
    case LONG_ROUTE:
    case EMPTY_SERVICE:
        break;
    }
    return "invalid parameter";
}


/* Only where the name is wrong, not the value. */
static void
suggest_name(struct conf *cf, str_t arg)
{
    str_t rest = arg, name = str_cut(&rest, '=');

    for (unsigned i = 0; words[i] != NULL; i++)
        if (str_eq(name, str_of(words[i])))
            return;
    conf_suggest(cf, name, words);
}


static const char *
take_parameters(struct conf *cf, const struct upstream_group *g,
                struct upstream_server *s)
{
    for (unsigned i = 2; i < cf->n_args; i++) {
        str_t arg = cf->args[i];

        switch (take_parameter(g, s, arg)) {
        case TAKEN:
            break;
        case REFUSED:
            return conf_error(cf,
                              "balancing method does not support "
                              "parameter \"" STR_F "\"",
                              STR_A(arg));
        case EMPTY_ROUTE:
            return conf_error(cf, "route is empty");
        case LONG_ROUTE:
            return conf_error(cf, "route is longer than %d", ROUTE_MAX);
        case EMPTY_SERVICE:
            return conf_error(cf, "service is empty");
        case INVALID:
            suggest_name(cf, arg);
            return conf_error(cf, "invalid parameter \"" STR_F "\"",
                              STR_A(arg));
        }
    }
    return NULL;
}


static const char *
check_service(struct conf *cf, const struct upstream_server *s)
{
    const char *wrong = NULL;

    if (s->service.n == 0)
        return NULL;
    if (!s->at.no_port)
        wrong = "may not have port";
    else if (!s->resolves)
        wrong = "requires \"resolve\" parameter";
    else if (s->at.n != 0)
        wrong = "requires domain name";
    return wrong == NULL ? NULL
                         : conf_error(cf, "service upstream \"" STR_F "\" %s",
                                      STR_A(s->text), wrong);
}


static const char *
parse_server(struct conf *cf, void *field)
{
    struct upstream_group *g = upstream_at_hand(cf);
    bool                   is_http = cf->block->kind == IN_UPSTREAM;
    struct upstream_server s
        = { .weight = 1, .max_fails = 1, .fail_timeout = 10 };
    const char *wrong = take_parameters(cf, g, &s);

    (void) field;
    if (wrong != NULL)
        return wrong;
    s.text = str_copy(cf->arena, cf->args[1]);
    s.file = cf->file;
    s.line = cf->line;
    if (upstream_names_group(s.text)) {
        upstream_stand_for_group(cf->arena, &s);
        *vec_push(cf->arena, &g->servers) = s;
        return s.resolves || s.service.n != 0
                   ? conf_error(cf,
                                "server \"" STR_F "\" has no name to resolve",
                                STR_A(s.text))
                   : NULL;
    }
    wrong = endpoint_parse(cf->arena, s.text, is_http ? 80 : 0, 0, &s.at);
    if (wrong != NULL)
        return conf_error(cf, "%s in upstream \"" STR_F "\"", wrong,
                          STR_A(s.text));
    if (!is_http && s.at.no_port && !s.at.is_unix && s.service.n == 0)
        return conf_error(cf, "no port in upstream \"" STR_F "\"",
                          STR_A(s.text));
    wrong = check_service(cf, &s);
    if (wrong != NULL)
        return wrong;
    *vec_push(cf->arena, &g->servers) = s;
    return NULL;
}


const struct conf_type upstream_server_type = {
    .name = "server",
    .parse = parse_server,
};


void
group_init(struct upstream_group *g, str_t name)
{
    *g = (struct upstream_group){ .name = name,
                                  .balancer = &round_robin,
                                  .keepalive_requests = 1000,
                                  .keepalive_time = 3600 * 1000,
                                  .keepalive_timeout = 60 * 1000 };
}


/* The address of a proxy_pass, once it is known that there is no upstream {} of
 * that name, and which port is meant. */
static bool
read_address(struct conf *cf, struct upstream_group *g)
{
    struct upstream_server *s = &g->servers.at[0];

    if (g->port == 0 && !s->at.is_unix) {
        conf_error_at(cf, g->file, g->line, "no port in upstream \"" STR_F "\"",
                      STR_A(g->name));
        return false;
    }
    if (s->at.n != 0)
        return true;
    s->text.n -= s->at.uri.n;
    return endpoint_parse(cf->arena, s->text, g->port, 0, &s->at) == NULL;
}


static bool
has_primary(const struct upstream_group *g)
{
    VEC_EACH(&g->servers, s)
        if (!s->is_backup)
            return true;
    return false;
}


void
group_build(struct conf *cf, struct upstream_group *g)
{
    if (g->is_ready)
        return;
    g->is_ready = true;
    if ((!g->is_explicit && !read_address(cf, g)) || !names_build(cf, g))
        return;
    g->lines = g->servers.at;
    g->n_lines = g->servers.n;
    if (!has_primary(g) && g->state.n == 0) {
        conf_error_at(cf, g->file, g->line,
                      "no servers in upstream \"" STR_F "\"", STR_A(g->name));
        return;
    }
    group_use(cf->arena, g,
              peer_set_new(cf->arena, g->servers.at, g->servers.n));
    if (g->is_explicit && !g->keepalive_is_set) {
        g->keepalive = 32;
        g->keepalive_local = true;
    }
}


struct upstream_group *
upstream_dynamic(struct task *t, str_t name, const struct addr_any *at,
                 const str_t *names, size_t n)
{
    struct upstream_group  *g = arena_make(t->arena, struct upstream_group);
    struct upstream_server *s;

    group_init(g, name);
    s = vec_push(t->arena, &g->servers);
    *s = (struct upstream_server){
        .text = name, .weight = 1, .max_fails = 1, .fail_timeout = 10
    };
    s->at.host = name;
    s->at.n = n;
    s->at.at = arena_array(t->arena, struct addr_any, n);
    s->at.names = arena_array(t->arena, str_t, n);
    for (size_t i = 0; i < n; i++) {
        s->at.at[i] = at[i];
        s->at.names[i] = str_copy(t->arena, names[i]);
    }
    group_use(t->arena, g, peer_set_new(t->arena, s, 1));
    g->is_ready = true;
    return g;
}
