/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses, networks and endpoints, in tables.
 */
#include <arpa/inet.h>

#include "core/base/check.h"
#include "core/net/addr.h"
#include "t/unit/tap.h"

static struct arena *arena;


static const char *
text_of(const struct addr_any *a, bool with_port)
{
    char out[ADDR_TEXT];

    return str_copy(arena,
                    (str_t){ out, addr_text(out, &a->sa, a->len, with_port) })
        .p;
}


static void
test_texts(void)
{
    static const char *const cases[][3] = {
        { "127.0.0.1", "127.0.0.1", "127.0.0.1:80" },
        { "255.255.255.255", "255.255.255.255", "255.255.255.255:80" },
        { "0.0.0.0", "0.0.0.0", "0.0.0.0:80" },
        { "::", "::", "[::]:80" },
        { "[::1]", "::1", "[::1]:80" },
        { "2001:DB8::a", "2001:db8::a", "[2001:db8::a]:80" },
        { "::ffff:1.2.3.4", "::ffff:1.2.3.4", "[::ffff:1.2.3.4]:80" },
        { "1.2.3", NULL, NULL },
        { "1.2.3.4.5", NULL, NULL },
        { "1.2.3.256", NULL, NULL },
        { "[1.2.3.4]", NULL, NULL },
        { ":::", NULL, NULL },
        { "[]", NULL, NULL },
        { "", NULL, NULL },
        { "localhost", NULL, NULL },
    };

    for (size_t i = 0; i < countof(cases); i++) {
        struct addr_any a;
        bool            good = addr_parse(str_of(cases[i][0]), &a);

        if (!is(good, (cases[i][1] != NULL), "\"%s\"", cases[i][0]) || !good)
            continue;
        addr_set_port(&a.sa, 80);
        is_text(text_of(&a, false), cases[i][1], "text");
        is_text(text_of(&a, true), cases[i][2], "with port");
        is(addr_port(&a.sa), 80, "port");
    }
}


static void
test_unix_texts(void)
{
    struct addr_any a = { .len = sizeof(a.un) };

    a.un.sun_family = AF_UNIX;
    strcpy(a.un.sun_path, "/run/x");
    is_text(text_of(&a, true), "unix:/run/x", "a path");
    is(addr_port(&a.sa), 0, "no port");
    is_str(addr_bytes(&a.sa), "unix:", "bytes");
    memset(a.un.sun_path, 'x', sizeof(a.un.sun_path));
    is(strlen(text_of(&a, true)), 5 + sizeof(a.un.sun_path), "a full path");
    a.len = sizeof(sa_family_t);
    is_text(text_of(&a, true), "unix:", "a client without a name");
}


static bool
same(const char *x, unsigned px, const char *y, unsigned py, bool with_port)
{
    struct addr_any a, b;

    addr_parse(str_of(x), &a);
    addr_parse(str_of(y), &b);
    addr_set_port(&a.sa, px);
    addr_set_port(&b.sa, py);
    return addr_same(&a.sa, &b.sa, with_port);
}


static void
test_same(void)
{
    struct addr_any a;

    ok(same("1.2.3.4", 1, "1.2.3.4", 1, true), "same");
    ok(!same("1.2.3.4", 1, "1.2.3.4", 2, true), "another port");
    ok(same("1.2.3.4", 1, "1.2.3.4", 2, false), "which may be ignored");
    ok(!same("1.2.3.4", 1, "1.2.3.5", 1, true), "another address");
    ok(same("::1", 1, "[0::1]", 1, true), "IPv6");
    ok(!same("::1", 1, "0.0.0.1", 1, true), "another family");
    addr_parse(STR("::"), &a);
    ok(addr_is_wildcard(&a.sa), "a wildcard");
    addr_parse(STR("0.0.0.1"), &a);
    ok(!addr_is_wildcard(&a.sa), "none");
    is(addr_bytes(&a.sa).n, 4, "four bytes");
}


