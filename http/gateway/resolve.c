/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding the group for a host that variables gave: an upstream {} of that
 * name, one that configuration names elsewhere, an address, or a name that has
 * to be looked up.  And the resolver
 * directives of HTTP.
 */
#include "core/net/resolver.h"
#include "http/gateway/exchange.h"
#include "http/response.h"

struct resolver_conf {
    struct resolver *resolver; /* NULL: none is defined                      */
    msec_t           timeout;
};


bool
gateway_find_group(struct gateway *g, str_t url, unsigned default_port)
{
    struct task *t = &g->r->task;
    const char  *error;

    error = endpoint_parse(t->arena, url, default_port, ENDPOINT_URI, &g->at);
    if (error) {
        log_error(t->log, "%s in upstream \"" STR_F "\"", error, STR_A(url));
        (void) gateway_fail(g, 500);
        return false;
    }
    g->host = str_span(url.p, g->at.uri.p ? g->at.uri.p : url.p + url.n);
    if (!g->at.is_unix)
        g->group = upstream_lookup(t->gen, CONF_HTTP, &g->at);
    if (!g->group && g->at.n)
        g->group
            = upstream_dynamic(t, g->at.host, g->at.at, g->at.names, g->at.n);
    return true;
}


static void
use_found(struct gateway *g)
{
    struct task   *t = &g->r->task;
    struct lookup *l = g->lookup;
    str_t         *names = arena_array(t->arena, str_t, l->n);

    for (size_t i = 0; i < l->n; i++) {
        char   text[ADDR_TEXT];
        size_t n;

        addr_set_port(&l->at[i].sa, g->at.port);
        n = addr_text(text, &l->at[i].sa, l->at[i].len, true);
        names[i] = str_copy(t->arena, (str_t){ text, n });
    }
    g->group = upstream_dynamic(t, g->at.host, l->at, names, l->n);
    g->state = GATEWAY_CHOOSE;
}


enum step
gateway_resolve(struct gateway *g)
{
    struct task                *t = &g->r->task;
    const struct resolver_conf *conf = conf_of(t, &http_resolver_module);
    struct lookup              *l = g->lookup;

    if (!conf->resolver) {
        log_error(t->log, "no resolver defined to resolve " STR_F,
                  STR_A(g->at.host));
        return gateway_fail(g, 502);
    }
    if (task_is_dry(t))
        return gateway_pretend(g, g->host);
    if (!l) {
        l = g->lookup = arena_make(t->arena, struct lookup);
        (void) resolver_ask(conf->resolver, l, t, g->at.host, conf->timeout);
    }
    if (!l->is_done)
        return STEP_WAIT;
    if (l->code) {
        log_error(t->log, STR_F " could not be resolved (%d: %s)",
                  STR_A(g->at.host), l->code, l->error);
        return gateway_fail(g, 502);
    }
    use_found(g);
    return STEP_NEXT;
}


/* --- directives ----------------------------------------------------------- */

static const char *
add_server(struct conf *cf, struct resolver_options *o, str_t word)
{
    struct addr_any *all;
    struct endpoint  e;
    const char      *error;

    error = endpoint_parse(cf->arena, word, 53, ENDPOINT_RESOLVE, &e);
    if (error)
        return conf_error(cf, "%s in resolver \"" STR_F "\"", error,
                          STR_A(word));
    all = arena_array(cf->arena, struct addr_any, o->n + e.n);
    if (o->n)
        memcpy(all, o->servers, o->n * sizeof(*all));
    memcpy(all + o->n, e.at, e.n * sizeof(*all));
    o->servers = all;
    o->n += e.n;
    return NULL;
}


static bool
parse_switch(str_t value, bool *is_off)
{
    *is_off = str_is(value, "off");
    return *is_off || str_is(value, "on");
}


static const char *
parse_resolver(struct conf *cf, void *field)
{
    struct resolver       **out = field;
    struct resolver_options o = { NULL, 0, 0, false, false };
    str_t                   value;

    for (unsigned i = 1; i < cf->n_args; i++) {
        str_t       word = cf->args[i];
        const char *error = NULL;
        bool        ok = true;

        if (conf_param(word, "valid", &value))
            ok = number_time(value, true, &o.valid_sec);
        else if (conf_param(word, "ipv4", &value))
            ok = parse_switch(value, &o.no_ipv4);
        else if (conf_param(word, "ipv6", &value))
            ok = parse_switch(value, &o.no_ipv6);
        else
            error = add_server(cf, &o, word);
        if (!ok)
            return conf_error(cf, "invalid parameter: " STR_F, STR_A(word));
        if (error)
            return error;
    }
    if (o.no_ipv4 && o.no_ipv6)
        return conf_error(cf, "\"ipv4\" and \"ipv6\" cannot both be \"off\"");
    if (o.n == 0)
        return conf_error(cf, "no name servers defined");
    *out = resolver_new(cf->arena, &o);
    return NULL;
}

static const struct conf_type resolver_type = {
    .name = "name servers",
    .size = sizeof(struct resolver *),
    .parse = parse_resolver,
};

static const struct directive directives[] = {
    CUSTOM("resolver", IN_WEB, ARGS_1_OR_MORE, resolver_type,
           struct resolver_conf, resolver, struct resolver *,
           "address ... [valid=time] [ipv4=on|off] [ipv6=on|off]",
           "The name servers that look up hosts whose names are known "
           "only from variables; they take turns. Answers are kept as long as "
           "they say, or for valid=. Where only IPv4 or only IPv6 has an "
           "answer, it is used."),
    MSEC("resolver_timeout", IN_WEB, struct resolver_conf, timeout, "30s",
         "How long a name may take to be looked up."),
    { .name = NULL },
};


struct module http_resolver_module = {
    .name = "resolver",
    .serves = FOR_HTTP,
    .directives = directives,
    .conf_size = sizeof(struct resolver_conf),
};
