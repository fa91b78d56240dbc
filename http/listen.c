/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * listen lines to addresses, addresses to sockets.  Servers that name the same
 * address share it; an address that a wildcard on the same port covers has no
 * socket of its own unless a parameter of the socket asks for one.
 */
#include <unistd.h>

#include "http/main.h"

/* --- one line ------------------------------------------------------------------ */

struct line {
    struct listen_options options;
    bool                  has_options, is_default, has_proxy_protocol;
};

static const char *
number_param(struct conf *cf, str_t arg, str_t value, const char *name,
             uint64_t max, int *out)
{
    uint64_t n;

    if (!number_parse(value, max, &n) || (n == 0 && max != INT32_MAX - 1))
        return conf_error(cf, "invalid %s \"" STR_F "\"", name, STR_A(arg));
    *out = (int) n;
    return NULL;
}

static const char *
size_param(struct conf *cf, str_t arg, str_t value, const char *name, int *out)
{
    uint64_t n;

    if (!number_size(value, false, &n) || n > INT32_MAX)
        return conf_error(cf, "invalid %s \"" STR_F "\"", name, STR_A(arg));
    *out = (int) n;
    return NULL;
}

/* so_keepalive=on|off|[idle]:[interval]:[count] */
static const char *
keepalive_param(struct conf *cf, str_t arg, str_t value,
                struct listen_options *o)
{
    str_t    rest = value, part;
    uint64_t n[3] = { 0, 0, 0 };
    unsigned i;
    bool     is_good = true;

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
    (void) arg;
    o->so_keepalive = 1;
    o->keepidle = (int) n[0];
    o->keepintvl = (int) n[1];
    o->keepcnt = (int) n[2];
    return NULL;
}

static const char *const listen_words[]
    = { "default_server", "bind",  "deferred",      "reuseport",
        "proxy_protocol", "ssl",   "backlog=",      "rcvbuf=",
        "sndbuf=",        "http2", "so_keepalive=", "fastopen=",
        "ipv6only=on",    "quic",  "multipath",     NULL };

/* name=value parameters; NULL with *known false: not one of them. */
static const char *
value_param(struct conf *cf, str_t arg, struct line *l, bool *known)
{
    struct listen_options *o = &l->options;
    str_t                  v;

    *known = true;
    l->has_options = o->bind = true;
    if (conf_param(arg, "backlog", &v))
        return number_param(cf, arg, v, "backlog", INT32_MAX, &o->backlog);
    if (conf_param(arg, "fastopen", &v))
        return number_param(cf, arg, v, "fastopen", INT32_MAX - 1,
                            &o->fastopen);
    if (conf_param(arg, "rcvbuf", &v))
        return size_param(cf, arg, v, "rcvbuf", &o->rcvbuf);
    if (conf_param(arg, "sndbuf", &v))
        return size_param(cf, arg, v, "sndbuf", &o->sndbuf);
    if (conf_param(arg, "so_keepalive", &v))
        return keepalive_param(cf, arg, v, o);
    if (conf_param(arg, "accept_filter", &v)) {
        conf_warn(cf,
                  "accept filters \"" STR_F
                  "\" are not supported on this platform, ignored",
                  STR_A(arg));
        return NULL;
    }
    /* of no meaning, and no mistake, with IPv4 */
    if (str_is(arg, "ipv6only=on") || str_is(arg, "ipv6only=off")) {
        o->ipv6only = str_is(arg, "ipv6only=on");
        return NULL;
    }
    if (str_starts(arg, STR("ipv6only=o")))
        return conf_error(cf, "invalid ipv6only flags \"" STR_F "\"",
                          STR_A(str_from(arg, 9)));
    *known = false;
    return NULL;
}

