/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * geo: a variable whose value depends on an address.
 *
 *     geo $country { default zz; 10.1.0.0/16 us; 2001:db8::/32 de; }
 *     geo $arg_ip $place { ranges; 10.0.0.0-10.0.0.255 here; }
 */
#include <arpa/inet.h>

#include "core/expr/network.h"
#include "core/expr/ranges.h"
#include "http/forwarded.h"
#include "modules/module.h"

struct geo {
    struct network_table *table;
    struct ranges        *ranges; /* used instead of table, or NULL          */
    struct var           *var;
    const struct setting *setting;
    const struct var     *source; /* NULL: the address of the client         */
    struct cidrs          proxies;
    str_t                *preset; /* the default for ranges                  */
    bool                  is_recursive;
    bool                  is_of_peer; /* source has a port, too              */
    bool                  has_networks; /* a line has been read              */
};


/* "address:port" of $upstream_last_addr; elsewhere, as in nginx, that is no
 * address. */
static bool
parse_with_port(struct task *t, str_t value, struct addr_any *at)
{
    struct endpoint e;

    if (endpoint_parse(t->arena, value, 0, 0, &e) != NULL || e.is_unix
        || e.no_port || e.n != 1)
        return false;
    *at = e.at[0];
    return true;
}


/* Finds the address to look up; false when there is none (no address at all,
 * or a unix socket). */
static bool
find_address(const struct geo *geo, struct task *t, struct addr_any *at)
{
    str_t value;

    if (geo->source != NULL) {
        value = var_get(t, geo->source);
        if (geo->is_of_peer)
            return parse_with_port(t, value, at);
        return !str_starts(value, STR("[")) && addr_parse(value, at);
    }
    forwarded_client(at, t, &geo->proxies, geo->is_recursive);
    return at->sa.sa_family == AF_INET || at->sa.sa_family == AF_INET6;
}


static str_t
look_up(struct task *t, uintptr_t arg)
{
    static const struct sockaddr_in nowhere
        = { .sin_family = AF_INET, .sin_addr.s_addr = INADDR_NONE };
    const struct geo *geo = (const struct geo *) arg;
    struct addr_any   at;
    const str_t      *found;

    if (!find_address(geo, t, &at))
        at.in4 = nowhere;
    found = geo->ranges ? ranges_find(geo->ranges, &at.sa)
                        : network_find(geo->table, &at.sa);
    if (found == NULL)
        found = geo->preset;
    if (task_is_dry(t))
        trace_value(t, geo->setting, geo->var->name, found ? *found : STR(""));
    return found ? *found : STR("");
}


/* --- reading ----------------------------------------------------------------- */

static const char *
open_geo(struct conf *cf, void *field, void **state)
{
    struct geo *geo = arena_make(cf->arena, struct geo);
    const char *error = NULL;
    str_t       name = cf->args[cf->n_args - 1];

    (void) field;
    for (unsigned i = 1; i < cf->n_args; i++) {
        if (cf->args[i].n < 2 || cf->args[i].p[0] != '$')
            return conf_error(cf, "invalid variable name \"" STR_F "\"",
                              STR_A(cf->args[i]));
    }
    if (cf->n_args == 3)
        geo->source = var_use(cf, str_from(cf->args[1], 1));
    geo->is_of_peer = str_is(cf->args[1], "$upstream_last_addr");
    geo->table = network_table_new(cf->arena);
    geo->var = var_define_word(cf, name, VAR_CHANGEABLE, &error);
    if (geo->var == NULL)
        return error;
    geo->setting = cf->block->settings;
    geo->var->get = look_up;
    geo->var->arg = (uintptr_t) geo;
    *state = geo;
    return NULL;
}


static str_t *
keep_value(struct conf *cf, str_t value)
{
    str_t *kept = arena_make(cf->arena, str_t);

    *kept = str_copy(cf->arena, value);
    return kept;
}


static const char *
add_network(struct conf *cf, struct geo *geo, str_t text, str_t value)
{
    struct cidr  net = { .family = AF_UNSPEC };
    const str_t *old;
    const char  *error;

    if (!str_is(text, "default")) {
        error = conf_network(cf, text, &net);
        if (error != NULL)
            return error;
    }
    old = network_set(geo->table, &net, keep_value(cf, value));
    if (old != NULL)
        conf_warn(cf,
                  "duplicate network \"" STR_F "\", value: \"" STR_F
                  "\", old value: \"" STR_F "\"",
                  STR_A(text), STR_A(value), STR_A(*old));
    return NULL;
}


static bool
parse_ip4(str_t text, uint32_t *out)
{
    struct addr_any at;

    if (!addr_parse(text, &at) || at.sa.sa_family != AF_INET)
        return false;
    *out = ntohl(at.in4.sin_addr.s_addr);
    return *out != INADDR_NONE;
}


static const char *
parse_range(struct conf *cf, str_t text, uint32_t *first, uint32_t *last)
{
    str_t rest = text, start = str_cut(&rest, '-');

    if (rest.p != NULL && parse_ip4(start, first) && parse_ip4(rest, last)
        && *first <= *last)
        return NULL;
    return conf_error(cf, "invalid range \"" STR_F "\"", STR_A(text));
}


