/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables of networks, and addresses as proxies forward them.
 */
#include "core/expr/network.h"
#include "http/forwarded.h"
#include "t/unit/tap.h"

struct module;
extern struct module *const weir_modules[];
struct module *const        weir_modules[] = { NULL };

static struct arena         *a;
static struct network_table *table;


static void
set(const char *net, const char *value)
{
    struct cidr c = { .family = AF_UNSPEC };

    ok(strcmp(net, "all") == 0 || cidr_parse(str_of(net), &c) == CIDR_OK,
       "network %s", net);
    network_set(table, &c, (void *) value);
}


static const char *
find(const char *address)
{
    struct addr_any at;

    if (!addr_parse(str_of(address), &at))
        return "no address";
    return network_find(table, &at.sa);
}


static void
test_networks(void)
{
    struct cidr c;

    table = network_table_new(a);
    is_text(find("1.2.3.4"), NULL, "an empty table");
    set("10.0.0.0/8", "ten");
    set("10.1.0.0/16", "ten one");
    set("10.1.2.3", "host");
    set("::/0", "six");
    set("2001:db8::/33", "doc");
    is_text(find("10.255.0.1"), "ten", "the network");
    is_text(find("10.1.255.1"), "ten one", "the longer network");
    is_text(find("10.1.2.3"), "host", "the address itself");
    is_text(find("11.0.0.0"), NULL, "outside of all");
    is_text(find("::ffff:10.1.2.3"), "host", "a mapped address");
    is_text(find("2001:db8:7fff::1"), "doc", "within 33 bits");
    is_text(find("2001:db8:8000::1"), "six", "outside of 33 bits");

    cidr_parse(STR("10.1.0.0/16"), &c);
    ok(network_remove(table, &c), "taken out");
    ok(!network_remove(table, &c), "... once");
    is_text(find("10.1.255.1"), "ten", "the shorter one holds again");
    set("all", "all");
    is_text(find("11.0.0.0"), "all", "all addresses");
}


static void
test_ranges(void)
{
    char value[] = "range", whole[] = "whole";

    table = network_table_new(a);
    is_text(network_set_range(table, 0x0a000005, 0x0a00034d, value), NULL,
            "a range");
    is_text(find("10.0.0.4"), NULL, "before it");
    is_text(find("10.0.0.5"), "range", "its first address");
    is_text(find("10.0.2.200"), "range", "within");
    is_text(find("10.0.3.77"), "range", "its last address");
    is_text(find("10.0.3.78"), NULL, "behind it");
    is_text(network_set_range(table, 0x0a000005, 0x0a00034d, value), "range",
            "the same again");
    network_set_range(table, 0, UINT32_MAX, whole);
    is_text(find("255.255.255.255"), "whole", "all addresses");
    is_text(find("10.0.0.5"), "range", "... but for the narrower range");
}


static const char *
forwarded(const char *from, const char *value, bool is_recursive)
{
    static char     text[ADDR_TEXT];
    struct cidrs    trusted = { .list = { NULL, 0, 0 } };
    struct addr_any at;
    size_t          n;

    cidr_parse(STR("10.0.0.0/8"), vec_push(a, &trusted.list));
    cidr_parse(STR("fd00::/8"), vec_push(a, &trusted.list));
    addr_parse(str_of(from), &at);
    if (!forwarded_addr(&at, str_of(value), &trusted, is_recursive))
        return "as it was";
    n = addr_text(text, &at.sa, at.len, false);
    text[n] = '\0';
    return text;
}


static void
test_forwarded(void)
{
    is_text(forwarded("10.0.0.1", "1.2.3.4", false), "1.2.3.4", "one");
    is_text(forwarded("9.0.0.1", "1.2.3.4", false), "as it was",
            "from one that is not trusted");
    is_text(forwarded("10.0.0.1", "1.1.1.1, 2.2.2.2", false), "2.2.2.2",
            "the last");
    is_text(forwarded("10.0.0.1", "1.1.1.1,10.2.2.2", false), "10.2.2.2",
            "not recursive");
    is_text(forwarded("10.0.0.1", "1.1.1.1,10.2.2.2", true), "1.1.1.1",
            "recursive");
    is_text(forwarded("10.0.0.1", "9.9.9.9 , 1.1.1.1 ,10.2.2.2, ", true),
            "1.1.1.1", "blanks and commas");
    is_text(forwarded("10.0.0.1", "10.1.1.1,10.2.2.2", true), "10.1.1.1",
            "all of them trusted");
    is_text(forwarded("10.0.0.1", "junk, 10.2.2.2", true), "10.2.2.2",
            "up to what is no address");
    is_text(forwarded("10.0.0.1", "junk", true), "as it was", "no address");
    is_text(forwarded("10.0.0.1", "", true), "as it was", "nothing");
    is_text(forwarded("10.0.0.1", " , ", true), "as it was", "next to nothing");
    is_text(forwarded("10.0.0.1", "1.2.3.4:80", false), "1.2.3.4", "a port");
    is_text(forwarded("fd00::1", "[2001:db8::1]:80", false), "2001:db8::1",
            "IPv6 with a port");
    is_text(forwarded("fd00::1", "2001:db8::1", false), "2001:db8::1", "IPv6");
}


int
main(void)
{
    a = arena_new(0);
    test_networks();
    test_ranges();
    test_forwarded();
    arena_free(a);
    return done();
}