static const char *
word_param(struct conf *cf, str_t arg, struct line *l)
{
    struct listen_options *o = &l->options;
    struct line            before = *l;
    const char            *error;
    bool                   known;

    if (str_is(arg, "default_server") || str_is(arg, "default")) {
        l->is_default = true;
        return NULL;
    }
    if (str_is(arg, "proxy_protocol")) {
        l->has_proxy_protocol = true;
        return NULL;
    }
    if (str_is(arg, "ssl") || str_is(arg, "http2") || str_is(arg, "quic")
        || str_is(arg, "spdy"))
        return conf_error(cf,
                          "parameter \"" STR_F "\" of the \"listen\" "
                          "directive is not supported by this build",
                          STR_A(arg));
    if (str_is(arg, "bind") || str_is(arg, "deferred")
        || str_is(arg, "multipath") || str_is(arg, "reuseport"))
    {
        l->has_options = o->bind = true;
        o->deferred |= arg.p[0] == 'd';
        o->multipath |= arg.p[0] == 'm';
        o->reuseport |= arg.p[0] == 'r';
        return NULL;
    }
    error = value_param(cf, arg, l, &known);
    if (known)
        return error;
    *l = before;
    conf_suggest(cf, arg, listen_words);
    return conf_error(cf, "invalid parameter \"" STR_F "\"", STR_A(arg));
}

/* --- addresses ------------------------------------------------------------------- */

static bool
same_any(const struct addr_any *a, const struct listener *l)
{
    if (a->sa.sa_family != l->addr.sa.sa_family)
        return false;
    return addr_same(&a->sa, &l->addr.sa, true);
}

/* The address of m at a; a new one where there is none. */
static struct http_address *
address_at(struct conf *cf, struct http_main *m, const struct addr_any *at,
           bool *is_new)
{
    struct http_address *a;
    char                 text[ADDR_TEXT];
    size_t               n;

    VEC_EACH(&m->addresses, it) {
        *is_new = false;
        if (same_any(at, &(*it)->listener))
            return *it;
    }
    *is_new = true;
    a = arena_make(cf->arena, struct http_address);
    a->listener.addr = *at;
    n = addr_text(text, &at->sa, at->len, true);
    a->text = str_copy(cf->arena, (str_t){ text, n });
    a->gen = cf->gen;
    a->main = m;
    *vec_push(cf->arena, &m->addresses) = a;
    return a;
}

static void
hint_first(struct conf *cf, const struct setting *first)
{
    if (first != NULL && first->file != NULL)
        conf_hint(cf, "the first one is at %s:%u", first->file, first->line);
}

/* One listen of an address may name its protocols for all, or each does; and
 * none other than the one with the options of the socket. */
static bool
is_mixed(const struct http_address *a)
{
    return a->with_protocol != 0 && a->without != 0
           && (a->with_protocol > 1 || a->options_without);
}

static void
check_protocols(struct conf *cf, struct http_address *a, const struct line *l)
{
    bool was_mixed = is_mixed(a);

    if (l->has_proxy_protocol)
        a->with_protocol++;
    else
        a->without++;
    a->options_without |= l->has_options && !l->has_proxy_protocol;
    if (!was_mixed && is_mixed(a))
        conf_warn(cf, "protocol options redefined for " STR_F, STR_A(a->text));
}

static const char *
add_server(struct conf *cf, struct http_server *s, const struct addr_any *at,
           const struct line *l)
{
    struct http_main    *m = conf_main(cf, &http_module);
    bool                 is_new;
    struct http_address *a = address_at(cf, m, at, &is_new);

    VEC_EACH(&a->servers, it)
        if (*it == s)
            return conf_error(cf, "a duplicate listen " STR_F, STR_A(a->text));
    if (l->has_options && a->has_options) {
        hint_first(cf, a->options_at);
        return conf_error(cf, "duplicate listen options for " STR_F,
                          STR_A(a->text));
    }
    if (l->is_default && a->has_default) {
        hint_first(cf, a->default_at);
        return conf_error(cf, "a duplicate default server for " STR_F,
                          STR_A(a->text));
    }
    check_protocols(cf, a, l);
    if (is_new) {
        a->listener.file = cf->file;
        a->listener.line = cf->line;
    }
    if (l->has_options)
        a->options_at = cf->block->settings;
    if (l->is_default)
        a->default_at = cf->block->settings;
    if (is_new || l->has_options)
        a->options = l->options;
    a->has_options |= l->has_options;
    a->has_proxy_protocol |= l->has_proxy_protocol;
    *vec_push(cf->arena, &a->servers) = s;
    if (is_new || l->is_default)
        a->fallback = s;
    a->has_default |= l->is_default;
    return NULL;
}

static void
init_line(struct line *l)
{
    memset(l, 0, sizeof(*l));
    listen_options_init(&l->options);
}

