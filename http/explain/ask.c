/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Turns 'GET http://host:port/path?args' and options into the bytes of a
 * request.
 */
#include "http/explain/explain.h"

#include <stdio.h>

#include "core/base/number.h"
#include "core/net/proxy_protocol.h"


static bool
wrong(const char *what, const char *arg)
{
    fprintf(stderr, "%s: explain: %s \"%s\"\n", log_program, what, arg);
    return false;
}


static bool
is_method(str_t s)
{
    size_t i;

    for (i = 0; i < s.n; i++)
        if (s.p[i] != '-' && s.p[i] != '_' && (s.p[i] < 'A' || s.p[i] > 'Z'))
            return false;
    return s.n != 0;
}


/* "host", "host:80", "[::1]:80"; an empty one is none. */
static bool
take_host(struct explain_ask *ask, str_t text, const char *arg)
{
    const char *bracket = str_chr(text, ']');
    str_t       rest = text;
    uint64_t    port;

    if (bracket != NULL)
        rest = str_span(bracket, text.p + text.n);
    ask->host = str_span(text.p, rest.p);
    rest = str_from(text, ask->host.n);
    if (str_chr(rest, ':') != NULL) {
        ask->host.n += (size_t) (str_chr(rest, ':') - rest.p);
        rest = str_span(str_chr(rest, ':') + 1, rest.p + rest.n);
        if (!number_parse(rest, 65535, &port) || port == 0)
            return wrong("invalid port in", arg);
        ask->port = (unsigned) port;
    } else {
        ask->host.n = text.n;
    }
    ask->has_host = ask->host.n != 0;
    return ask->has_host ? true : wrong("no host in", arg);
}


/* "unix:/path:/uri" after the scheme. */
static bool
take_socket(struct explain_ask *ask, str_t url, const char *arg)
{
    str_t rest = str_from(url, sizeof("unix:") - 1);

    ask->path = str_span(url.p, rest.p + str_cut(&rest, ':').n);
    if (ask->path.n == sizeof("unix:") - 1)
        return wrong("no socket in", arg);
    ask->target = rest.n != 0 ? rest : STR("/");
    ask->port = 0;
    return ask->target.p[0] == '/' ? true : wrong("no path in", arg);
}


static bool
take_url(struct explain_ask *ask, struct arena *a, const char *arg)
{
    static const char http[] = "http://", https[] = "https://";
    str_t             url = str_of(arg), host;
    const char       *slash;

    ask->scheme = STR("http");
    if (url.n != 0 && url.p[0] == '/') {
        ask->target = url;
        return true;
    }
    ask->port = 80;
    if (str_istarts(url, STR("https://"))) {
        ask->scheme = STR("https");
        ask->port = 443;
        url = str_from(url, sizeof(https) - 1);
    } else if (str_istarts(url, STR("http://"))) {
        url = str_from(url, sizeof(http) - 1);
    }
    if (str_istarts(url, STR("unix:")))
        return take_socket(ask, url, arg);
    slash = str_chr(url, '/');
    if (slash == NULL)
        slash = str_chr(url, '?');
    host = slash != NULL ? str_span(url.p, slash) : url;
    ask->target = slash != NULL ? str_span(slash, url.p + url.n) : STR("/");
    if (ask->target.p[0] == '?')
        ask->target = str_join(a, STR("/"), ask->target);
    return take_host(ask, host, arg);
}


/* Whether it contains a character that would end the request line or header. */
static bool
has_break(const char *arg)
{
    return strpbrk(arg, "\r\n") != NULL;
}


/* "GET URL" in one argument or two, or the URL alone. */
static bool
take_request(struct explain_ask *ask, struct arena *a, const char *arg)
{
    const char *space = strchr(arg, ' ');

    if (has_break(arg))
        return wrong("a line break in", arg);
    if (ask->target.p != NULL)
        return wrong("one request is enough:", arg);
    if (space != NULL) {
        ask->method = str_span(arg, space);
        while (*space == ' ')
            space++;
        if (memchr(arg, '/', ask->method.n) != NULL
            || strchr(space, ' ') != NULL)
            return wrong("a space (\"%20\") in", arg);
        if (!is_method(ask->method))
            return wrong("invalid method in", arg);
        return take_url(ask, a, space);
    }
    if (ask->method.p == NULL && is_method(str_of(arg))) {
        ask->method = str_of(arg);
        return true;
    }
    return take_url(ask, a, arg);
}


static bool
take_header(struct explain_fields *to, struct arena *a, const char *arg)
{
    str_t name = str_of(arg), field = name;

    name = str_cut(&field, ':');
    if (field.p == NULL || name.n == 0 || has_break(arg))
        return wrong("not a header field:", arg);
    *vec_push(a, &to->list) = str_of(arg);
    return true;
}


