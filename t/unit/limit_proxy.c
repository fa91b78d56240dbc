/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When it is certain that a proxy is in front, and what speaks against it.
 */
#include "modules/gate/limit_proxy.h"

#include "core/base/check.h"
#include "t/unit/tap.h"

static struct addr
addr_of(const char *text)
{
    struct addr_any any;
    struct addr     out;

    if (!addr_parse(str_of(text), &any))
        exit(1);
    memcpy(&out, &any.sa, sizeof(out));
    return out;
}


/* Adds so many requests from peer, of so many clients; how often it became
 * certain. */
static unsigned
add(struct proxy_search *s, const char *peer, unsigned n, unsigned clients)
{
    struct addr at = addr_of(peer);
    char        text[64];
    unsigned    found = 0;

    for (unsigned i = 0; i < n; i++) {
        snprintf(text, sizeof(text), "192.0.2.%u, 10.0.0.%u", i % clients, i);
        found += proxy_search_add(s, &at, str_of(text));
    }
    return found;
}


static void
test_private(void)
{
    static const char *const yes[]
        = { "127.0.0.1",   "10.1.2.3",   "172.31.0.1",
            "192.168.9.9", "100.64.0.1", "::1",
            "fd00::1",     "fe80::1",    "::ffff:10.0.0.1" };
    static const char *const no[] = { "192.0.2.1", "172.32.0.1", "11.0.0.1",
                                      "2001:db8::1", "100.128.0.1" };

    for (size_t i = 0; i < countof(yes); i++)
        ok(addr_is_private(&(struct addr[]){ addr_of(yes[i]) }[0].sa),
           "%s is private", yes[i]);
    for (size_t i = 0; i < countof(no); i++)
        ok(!addr_is_private(&(struct addr[]){ addr_of(no[i]) }[0].sa),
           "%s is not", no[i]);
}


static void
test_search(void)
{
    struct proxy_search s = { 0 };
    struct addr         at = addr_of("10.0.0.1");

    is(add(&s, "10.0.0.1", 99, 50), 0, "99 requests");
    is(add(&s, "10.0.0.1", 1, 50), 1, "100 are certain");
    is(add(&s, "10.0.0.1", 500, 50), 0, "once");

    s = (struct proxy_search){ 0 };
    is(add(&s, "10.0.0.1", 500, 7), 0, "seven clients are not enough");
    is(add(&s, "10.0.0.1", 10, 8), 1, "eight are");

    s = (struct proxy_search){ 0 };
    add(&s, "10.0.0.1", 60, 50);
    add(&s, "10.0.0.2", 1, 50);
    is(add(&s, "10.0.0.1", 500, 50), 0, "another peer");

    s = (struct proxy_search){ 0 };
    add(&s, "10.0.0.1", 60, 50);
    ok(!proxy_search_add(&s, &at, STR_NONE), "a request without the header");
    is(add(&s, "10.0.0.1", 500, 50), 0, "ends the search");

    s = (struct proxy_search){ 0 };
    is(add(&s, "192.0.2.1", 500, 50), 0, "a public peer");
    s = (struct proxy_search){ 0 };
    add(&s, "10.0.0.1", PROXY_REQUESTS_MAX + 1, 1);
    is(add(&s, "10.0.0.1", 500, 50), 0, "it ends some day");
}


int
main(void)
{
    test_private();
    test_search();
    return done();
}