static const char *
parse_listen(struct conf *cf, void *field)
{
    struct http_server *s = cf->block->server;
    struct endpoint     e;
    struct line         l;
    const char         *error;
    unsigned            i;
    size_t              k;

    (void) field;
    s->has_listen = true;
    error = endpoint_parse(cf->arena, cf->args[1], 80,
                           ENDPOINT_LISTEN | ENDPOINT_RESOLVE, &e);
    if (error != NULL)
        return conf_error(cf, "%s in \"" STR_F "\" of the \"listen\" directive",
                          error, STR_A(cf->args[1]));
    init_line(&l);
    for (i = 2; i < cf->n_args && error == NULL; i++)
        error = word_param(cf, cf->args[i], &l);
    for (k = 0; k < e.n && error == NULL; k++)
        error = add_server(cf, s, &e.at[k], &l);
    return error;
}

static const struct conf_type listen_type = {
    .name = "listen",
    .parse = parse_listen,
    .unset = "*:80",
};

static const struct directive rows[] = {
    { "listen", IN_SERVER | ROW_MANY, ARGS_1_OR_MORE, &listen_type, 0, NULL,
      NULL,
      "address[:port] | port | unix:path [default_server] "
      "[proxy_protocol] [bind]\n"
      " [backlog=number] [rcvbuf=size] [sndbuf=size] [deferred] "
      "[reuseport]\n"
      " [fastopen=number] [multipath] [ipv6only=on|off]\n"
      " [so_keepalive=on|off|[idle]:[interval]:[count]]",
      "An address that the server answers at; the default one of an "
      "address takes the requests that no server_name matches. "
      "Without any it is *:80, or *:8000 when not run as root. ssl, "
      "http2 and quic are refused in this build." },
    { .name = NULL },
};

struct module http_listen_module = {
    .name = "http_core",
    .serves = FOR_HTTP,
    .directives = rows,
};

const char *
http_listen_defaults(struct conf *cf, struct http_server *s)
{
    struct endpoint e;
    struct line     l;
    const char     *error;

    init_line(&l);
    error = endpoint_parse(cf->arena, geteuid() == 0 ? STR("80") : STR("8000"),
                           80, ENDPOINT_LISTEN, &e);
    return error ? error : add_server(cf, s, &e.at[0], &l);
}

/* --- sockets ---------------------------------------------------------------------- */

static struct http_socket *
socket_for(struct conf *cf, struct http_address *a)
{
    struct http_socket *s = arena_make(cf->arena, struct http_socket);
    struct listener    *l = &a->listener;

    s->own = a;
    l->text = a->text;
    l->options = a->options;
    l->type = SOCK_STREAM;
    l->fd = -1;
    l->has_proxy_protocol = a->has_proxy_protocol;
    l->accept = h1_accept;
    l->owner = s;
    *vec_push(cf->arena, &cf->gen->listeners) = l;
    return s;
}

/* The wildcard address of the same family and port, or NULL. */
static struct http_address *
wildcard_of(struct http_main *m, const struct http_address *a)
{
    const struct sockaddr *sa = &a->listener.addr.sa;

    if (sa->sa_family == AF_UNIX || addr_is_wildcard(sa))
        return NULL;
    VEC_EACH(&m->addresses, it) {
        const struct sockaddr *other = &(*it)->listener.addr.sa;

        if (other->sa_family == sa->sa_family && addr_is_wildcard(other)
            && addr_port(other) == addr_port(sa))
            return *it;
    }
    return NULL;
}

void
http_listen_ready(struct conf *cf, struct http_main *m)
{
    struct http_address *wild;
    struct http_socket  *s;

    VEC_EACH(&m->servers, it)
        http_names_first(*it);
    VEC_EACH(&m->addresses, a) {
        http_names_ready(cf, *a);
        wild = (*a)->options.bind ? NULL : wildcard_of(m, *a);
        if (wild == NULL)
            socket_for(cf, *a);
    }
    VEC_EACH(&m->addresses, b) {
        wild = (*b)->options.bind ? NULL : wildcard_of(m, *b);
        if (wild == NULL)
            continue;
        s = wild->listener.owner;
        *vec_push(cf->arena, &s->others) = *b;
    }
}

const struct http_address *
http_address_of(const struct http_socket *s, const struct conn *c)
{
    struct addr_any local;

    if (s->others.n == 0 || !conn_local(c, &local))
        return s->own;
    VEC_EACH(&s->others, a)
        if (addr_same(&(*a)->listener.addr.sa, &local.sa, false))
            return *a;
    return s->own;
}