static void
test_cidrs(void)
{
    static const struct {
        const char       *net;
        enum cidr_verdict verdict;
        const char       *in, *out;
    } cases[] = {
        { "10.0.0.0/8", CIDR_OK, "10.255.1.2", "11.0.0.0" },
        { "10.1.2.3/8", CIDR_LOW_BITS, "10.9.9.9", "11.1.2.3" },
        { "10.1.2.3", CIDR_OK, "10.1.2.3", "10.1.2.2" },
        { "10.1.2.3/32", CIDR_OK, "::ffff:10.1.2.3", "::10.1.2.3" },
        { "192.168.128.0/17", CIDR_OK, "192.168.200.1", "192.168.127.255" },
        { "0.0.0.0/0", CIDR_OK, "9.9.9.9", "::1" },
        { "2001:db8::/32", CIDR_OK, "2001:db8:1::1", "2001:db9::1" },
        { "2001:db8::1/33", CIDR_LOW_BITS,
          "2001:db8:7fff::", "2001:db8:8000::" },
        { "::1", CIDR_OK, "::1", "::2" },
        { "::/0", CIDR_OK, "fe80::1", "1.2.3.4" },
        { "10.0.0.0/33", CIDR_BAD, NULL, NULL },
        { "::1/129", CIDR_BAD, NULL, NULL },
        { "10.0.0.0/", CIDR_BAD, NULL, NULL },
        { "10.0.0.0/x", CIDR_BAD, NULL, NULL },
        { "10.0.0", CIDR_BAD, NULL, NULL },
        { "x", CIDR_BAD, NULL, NULL },
        { "", CIDR_BAD, NULL, NULL },
        { "all", CIDR_BAD, NULL, NULL },
    };
    struct cidr        c;
    struct addr_any    a;
    struct sockaddr_un un = { .sun_family = AF_UNIX };

    for (size_t i = 0; i < countof(cases); i++) {
        is(cidr_parse(str_of(cases[i].net), &c), cases[i].verdict, "\"%s\"",
           cases[i].net);
        if (cases[i].in == NULL)
            continue;
        addr_parse(str_of(cases[i].in), &a);
        ok(cidr_match(&c, &a.sa), "%s is in", cases[i].in);
        addr_parse(str_of(cases[i].out), &a);
        ok(!cidr_match(&c, &a.sa), "%s is not", cases[i].out);
    }
    is(cidr_parse(STR("unix:"), &c), CIDR_OK, "unix:");
    ok(cidr_match(&c, (struct sockaddr *) &un), "matches unix sockets");
    ok(!cidr_match(&c, &a.sa), "and no others");
    c.family = AF_UNSPEC;
    ok(cidr_match(&c, &a.sa), "all");
}


static struct addr_any
at_of(const char *text)
{
    struct addr_any at;

    if (!addr_parse(str_of(text), &at))
        at.sa.sa_family = AF_UNIX;
    return at;
}


static void
test_single(void)
{
    static const char *const texts[] = { "10.1.2.3", "2001:db8::1", "unix:" };

    for (size_t i = 0; i < countof(texts); i++) {
        struct addr_any own = at_of(texts[i]);
        struct cidr     c = cidr_of(&own.sa);

        for (size_t k = 0; k < countof(texts); k++) {
            struct addr_any at = at_of(texts[k]);

            is(cidr_match(&c, &at.sa), i == k, "%s in the network of %s",
               texts[k], texts[i]);
        }
    }
}


