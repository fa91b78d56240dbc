/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers of name servers: read whole, cut at every byte, and broken ones.
 */
#include <netinet/in.h>

#include "core/net/dns_answer.h"
#include "t/unit/tap.h"

/* "a.test" is at 12 */
#define HEAD(answers) "\0\1\x81\x80\0\1\0" answers "\0\0\0\0"
#define NAME "\1a\4test\0"
#define QUESTION NAME "\0\1\0\1"
#define A(ttl, address) "\xc0\x0c\0\1\0\1\0\0\0" ttl "\0\4" address
#define AAAA(ttl) \
    "\xc0\x0c\0\x1c\0\1\0\0\0" ttl "\0\x10\0\1\2\3\4\5\6\7\x08\x09\x0a\x0b" \
    "\x0c\x0d\x0e\x0f"
#define CNAME(ttl, size, name) "\xc0\x0c\0\5\0\1\0\0\0" ttl "\0" size name

static const struct {
    const char   *name;
    str_t         packet;
    enum dns_type type;
    int           n; /* -1: broken */
    const char   *alias;
    uint32_t      ttl;
} cases[] = {
    { "one", STR_INIT(HEAD("\1") QUESTION A("\x3c", "\1\2\3\4")), DNS_A, 1, "",
      60 },
    { "two",
      STR_INIT(HEAD("\2") QUESTION A("\x3c", "\1\2\3\4")
                   A("\x05", "\5\6\7\x08")),
      DNS_A, 2, "", 5 },
    { "IPv6", STR_INIT(HEAD("\1") QUESTION AAAA("\x09")), DNS_AAAA, 1, "", 9 },
    { "the other family", STR_INIT(HEAD("\1") QUESTION AAAA("\x09")), DNS_A, 0,
      "", INT32_MAX },
    { "none", STR_INIT(HEAD("\0") QUESTION), DNS_A, 0, "", INT32_MAX },
    { "an alias",
      STR_INIT(HEAD("\1") QUESTION CNAME("\x07", "\x08", "\1B\4test\0")), DNS_A,
      0, "b.test", 7 },
    { "a short alias",
      STR_INIT(HEAD("\1") QUESTION CNAME("\x07", "\4", "\1b\xc0\x0e")), DNS_A,
      0, "b.test", 7 },
    { "an alias and an address",
      STR_INIT(HEAD("\2") QUESTION CNAME("\x07", "\4", "\1b\xc0\x0e")
                   A("\x3c", "\1\2\3\4")),
      DNS_A, 1, "b.test", 7 },
    { "the last of two aliases",
      STR_INIT(HEAD("\2") QUESTION CNAME("\x07", "\4", "\1b\xc0\x0e")
                   CNAME("\x06", "\4", "\1c\xc0\x0e")),
      DNS_A, 0, "c.test", 6 },
    { "an alias with a dot in a label",
      STR_INIT(HEAD("\1") QUESTION CNAME("\x07", "\5", "\3a.b\0")), DNS_A, 0,
      "", 7 },
    { "an alias that points at itself",
      STR_INIT(HEAD("\1") QUESTION CNAME("\x07", "\2", "\xc0\x24")), DNS_A, 0,
      "", 7 },
    { "another class",
      STR_INIT(HEAD("\1") QUESTION "\xc0\x0c\0\1\0\3\0\0\0\x01\0\4\1\2\3\4"),
      DNS_A, 0, "", INT32_MAX },
    { "a TTL that is none",
      STR_INIT(HEAD("\1") QUESTION "\xc0\x0c\0\1\0\1\x80\0\0\0\0\4\1\2\3\4"),
      DNS_A, 1, "", 0 },
    { "an address of three bytes",
      STR_INIT(HEAD("\1") QUESTION "\xc0\x0c\0\1\0\1\0\0\0\x01\0\3\1\2\3"),
      DNS_A, -1, "", 0 },
    { "a long label", STR_INIT(HEAD("\1") "\x40" QUESTION), DNS_A, -1, "", 0 },
    { "no head", STR_INIT("\0\1\x81\x80"), DNS_A, -1, "", 0 },
};


static void
check_case(size_t i)
{
    struct dns_answer found;
    const char       *name = cases[i].name;
    bool good = dns_answer_read(&found, cases[i].packet, cases[i].type);

    is(good, cases[i].n >= 0, "%s: verdict", name);
    if (!good || cases[i].n < 0)
        return;
    is(found.n, cases[i].n, "%s: addresses", name);
    is_str(str_of(found.alias), cases[i].alias, "%s: alias", name);
    is(found.ttl, cases[i].ttl, "%s: TTL", name);
}


/* Copies of their own, so that sanitizers see what is read behind the end. */
static void
check_cuts(size_t i)
{
    struct dns_answer found;
    bool              taken = false;

    for (size_t n = 0; n < cases[i].packet.n; n++) {
        char *copy = malloc(n + (n == 0));

        memcpy(copy, cases[i].packet.p, n);
        taken |= dns_answer_read(&found, (str_t){ copy, n }, cases[i].type);
        free(copy);
    }
    ok(!taken, "%s: cut at every byte", cases[i].name);
}


/* "b.test", and a host that is none. */
static void
check_service(void)
{
    static const char packet[] = HEAD("\3") NAME
        "\0\x21\0\1"
        "\xc0\x0c\0\x21\0\1\0\0\0\x3c\0\x0e\0\1\0\2\x1f\x90\1B\4test\0"
        "\xc0\x0c\0\x21\0\1\0\0\0\5\0\x0a\0\1\0\2\0\x50\1c\xc0\x0e"
        "\xc0\x0c\0\x21\0\1\0\0\0\x3c\0\7\0\1\0\2\0\x50\0";
    str_t             all = { packet, sizeof(packet) - 1 };
    struct dns_answer found;
    bool              taken = false;

    ok(dns_answer_read(&found, all, DNS_SRV), "SRV");
    is(found.n_services, 2, "SRV: hosts");
    is_str(str_of(found.service[0].host), "b.test", "SRV: a host");
    is(found.service[0].port, 8080, "SRV: port");
    is(found.service[0].priority, 1, "SRV: priority");
    is(found.service[0].weight, 2, "SRV: weight");
    is_str(str_of(found.service[1].host), "c.test", "SRV: a short name");
    is(found.ttl, 5, "SRV: the least TTL");
    for (size_t n = 0; n < all.n; n++) {
        char *copy = malloc(n + (n == 0));

        memcpy(copy, packet, n);
        taken |= dns_answer_read(&found, (str_t){ copy, n }, DNS_SRV);
        free(copy);
    }
    ok(!taken, "SRV: cut at every byte");
}


int
main(void)
{
    struct dns_answer found;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_case(i);
        check_cuts(i);
    }
    check_service();
    if (dns_answer_read(&found, cases[1].packet, DNS_A))
        is(memcmp(found.at[1], "\5\6\7\x08", 4), 0, "bytes of an address");
    return done();
}