static bool
take_status(struct explain_ask *ask, const char *arg)
{
    uint64_t n;

    if (!number_parse(str_of(arg), 599, &n) || n < 200)
        return wrong("not the status of a response:", arg);
    ask->status = (unsigned) n;
    return true;
}


static bool
take_from(struct explain_ask *ask, const char *arg)
{
    if (!addr_parse(str_of(arg), &ask->from))
        return wrong("not an address:", arg);
    ask->has_from = true;
    return true;
}


static bool
take_option(struct explain_ask *ask, struct arena *a, const char *name,
            const char *value)
{
    if (value == NULL)
        return wrong("a value is missing behind", name);
    if (strcmp(name, "-H") == 0)
        return take_header(&ask->headers, a, value);
    if (strcmp(name, "--answer") == 0)
        return take_header(&ask->answer, a, value);
    if (strcmp(name, "--from") == 0)
        return take_from(ask, value);
    if (strcmp(name, "--status") == 0)
        return take_status(ask, value);
    return wrong("invalid option", name);
}


bool
ask_parse(struct explain_ask *ask, struct arena *a, char **argv)
{
    struct addr_any named;
    const char     *arg;

    ask->status = 200;
    if (!addr_parse(STR("127.0.0.1"), &ask->from))
        return false;
    while ((arg = *argv) != NULL) {
        if (strcmp(arg, "--json") == 0) {
            ask->is_json = true;
            argv++;
        } else if (strcmp(arg, "--cache") == 0) {
            ask->is_cache = true;
            argv++;
        } else if (strcmp(arg, "--full") == 0) {
            ask->is_full = true;
            argv++;
        } else if (arg[0] == '-') {
            if (!take_option(ask, a, arg, argv[1]))
                return false;
            argv += 2;
        } else {
            if (!take_request(ask, a, arg))
                return false;
            argv++;
        }
    }
    if (ask->target.p == NULL)
        return wrong("a request is wanted:", "GET http://host/path");
    if (ask->method.p == NULL)
        ask->method = STR("GET");
    if (!ask->has_from && addr_parse(ask->host, &named)
        && named.sa.sa_family == AF_INET6)
        (void) addr_parse(STR("::1"), &ask->from);
    addr_set_port(&ask->from.sa, 50000);
    return true;
}


static bool
is_field(str_t line, str_t name)
{
    return str_ieq(str_trim(str_cut(&line, ':')), name);
}


/* The value of -H 'Name: ...', or STR_NONE. */
static str_t
header_of(const struct explain_ask *ask, str_t name)
{
    VEC_EACH(&ask->headers.list, h) {
        str_t value = *h;

        if (is_field(*h, name)) {
            (void) str_cut(&value, ':');
            return str_trim(value);
        }
    }
    return STR_NONE;
}


static str_t
host_line(const struct explain *e)
{
    const struct explain_ask *ask = &e->ask;
    unsigned                  usual = str_is(ask->scheme, "https") ? 443 : 80;

    if (header_of(ask, STR("host")).p != NULL)
        return STR("");
    if (!ask->has_host)
        return STR("Host: localhost\r\n");
    if (ask->port == usual)
        return arena_printf(e->arena, "Host: " STR_F "\r\n", STR_A(ask->host));
    return arena_printf(e->arena, "Host: " STR_F ":%u\r\n", STR_A(ask->host),
                        ask->port);
}


/* CONNECT goes to what -H 'Host: ...' names, through the server of the URL. */
static str_t
target_of(const struct explain *e)
{
    const struct explain_ask *ask = &e->ask;
    str_t                     host = header_of(ask, STR("host"));

    if (!str_is(ask->method, "CONNECT"))
        return ask->target;
    return host.p != NULL ? host
                          : arena_printf(e->arena, STR_F ":%u",
                                         STR_A(ask->host), ask->port);
}


str_t
ask_text(const struct explain *e, uint64_t *length)
{
    const struct explain_ask *ask = &e->ask;
    struct arena             *a = e->arena;
    str_t                     text = STR("");

    *length = 0;
    (void) number_parse(header_of(ask, STR("content-length")), INT64_MAX,
                        length);
    if (e->listener->has_proxy_protocol)
        text = proxy_protocol_v1(a, &e->ask.from.sa, &e->local.sa);
    text = str_join3(a, text, ask->method, STR(" "));
    text = str_join3(a, text, target_of(e), STR(" HTTP/1.1\r\n"));
    text = str_join(a, text, host_line(e));
    VEC_EACH(&ask->headers.list, h)
        text = str_join3(a, text, *h, STR("\r\n"));
    return str_join(a, text, STR("\r\n"));
}