static const struct {
    const char *text;
    unsigned    flags;
    const char *error; /* or NULL and: */
    const char *names; /* separated by blanks */
    const char *uri;
    bool        no_port;
} endpoints[] = {
    { "127.0.0.1", 0, NULL, "127.0.0.1:99", NULL, true },
    { "127.0.0.1:80", 0, NULL, "127.0.0.1:80", NULL, false },
    { "[::1]", 0, NULL, "[::1]:99", NULL, true },
    { "[::1]:80", 0, NULL, "[::1]:80", NULL, false },
    { "name", 0, NULL, "", NULL, true },
    { "name:80", 0, NULL, "", NULL, false },
    { "name:80/a/b?c", ENDPOINT_URI, NULL, "", "/a/b?c", false },
    { "127.0.0.1/", ENDPOINT_URI, NULL, "127.0.0.1:99", "/", true },
    { "127.0.0.1?x", ENDPOINT_URI, NULL, "127.0.0.1:99", "?x", true },
    { "127.0.0.1/:8", ENDPOINT_URI, NULL, "127.0.0.1:99", "/:8", true },
    { "[::1]:80/x", ENDPOINT_URI, NULL, "[::1]:80", "/x", false },
    { "[::1]/x", ENDPOINT_URI, NULL, "[::1]:99", "/x", true },
    { "unix:/run/x", 0, NULL, "unix:/run/x", NULL, false },
    { "unix:/run/x:/uri", ENDPOINT_URI, NULL, "unix:/run/x", "/uri", false },
    { "80", ENDPOINT_LISTEN, NULL, "0.0.0.0:80", NULL, false },
    { "*", ENDPOINT_LISTEN, NULL, "0.0.0.0:99", NULL, true },
    { "*:80", ENDPOINT_LISTEN, NULL, "0.0.0.0:80", NULL, false },
    { "80-82", ENDPOINT_LISTEN, NULL, "0.0.0.0:80 0.0.0.0:81 0.0.0.0:82", NULL,
      false },
    { "127.0.0.1:80-81", ENDPOINT_LISTEN, NULL, "127.0.0.1:80 127.0.0.1:81",
      NULL, false },
    { "[::]:80-81", ENDPOINT_LISTEN, NULL, "[::]:80 [::]:81", NULL, false },
    { "localhost:80", ENDPOINT_RESOLVE, NULL, "127.0.0.1:80", NULL, false },

    { "", 0, "no host", NULL, NULL, false },
    { ":80", 0, "no host", NULL, NULL, false },
    { "/x", ENDPOINT_URI, "no host", NULL, NULL, false },
    { "[]:80", 0, "no host", NULL, NULL, false },
    { "127.0.0.1:0", 0, "invalid port", NULL, NULL, false },
    { "127.0.0.1:", 0, "invalid port", NULL, NULL, false },
    { "127.0.0.1:65536", 0, "invalid port", NULL, NULL, false },
    { "127.0.0.1:80-81", 0, "invalid port", NULL, NULL, false },
    { "99999", ENDPOINT_LISTEN, "invalid port", NULL, NULL, false },
    { "80-99999", ENDPOINT_LISTEN, "invalid port", NULL, NULL, false },
    { "80-", ENDPOINT_LISTEN, NULL, "", NULL, true },
    { "x-80", ENDPOINT_LISTEN, NULL, "", NULL, true },
    { "82-80", ENDPOINT_LISTEN, "invalid port range", NULL, NULL, false },
    { "http://127.0.0.1", 0, "invalid host", NULL, NULL, false },
    { "127.0.0.1/x", 0, "invalid host", NULL, NULL, false },
    { "127.0.0.1/x", ENDPOINT_LISTEN, "invalid host", NULL, NULL, false },
    { "[::1", 0, "invalid host", NULL, NULL, false },
    { "[::1]80", 0, "invalid host", NULL, NULL, false },
    { "[::1]:x", 0, "invalid port", NULL, NULL, false },
    { "[1.2.3.4]:80", 0, "invalid IPv6 address", NULL, NULL, false },
    { "unix:", 0, "no path in the unix domain socket", NULL, NULL, false },
    { "unix::/x", ENDPOINT_URI, "no path in the unix domain socket", NULL, NULL,
      false },
    { "nosuchhost.invalid", ENDPOINT_RESOLVE, "host not found", NULL, NULL,
      false },
};


static void
test_endpoints(void)
{
    for (size_t i = 0; i < countof(endpoints); i++) {
        struct endpoint e;
        const char *error = endpoint_parse(arena, str_of(endpoints[i].text), 99,
                                           endpoints[i].flags, &e);
        str_t       names = STR("");

        is_text(error, endpoints[i].error, "\"%s\"", endpoints[i].text);
        if (error != NULL)
            continue;
        for (size_t k = 0; k < e.n; k++)
            names = k == 0 ? e.names[0]
                           : str_join3(arena, names, STR(" "), e.names[k]);
        if (endpoints[i].flags & ENDPOINT_RESOLVE)
            ok(str_starts(names, str_of(endpoints[i].names)), "IPv4 first");
        else
            is_str(names, endpoints[i].names, "addresses");
        is_str(e.uri, endpoints[i].uri ? endpoints[i].uri : "", "uri");
        is(e.no_port, endpoints[i].no_port, "port given");
    }
}


static void
test_endpoint_parts(void)
{
    struct endpoint e;
    char            path[200];
    str_t           text;

    endpoint_parse(arena, STR("Name.x:8080/u"), 80, ENDPOINT_URI, &e);
    is_str(e.host, "Name.x", "host");
    is_str(e.port_text, "8080", "port");
    is(e.port, 8080, "its number");
    endpoint_parse(arena, STR("[::1]:80"), 80, 0, &e);
    is_str(e.host, "[::1]", "brackets stay");
    endpoint_parse(arena, STR("*:80"), 80, ENDPOINT_LISTEN, &e);
    endpoint_parse(arena, STR("unix:/a"), 80, 0, &e);
    ok(e.is_unix && str_is(e.host, "/a"), "unix");

    memset(path, 'x', sizeof(path));
    text = str_join(arena, STR("unix:/"), (str_t){ path, 106 });
    is_text(endpoint_parse(arena, text, 0, 0, &e), NULL, "a path that fits");
    text = str_join(arena, STR("unix:/"), (str_t){ path, 107 });
    is_text(endpoint_parse(arena, text, 0, 0, &e),
            "too long path in the unix domain socket", "one that does not");
}


int
main(void)
{
    arena = arena_new(0);
    test_texts();
    test_unix_texts();
    test_same();
    test_cidrs();
    test_single();
    test_endpoints();
    test_endpoint_parts();
    arena_free(arena);
    return done();
}
