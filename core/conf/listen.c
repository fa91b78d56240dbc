/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * listen lines, with the parameters of sockets.  An address with any of these
 * has a socket of its own.
 */
#include "core/conf/listen.h"


/* --- values --------------------------------------------------------------- */

static int *
option_of(struct listen_line *l, const struct listen_word *w)
{
    return (int *) (void *) ((char *) &l->options + w->detail);
}


static const char *
invalid(struct conf *cf, const struct listen_word *w, str_t value)
{
    return conf_error(cf, "invalid %.*s \"%s" STR_F "\"",
                      (int) strlen(w->name) - 1, w->name, w->name,
                      STR_A(value));
}


/* From 1. */
static const char *
take_count(struct conf *cf, const struct listen_word *w, str_t value,
           struct listen_line *l)
{
    uint64_t n;

    if (!number_parse(value, INT32_MAX, &n) || n == 0)
        return invalid(cf, w, value);
    *option_of(l, w) = (int) n;
    return NULL;
}


/* From 0. */
static const char *
take_length(struct conf *cf, const struct listen_word *w, str_t value,
            struct listen_line *l)
{
    uint64_t n;

    if (!number_parse(value, INT32_MAX - 1, &n))
        return invalid(cf, w, value);
    *option_of(l, w) = (int) n;
    return NULL;
}


static const char *
take_size(struct conf *cf, const struct listen_word *w, str_t value,
          struct listen_line *l)
{
    uint64_t n;

    if (!number_size(value, false, &n) || n > INT32_MAX)
        return invalid(cf, w, value);
    *option_of(l, w) = (int) n;
    return NULL;
}


/* so_keepalive=on|off|[idle]:[interval]:[count] */
static const char *
take_keepalive(struct conf *cf, const struct listen_word *w, str_t value,
               struct listen_line *l)
{
    struct listen_options *o = &l->options;
    str_t                  rest = value, part;
    uint64_t               n[3] = { 0, 0, 0 };
    unsigned               i;
    bool                   is_good = true;

    (void) w;
    if (str_is(value, "on") || str_is(value, "off")) {
        o->so_keepalive = str_is(value, "on") ? 1 : 2;
        return NULL;
    }
    for (i = 0; i < 3 && is_good && rest.p != NULL; i++) {
        part = str_cut(&rest, ':');
        if (part.n == 0)
            continue;
        is_good = i < 2 ? number_time(part, true, &n[i])
                        : number_parse(part, INT32_MAX, &n[i]);
        is_good &= n[i] != 0 && n[i] <= INT32_MAX;
    }
    if (!is_good || rest.p != NULL || i < 2 || (n[0] | n[1] | n[2]) == 0)
        return conf_error(cf, "invalid so_keepalive value: \"" STR_F "\"",
                          STR_A(value));
    o->so_keepalive = 1;
    o->keepidle = (int) n[0];
    o->keepintvl = (int) n[1];
    o->keepcnt = (int) n[2];
    return NULL;
}


static const char *
take_accept_filter(struct conf *cf, const struct listen_word *w, str_t value,
                   struct listen_line *l)
{
    (void) l;
    conf_warn(cf,
              "accept filters \"%s" STR_F
              "\" are not supported on this platform, ignored",
              w->name, STR_A(value));
    return NULL;
}


/* Behind "ipv6only=o".  For IPv4 it is allowed and has no effect. */
static const char *
take_ipv6only(struct conf *cf, const struct listen_word *w, str_t value,
              struct listen_line *l)
{
    (void) w;
    if (!str_is(value, "n") && !str_is(value, "ff"))
        return conf_error(cf, "invalid ipv6only flags \"o" STR_F "\"",
                          STR_A(value));
    l->options.ipv6only = str_is(value, "n");
    return NULL;
}


static const char *
take_flag(struct conf *cf, const struct listen_word *w, str_t value,
          struct listen_line *l)
{
    (void) cf;
    (void) value;
    *((bool *) &l->options + w->detail) = true;
    return NULL;
}


/* --- words ---------------------------------------------------------------- */

#define OPTION(member, T) FIELD(struct listen_options, member, T)

static const struct listen_word socket_words[] = {
    { "bind", take_flag, OPTION(bind, bool), NULL },
    { "deferred", take_flag, OPTION(deferred, bool), NULL },
    { "multipath", take_flag, OPTION(multipath, bool), NULL },
    { "reuseport", take_flag, OPTION(reuseport, bool), NULL },
    { "backlog=", take_count, OPTION(backlog, int), NULL },
    { "fastopen=", take_length, OPTION(fastopen, int), NULL },
    { "rcvbuf=", take_size, OPTION(rcvbuf, int), NULL },
    { "sndbuf=", take_size, OPTION(sndbuf, int), NULL },
    { "so_keepalive=", take_keepalive, 0, NULL },
    { "accept_filter=", take_accept_filter, 0, "" },
    { "ipv6only=o", take_ipv6only, 0, "ipv6only=on" },
    { .name = NULL },
};


/* The word of the table that arg is; *value becomes what follows a prefix. */
static const struct listen_word *
find_word(const struct listen_word *w, str_t arg, str_t *value)
{
    for (; w->name != NULL; w++) {
        str_t name = str_of(w->name);

        *value = str_from(arg, name.n);
        if (str_chr(name, '=') != NULL ? str_starts(arg, name)
                                       : str_eq(arg, name))
            return w;
    }
    return NULL;
}


static const char *
unknown(struct conf *cf, const struct listen_word *own, str_t arg)
{
    const struct listen_word *const tables[] = { socket_words, own };
    VEC(const char *)               words = { 0 };

    for (size_t i = 0; i < countof(tables); i++)
        for (const struct listen_word *w = tables[i]; w->name != NULL; w++)
            if (w->suggest == NULL || w->suggest[0] != '\0')
                *vec_push(cf->arena, &words) = w->suggest ? w->suggest
                                                          : w->name;
    *vec_push(cf->arena, &words) = NULL;
    conf_suggest(cf, arg, words.at);
    return conf_error(cf, "invalid parameter \"" STR_F "\"", STR_A(arg));
}


static const char *
take_word(struct conf *cf, const struct listen_word *own, str_t arg,
          struct listen_line *l)
{
    const struct listen_word *w;
    str_t                     value;

    w = find_word(own, arg, &value);
    if (w == NULL) {
        w = find_word(socket_words, arg, &value);
        if (w == NULL)
            return unknown(cf, own, arg);
        l->has_options = l->options.bind = true;
    }
    if (w->take != NULL)
        return w->take(cf, w, value, l);
    l->words |= w->detail;
    return NULL;
}


/* --- lines ---------------------------------------------------------------- */

const char *
listen_parse_address(struct conf *cf, str_t address, unsigned default_port,
                     struct listen_line *l)
{
    const char *error;

    memset(l, 0, sizeof(*l));
    listen_options_init(&l->options);
    error = endpoint_parse(cf->arena, address, default_port,
                           ENDPOINT_LISTEN | ENDPOINT_RESOLVE, &l->at);
    if (error == NULL)
        return NULL;
    return conf_error(cf, "%s in \"" STR_F "\" of the \"listen\" directive",
                      error, STR_A(address));
}


const char *
listen_parse(struct conf *cf, const struct listen_word *own,
             unsigned default_port, struct listen_line *l)
{
    const char *error = listen_parse_address(cf, cf->args[1], default_port, l);

    for (unsigned i = 2; i < cf->n_args && error == NULL; i++)
        error = take_word(cf, own, cf->args[i], l);
    return error;
}