static void
set_preset(struct conf *cf, struct geo *geo, str_t value)
{
    if (geo->preset != NULL)
        conf_warn(cf,
                  "duplicate default geo range value: \"" STR_F
                  "\", old value: \"" STR_F "\"",
                  STR_A(value), STR_A(*geo->preset));
    geo->preset = keep_value(cf, value);
}


static const char *
clash(struct conf *cf, str_t text, const struct range_other *other)
{
    struct addr_any first = { .in4 = { .sin_family = AF_INET } }, last = first;
    char            text1[ADDR_TEXT], text2[ADDR_TEXT];

    first.in4.sin_addr.s_addr = htonl(other->first);
    last.in4.sin_addr.s_addr = htonl(other->last);
    return conf_error(
        cf, "range \"" STR_F "\" overlaps \"%.*s-%.*s\"", STR_A(text),
        (int) addr_text(text1, &first.sa, sizeof(first.in4), false), text1,
        (int) addr_text(text2, &last.sa, sizeof(last.in4), false), text2);
}


static const char *
add_range(struct conf *cf, struct geo *geo, str_t text, str_t value)
{
    uint32_t           first, last;
    struct range_other other;
    const char        *error;

    if (str_is(text, "default")) {
        set_preset(cf, geo, value);
        return NULL;
    }
    error = parse_range(cf, text, &first, &last);
    if (error != NULL)
        return error;
    switch (ranges_set(geo->ranges, first, last, keep_value(cf, value), &other))
    {
    case RANGE_CLASH:
        return clash(cf, text, &other);
    case RANGE_REPLACED:
        conf_warn(cf,
                  "duplicate range \"" STR_F "\", value: \"" STR_F
                  "\", old value: \"" STR_F "\"",
                  STR_A(text), STR_A(value), STR_A(*(str_t *) other.value));
        break;
    case RANGE_SET:
        break;
    }
    return NULL;
}


static const char *
add_proxy(struct conf *cf, struct geo *geo, str_t text)
{
    struct cidr net;
    const char *error = conf_network(cf, text, &net);

    if (error == NULL)
        *vec_push(cf->arena, &geo->proxies.list) = net;
    return error;
}


static const char *
delete_network(struct conf *cf, struct geo *geo, str_t text)
{
    struct cidr net;
    const char *error;
    uint32_t    first, last;

    if (geo->ranges != NULL) {
        error = parse_range(cf, text, &first, &last);
        if (error == NULL && !ranges_remove(geo->ranges, first, last))
            conf_warn(cf, "no address range \"" STR_F "\" to delete",
                      STR_A(text));
        return error;
    }
    error = conf_network(cf, text, &net);
    if (error == NULL && !network_remove(geo->table, &net))
        conf_warn(cf, "no network \"" STR_F "\" to delete", STR_A(text));
    return error;
}


static const char *read_line(struct conf *cf, void *state);

static const struct conf_lines geo_lines = {
    .open = open_geo,
    .line = read_line,
};


/* Reads a line of one word; false when the word is not known. */
static bool
read_word(struct conf *cf, struct geo *geo, const char **error)
{
    str_t word = cf->args[0];

    if (str_is(word, "ranges")) {
        if (geo->has_networks)
            *error = conf_error(cf, "the \"ranges\" directive must be the "
                                    "first directive inside \"geo\" block");
        else if (geo->ranges == NULL)
            geo->ranges = ranges_new(cf->arena);
    } else if (str_is(word, "proxy_recursive")) {
        geo->is_recursive = true;
    } else if (str_is(word, "volatile")) {
        geo->var->flags |= VAR_VOLATILE;
    } else {
        return false;
    }
    return true;
}


static const char *
read_line(struct conf *cf, void *state)
{
    struct geo *geo = state;
    const char *error = NULL;

    if (cf->n_args == 1 && read_word(cf, geo, &error))
        return error;
    if (cf->n_args != 2)
        return conf_error(cf, "invalid number of the geo parameters");
    if (str_is(cf->args[0], "include"))
        return conf_include_lines(cf, &geo_lines, state);
    if (str_is(cf->args[0], "proxy"))
        return add_proxy(cf, geo, cf->args[1]);

    geo->has_networks = true;
    if (str_is(cf->args[0], "delete"))
        return delete_network(cf, geo, cf->args[1]);
    if (geo->ranges != NULL)
        return add_range(cf, geo, cf->args[0], cf->args[1]);
    return add_network(cf, geo, cf->args[0], cf->args[1]);
}


static const struct directive directives[] = {
    { "geo", IN_HTTP | IN_STREAM | ROW_MANY,
      ARGS_1 | ARGS_2 | ARGS_BLOCK | ARGS_DATA, &conf_data, 0, NULL, &geo_lines,
      "[$address] $variable",
      "Defines a variable whose value depends on the address of the client, "
      "or on the address in the variable given. Lines are networks (or "
      "ranges, after ranges) with values, default, delete, proxy, "
      "proxy_recursive, include and volatile." },
    { .name = NULL },
};

extern struct module geo_module;

struct module geo_module = {
    .name = "geo",
    .serves = FOR_HTTP | FOR_STREAM,
    .directives = directives,
};
