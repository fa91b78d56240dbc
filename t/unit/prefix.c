/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Networks as keys: cutting, texts and back.
 */
#include "core/net/prefix.h"

#include "core/base/check.h"
#include "t/unit/tap.h"

#include <sys/un.h>

static const struct prefix_bits usual = { 32, 64 };

static const struct {
    const char *text;
    uint8_t     v4, v6;
    const char *network; /* NULL: invalid                                    */
} cases[] = {
    { "192.0.2.77", 32, 64, "192.0.2.77/32" },
    { "192.0.2.77", 24, 64, "192.0.2.0/24" },
    { "192.0.2.77", 25, 64, "192.0.2.0/25" },
    { "192.0.2.255", 25, 64, "192.0.2.128/25" },
    { "255.255.255.255", 1, 64, "128.0.0.0/1" },
    { "192.0.2.77/16", 32, 64, "192.0.0.0/16" },
    { "192.0.2.77/0", 32, 64, "0.0.0.0/0" },
    { "2001:db8:1:2:3:4:5:6", 32, 64, "2001:db8:1:2::/64" },
    { "2001:db8:1:2ff:3::1", 32, 56, "2001:db8:1:200::/56" },
    { "2001:db8::1", 32, 128, "2001:db8::1/128" },
    { "2001:db8:ffff::/33", 32, 64, "2001:db8:8000::/33" },
    { "[2001:db8::1]", 32, 64, "2001:db8::/64" },
    { "::ffff:192.0.2.77", 24, 64, "192.0.2.0/24" },
    { "::ffff:192.0.2.77/112", 32, 64, "192.0.0.0/16" },
    { "", 32, 64, NULL },
    { "/24", 32, 64, NULL },
    { "192.0.2.77/", 32, 64, NULL },
    { "192.0.2.77/33", 32, 64, NULL },
    { "192.0.2.77/-1", 32, 64, NULL },
    { "192.0.2.77/24/24", 32, 64, NULL },
    { "::1/129", 32, 64, NULL },
    { "unix:", 32, 64, NULL },
    { "localhost", 32, 64, NULL },
};


static void
test_texts(void)
{
    char   bytes[PREFIX_BYTES], text[PREFIX_TEXT];
    size_t n;

    for (size_t i = 0; i < countof(cases); i++) {
        struct prefix_bits bits = { cases[i].v4, cases[i].v6 };

        n = prefix_parse(bytes, str_of(cases[i].text), bits);
        if (cases[i].network == NULL) {
            is(n, 0, "\"%s\" is none", cases[i].text);
            continue;
        }
        n = prefix_text(text, (str_t){ bytes, n });
        is_str(((str_t){ text, n }), cases[i].network, "%s", cases[i].text);
    }
}


static void
test_bytes(void)
{
    static const unsigned char v6[]
        = { 0x20, 1, 0xd, 0xb8, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 64 };
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    char               a[PREFIX_BYTES], b[PREFIX_BYTES], text[PREFIX_TEXT];
    size_t             n;

    n = prefix_parse(a, STR("192.0.2.77"), usual);
    ok(n == PREFIX_V4 && memcmp(a, "\xc0\0\2\x4d\x20", n) == 0, "IPv4");
    n = prefix_parse(a, STR("2001:db8:1:2:3:4:5:6"), usual);
    ok(n == PREFIX_V6 && memcmp(a, v6, n) == 0, "IPv6");
    prefix_parse(a, STR("10.0.0.0/8"), usual);
    prefix_parse(b, STR("10.0.0.0/16"), usual);
    ok(memcmp(a, b, PREFIX_V4) != 0, "lengths are part of it");
    n = prefix_of(a, (struct sockaddr *) &un, usual);
    is_str(((str_t){ a, n }), "unix:", "a unix socket");
    is(prefix_text(text, STR("unix:")), 0, "has no text");
    is(prefix_text(text, STR("")), 0, "nor has nothing");
    is(prefix_text(text, STR("abcd")), 0, "nor have other bytes");
}


int
main(void)
{
    test_texts();
    test_bytes();
    return done();
}
