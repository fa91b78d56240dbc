/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * "host:port/uri" as written in a configuration.  The grammar is nginx's, with
 * its peculiarities: a host ends at the first colon, a single number is a port
 * for listen, and the uri begins at the first "/" or "?".
 */
#include <stdio.h>

#include "core/base/number.h"
#include "core/net/addr.h"
#include "core/os/resolve.h"


static bool
parse_port(str_t text, unsigned *out)
{
    uint64_t n;

    if (!number_parse(text, 65535, &n) || n == 0)
        return false;
    *out = (unsigned) n;
    return true;
}


/* "80", or "80-90" where a range is allowed. */
static const char *
parse_ports(struct endpoint *e, str_t text, unsigned flags)
{
    const char *dash = flags & ENDPOINT_LISTEN ? str_chr(text, '-') : NULL;
    str_t       first = dash ? str_span(text.p, dash) : text;

    if (!parse_port(first, &e->port))
        return "invalid port";
    e->last_port = e->port;
    if (dash != NULL) {
        if (!parse_port(str_span(dash + 1, text.p + text.n), &e->last_port))
            return "invalid port";
        if (e->port > e->last_port)
            return "invalid port range";
    }
    e->port_text = text;
    return NULL;
}


static void
set_no_port(struct endpoint *e, unsigned default_port)
{
    e->no_port = true;
    e->port = e->last_port = default_port;
}


/* Adds the address, once for each port. */
static void
add_ports(struct arena *a, struct endpoint *e, const struct addr_any *addr)
{
    char text[ADDR_TEXT];

    for (unsigned port = e->port; port <= e->last_port; port++) {
        struct addr_any *at = &e->at[e->n];

        *at = *addr;
        addr_set_port(&at->sa, port);
        e->names[e->n] = str_copy(
            a, (str_t){ text, addr_text(text, &at->sa, at->len, true) });
        e->n++;
    }
}


static void
make_room(struct arena *a, struct endpoint *e, size_t addrs)
{
    size_t n = addrs * (e->last_port - e->port + 1);

    e->at = arena_array(a, struct addr_any, n);
    e->names = arena_array(a, str_t, n);
}


static void
set_addr(struct arena *a, struct endpoint *e, const struct addr_any *addr)
{
    make_room(a, e, 1);
    add_ports(a, e, addr);
}


static void
set_any(struct arena *a, struct endpoint *e)
{
    struct addr_any any = { .len = sizeof(any.in4) };

    any.in4.sin_family = AF_INET;
    set_addr(a, e, &any);
}


const char *
endpoint_resolve(struct arena *a, struct endpoint *e)
{
    union resolved *found;
    size_t          n = resolve_host(a, e->host, e->port, &found);

    if (n == 0)
        return "host not found";
    make_room(a, e, n);
    for (size_t i = 0; i < n; i++) {
        struct addr_any addr = { .len = addr_len(&found[i].sa) };

        memcpy(&addr.sa, &found[i], addr.len);
        add_ports(a, e, &addr);
    }
    return NULL;
}


void
endpoint_set(struct arena *a, struct endpoint *e, const struct addr_any *at,
             size_t n)
{
    char text[ADDR_TEXT];

    e->at = arena_array(a, struct addr_any, n);
    e->names = arena_array(a, str_t, n);
    e->n = n;
    for (size_t i = 0; i < n; i++) {
        e->at[i] = at[i];
        if (addr_port(&at[i].sa) == 0)
            addr_set_port(&e->at[i].sa, e->port);
        e->names[i] = str_copy(
            a,
            (str_t){ text, addr_text(text, &e->at[i].sa, e->at[i].len, true) });
    }
}


static const char *
parse_unix(struct arena *a, str_t path, unsigned flags, struct endpoint *e)
{
    struct addr_any addr = { .len = sizeof(addr.un) };

    if (flags & ENDPOINT_URI)
        path = str_cut(&path, ':');
    if (path.n == 0)
        return "no path in the unix domain socket";
    if (str_chr(path, '\0'))
        return "invalid host"; /* the path would be cut off there */
    if (path.n >= sizeof(addr.un.sun_path))
        return "too long path in the unix domain socket";
    e->is_unix = true;
    e->host = path;
    addr.un.sun_family = AF_UNIX;
    memcpy(addr.un.sun_path, path.p, path.n);
    make_room(a, e, 1);
    add_ports(a, e, &addr);
    return NULL;
}


