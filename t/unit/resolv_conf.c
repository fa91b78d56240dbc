/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files by which a system looks names up.
 */
#include "core/net/resolv_conf.h"
#include "t/unit/tap.h"


static str_t
servers(struct arena *a, const struct resolv_conf *c)
{
    str_t all = STR("");

    for (size_t i = 0; i < c->n_servers; i++) {
        char   text[ADDR_TEXT];
        size_t n = addr_text(text, &c->servers[i].sa, c->servers[i].len, true);

        all = str_join3(a, all, (str_t){ text, n }, STR(" "));
    }
    return all;
}


static str_t
names(struct arena *a, const char *conf, const char *name)
{
    struct resolv_conf c;
    str_t             *found, all = STR("");
    size_t             n;

    resolv_conf_read(str_of(conf), &c);
    n = resolv_conf_names(a, &c, str_of(name), &found);
    for (size_t i = 0; i < n; i++)
        all = str_join3(a, all, found[i], STR(" "));
    return all;
}


static void
check_conf(struct arena *a)
{
    struct resolv_conf c;

    resolv_conf_read(STR(""), &c);
    is_str(servers(a, &c), "127.0.0.1:53 ", "no server: this machine");
    is(c.ndots, 1, "ndots");
    is(c.timeout * c.attempts, 10, "timeout and attempts");
    resolv_conf_read(
        STR("# nameserver 9.9.9.9\n  nameserver\t10.0.0.1 # one\r\n"
            "nameserver fe80::1%eth0\nnameserver x\nnonsense\n"
            "nameserver\noptions ndots:99 timeout:0 rotate edns0\n"
            "options attempts:3 ndots:x"),
        &c);
    is_str(servers(a, &c), "10.0.0.1:53 [fe80::1]:53 ", "servers");
    is(c.ndots, 15, "no more dots");
    is(c.timeout, 1, "no less time");
    is(c.attempts, 3, "a last line without an end");
    ok(c.rotates, "rotate");
    resolv_conf_read(STR("nameserver 1.1.1.1\nnameserver 1.1.1.2\n"
                         "nameserver 1.1.1.3\nnameserver 1.1.1.4\n"
                         "nameserver 1.1.1.5\nnameserver 1.1.1.6\n"
                         "nameserver 1.1.1.7\nnameserver 1.1.1.8\n"
                         "nameserver 1.1.1.9\n"),
                     &c);
    is(c.n_servers, RESOLV_SERVERS_MAX, "not more");
}


static void
check_search(struct arena *a)
{
    is_str(names(a, "", "db"), "db ", "no search");
    is_str(names(a, "search a.b c.\n", "db"), "db.a.b db.c db ", "search");
    is_str(names(a, "search a.b c.\n", "db.x"), "db.x db.x.a.b db.x.c ",
           "a dot is enough");
    is_str(names(a, "search a\noptions ndots:2\n", "db.x"), "db.x.a db.x ",
           "or not");
    is_str(names(a, "search a\n", "db."), "db ", "a whole name");
    is_str(names(a, "search a b\ndomain c d\n", "db"), "db.c db ",
           "the last one counts");
}


static str_t
host(struct arena *a, const char *text, const char *name)
{
    struct addr_any found[HOSTS_ADDRESSES_MAX];
    size_t          n = hosts_find(str_of(text), str_of(name), found);
    str_t           all = STR("");

    for (size_t i = 0; i < n; i++) {
        char digits[ADDR_TEXT];

        all = str_join3(a, all,
                        (str_t){ digits, addr_text(digits, &found[i].sa,
                                                   found[i].len, false) },
                        STR(" "));
    }
    return all;
}


static void
check_hosts(struct arena *a)
{
    const char *text = "127.0.0.1 localhost # web\n::1\tlocalhost ip6\n"
                       "10.0.0.1 web.test Web\n# 10.0.0.2 web\nx web\n10.0.0.3";

    is_str(host(a, text, "localhost"), "127.0.0.1 ::1 ", "two lines");
    is_str(host(a, text, "WEB"), "10.0.0.1 ", "an alias, in any case");
    is_str(host(a, text, "web."), "10.0.0.1 ", "with a dot at the end");
    is_str(host(a, text, "we"), "", "a part of a name");
    is_str(host(a, text, ""), "", "no name");
}


int
main(void)
{
    struct arena *a = arena_new(0);

    check_conf(a);
    check_search(a);
    check_hosts(a);
    arena_free(a);
    return done();
}
