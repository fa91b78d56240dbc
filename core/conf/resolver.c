/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * resolver: the name servers, their answers' lifetime, and the families.
 */
#include "core/conf/resolver.h"

#include "core/conf/types.h"
#include "core/net/resolver.h"


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


static void
add_zone(struct conf *cf, str_t name)
{
    struct resolver_zone **last = &cf->gen->resolver_zones;

    while (*last != NULL && !str_eq((*last)->name, name))
        last = &(*last)->next;
    if (*last != NULL)
        return;
    *last = arena_make(cf->arena, struct resolver_zone);
    (*last)->name = name;
}


static const char *
parse_resolver(struct conf *cf, void *field)
{
    struct resolver       **out = field;
    struct resolver_options o = { .n = 0 };
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
        else if (conf_param(word, "status_zone", &o.zone))
            ok = o.zone.n != 0;
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
    if (o.zone.n != 0)
        add_zone(cf, o.zone);
    *out = resolver_new(cf->arena, &o);
    return NULL;
}


static const struct conf_type resolver_type = {
    .name = "name servers",
    .size = sizeof(struct resolver *),
    .parse = parse_resolver,
};

const struct directive resolver_rows[] = {
    CUSTOM("resolver", 0, ARGS_1_OR_MORE, resolver_type, struct resolver_conf,
           resolver, struct resolver *,
           "address ... [valid=time] [ipv4=on|off] [ipv6=on|off] "
           "[status_zone=zone]",
           "The name servers that look up hosts whose names are known "
           "only from variables, and servers with resolve; they take turns. "
           "Answers are kept as long as they say, or for valid=. Where only "
           "IPv4 or only IPv6 has an answer, it is used. The api directive "
           "shows what was asked, and what came of it, for each zone."),
    MSEC("resolver_timeout", 0, struct resolver_conf, timeout, "30s",
         "How long a name may take to be looked up."),
    MSEC(
        "resolver_ttl_min", 0, struct resolver_conf, ttl_min, "1s",
        "How long an answer of a name server is kept at least, even if its TTL "
        "says less; not with valid= of resolver."),
    MSEC("resolver_ttl_max", 0, struct resolver_conf, ttl_max, "300s",
         "How long an answer of a name server is kept at most, even if its TTL "
         "says more; not with valid= of resolver."),
    { .name = NULL },
};