static const char *
parse_bracketed(struct arena *a, str_t text, unsigned default_port,
                unsigned flags, struct endpoint *e)
{
    const char     *end = str_chr(text, ']'), *uri;
    struct addr_any addr;
    const char     *why = NULL;
    str_t           rest;

    if (end == NULL)
        return "invalid host";
    e->host = str_span(text.p, end + 1);
    rest = str_span(end + 1, text.p + text.n);
    uri = str_chr(rest, '/');
    if (uri != NULL && (flags & ENDPOINT_URI)) {
        e->uri = str_span(uri, rest.p + rest.n);
        rest = str_span(rest.p, uri);
    }
    if (rest.n == 0)
        set_no_port(e, default_port);
    else if (rest.p[0] != ':')
        why = "invalid host";
    else
        why = parse_ports(e, str_from(rest, 1), flags);
    if (why != NULL)
        return why;
    if (e->host.n == 2)
        return "no host";
    if (!addr_parse(e->host, &addr) || addr.sa.sa_family != AF_INET6)
        return "invalid IPv6 address";
    set_addr(a, e, &addr);
    return NULL;
}


/* The start of the uri in text: the first "/" or "?"; NULL: none. */
static const char *
find_uri(str_t text)
{
    const char *slash = str_chr(text, '/'), *args = str_chr(text, '?');

    if (slash == NULL || (args != NULL && args < slash))
        return args;
    return slash;
}


/* Splits off the uri, then the port. */
static const char *
split(str_t *text, unsigned default_port, unsigned flags, struct endpoint *e)
{
    const char *uri = find_uri(*text), *colon;
    const char *end = text->p + text->n;

    if (uri != NULL) {
        if ((flags & ENDPOINT_LISTEN) || !(flags & ENDPOINT_URI))
            return "invalid host";
        e->uri = str_span(uri, end);
        end = uri;
    }
    *text = str_span(text->p, end);
    colon = str_chr(*text, ':');
    if (colon == NULL) {
        set_no_port(e, default_port);
        return NULL;
    }
    *text = str_span(text->p, colon);
    return parse_ports(e, str_span(colon + 1, end), flags);
}


/* "8080" or "8080-8090": a port on all addresses.  A word that is not a number
 * is a name; a number that is not a valid port is an error. */
static bool
is_number(str_t text)
{
    if (text.n == 0)
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
    return true;
}


static bool
is_port_only(str_t text, const struct endpoint *e, unsigned flags)
{
    str_t last = text, first = str_cut(&last, '-');

    return (flags & ENDPOINT_LISTEN) && e->no_port && is_number(first)
           && (last.p == NULL || is_number(last));
}


static const char *
parse_host(struct arena *a, str_t text, unsigned default_port, unsigned flags,
           struct endpoint *e)
{
    const char     *why = split(&text, default_port, flags, e);
    struct addr_any addr;

    if (why != NULL)
        return why;
    if (is_port_only(text, e, flags)) {
        e->no_port = false;
        why = parse_ports(e, text, flags);
        if (why == NULL)
            set_any(a, e);
        return why;
    }
    if (text.n == 0)
        return "no host";
    e->host = text;
    if ((flags & ENDPOINT_LISTEN) && str_is(text, "*"))
        set_any(a, e);
    else if (addr_parse(text, &addr) && addr.sa.sa_family == AF_INET)
        set_addr(a, e, &addr);
    else if (flags & ENDPOINT_RESOLVE)
        return endpoint_resolve(a, e);
    return NULL;
}


const char *
endpoint_parse(struct arena *a, str_t text, unsigned default_port,
               unsigned flags, struct endpoint *out)
{
    memset(out, 0, sizeof(*out));
    if (str_starts(text, STR("unix:"))) {
        str_t       rest = str_from(text, 5);
        const char *colon = str_chr(rest, ':');

        if ((flags & ENDPOINT_URI) && colon != NULL)
            out->uri = str_span(colon + 1, rest.p + rest.n);
        return parse_unix(a, rest, flags, out);
    }
    if (text.n != 0 && text.p[0] == '[')
        return parse_bracketed(a, text, default_port, flags, out);
    return parse_host(a, text, default_port, flags, out);
}
