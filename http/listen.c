/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * listen lines to addresses, addresses to sockets.  Servers that name the same
 * address share it; an address that a wildcard on the same port covers has no
 * socket of its own unless a parameter of the socket asks for one.
 */
#include <unistd.h>

#include "core/conf/listen.h"
#include "http/conn.h"
#include "http/main.h"

enum { PORT = 80 };


/* --- parameters -------------------------------------------------------------- */

enum { DEFAULT = 1, PROXY_PROTOCOL = 2, SSL = 4, HTTP2 = 8 };


static const char *
refuse(struct conf *cf, const struct listen_word *w, str_t value,
       struct listen_line *l)
{
    (void) value;
    (void) l;
    return conf_error(cf,
                      "parameter \"%s\" of the \"listen\" directive is not "
                      "supported by this build",
                      w->name);
}


static const char *
take_http2(struct conf *cf, const struct listen_word *w, str_t value,
           struct listen_line *l)
{
    (void) value;
    l->words |= w->detail;
    conf_warn(cf, "the \"listen ... http2\" directive is deprecated, use the "
                  "\"http2\" directive instead");
    return NULL;
}


static const struct listen_word words[] = {
    { "default_server", NULL, DEFAULT, NULL },
    { "default", NULL, DEFAULT, "" },
    { "proxy_protocol", NULL, PROXY_PROTOCOL, NULL },
    { "ssl", NULL, SSL, NULL },
    { "http2", take_http2, HTTP2, NULL },
    { "quic", refuse, 0, NULL },
    { .name = NULL },
};


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
check_protocols(struct conf *cf, struct http_address *a,
                const struct listen_line *l)
{
    bool     was_mixed = is_mixed(a);
    unsigned has_protocol = l->words & (PROXY_PROTOCOL | SSL | HTTP2);

    if (has_protocol)
        a->with_protocol++;
    else
        a->without++;
    a->options_without |= l->has_options && !has_protocol;
    if (!was_mixed && is_mixed(a))
        conf_warn(cf, "protocol options redefined for " STR_F, STR_A(a->text));
}


static const char *
add_server(struct conf *cf, struct http_server *s, const struct addr_any *at,
           const struct listen_line *l)
{
    struct http_main    *m = conf_main(cf, &http_module);
    bool                 is_default = l->words & DEFAULT, is_new;
    struct http_address *a = address_at(cf, m, at, &is_new);

    VEC_EACH(&a->servers, it)
        if (*it == s)
            return conf_error(cf, "a duplicate listen " STR_F, STR_A(a->text));
    if (l->has_options && a->has_options) {
        hint_first(cf, a->options_at);
        return conf_error(cf, "duplicate listen options for " STR_F,
                          STR_A(a->text));
    }
    if (is_default && a->has_default) {
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
    if (is_default)
        a->default_at = cf->block->settings;
    if (is_new || l->has_options)
        a->options = l->options;
    a->has_options |= l->has_options;
    a->has_proxy_protocol |= (l->words & PROXY_PROTOCOL) != 0;
    a->has_ssl |= (l->words & SSL) != 0;
    a->has_http2 |= (l->words & HTTP2) != 0;
    *vec_push(cf->arena, &a->servers) = s;
    if (is_new || is_default)
        a->fallback = s;
    a->has_default |= is_default;
    return NULL;
}


static const char *
add_servers(struct conf *cf, struct http_server *s, const struct listen_line *l)
{
    const char *error = NULL;

    for (size_t i = 0; i < l->at.n && error == NULL; i++)
        error = add_server(cf, s, &l->at.at[i], l);
    return error;
}


static const char *
parse_listen(struct conf *cf, void *field)
{
    struct http_server *s = cf->block->server;
    struct listen_line  l;
    const char         *error;

    (void) field;
    s->has_listen = true;
    error = listen_parse(cf, words, PORT, &l);
    return error ? error : add_servers(cf, s, &l);
}


static const struct conf_type listen_type = {
    .name = "listen",
    .parse = parse_listen,
    .unset = "*:80",
};

static const struct directive rows[] = {
    { "listen", IN_SERVER | ROW_MANY, ARGS_1_OR_MORE, &listen_type, 0, NULL,
      NULL,
      "address[:port] | port | unix:path [default_server] [ssl] [http2] "
      "[proxy_protocol] [bind]\n"
      " [backlog=number] [rcvbuf=size] [sndbuf=size] [deferred] "
      "[reuseport]\n"
      " [fastopen=number] [multipath] [ipv6only=on|off]\n"
      " [so_keepalive=on|off|[idle]:[interval]:[count]]",
      "An address that the server answers at; the default one of an "
      "address takes the requests that no server_name matches. "
      "Without any it is *:80, or *:8000 when not run as root. With ssl "
      "it speaks TLS. http2 is the old way to say \"http2 on\"; quic is "
      "refused in this build." },
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
    str_t              port = geteuid() == 0 ? STR("80") : STR("8000");
    struct listen_line l;
    const char        *error = listen_parse_address(cf, port, PORT, &l);

    return error ? error : add_servers(cf, s, &l);
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
    l->has_ssl = a->has_ssl;
    l->accept = http_accept;
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
