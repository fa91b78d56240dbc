/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables of networks, and addresses as proxies forward them.
 */
#include "core/expr/network.h"
#include "core/expr/ranges.h"
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


static const char *
find_in(const struct ranges *r, const char *text)
{
    struct addr_any at;

    addr_parse(str_of(text), &at);
    return ranges_find(r, &at.sa);
}


static void
test_ranges(void)
{
    char               one[] = "one", two[] = "two";
    struct ranges     *r = ranges_new(a);
    struct range_other other;

    is(ranges_set(r, 0x0a000005, 0x0a02034d, one, &other), RANGE_SET,
       "a range");
    is_text(find_in(r, "10.0.0.4"), NULL, "before it");
    is_text(find_in(r, "10.0.0.5"), "one", "its first address");
    is_text(find_in(r, "10.1.2.200"), "one", "within");
    is_text(find_in(r, "::ffff:10.2.3.77"), "one", "its last address");
    is_text(find_in(r, "10.2.3.78"), NULL, "behind it");
    is_text(find_in(r, "2001:db8::1"), NULL, "IPv6");
    ok(ranges_set(r, 0x0a000005, 0x0a02034d, two, &other) == RANGE_REPLACED
           && other.value == one,
       "the same again");
    is(ranges_set(r, 0x0a010010, 0x0a010020, one, &other), RANGE_SET,
       "a range in it");
    is_text(find_in(r, "10.1.0.15"), "two", "it is cut: before");
    is_text(find_in(r, "10.1.0.16"), "one", "... there");
    is_text(find_in(r, "10.1.0.33"), "two", "... behind");
    ok(ranges_set(r, 0x0a01001f, 0x0a010021, one, &other) == RANGE_CLASH
           && other.first == 0x0a010021 && other.last == 0x0a01ffff,
       "a range that overlaps");
    ok(!ranges_remove(r, 0x0a010010, 0x0a01001f), "part of a range");
    ok(ranges_remove(r, 0x0a010010, 0x0a010020), "a range is taken out");
    ok(!ranges_remove(r, 0x0a010010, 0x0a010020), "... once");
    is_text(find_in(r, "10.1.0.16"), NULL, "... and leaves nothing");
    ok(ranges_remove(r, 0x0a000005, 0x0a00ffff), "its first piece");
    is_text(find_in(r, "10.0.0.5"), NULL, "... is gone");
    ranges_set(r, UINT32_MAX, UINT32_MAX, one, &other);
    is_text(find_in(r, "255.255.255.255"), "one", "the last address");
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
