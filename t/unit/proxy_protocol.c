/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PROXY headers: each whole, and cut at every byte.
 */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "core/net/proxy_protocol.h"
#include "t/unit/tap.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define NINE "\0\0\0\0\0\0\0\0\0"
#define UNIX_PATHS \
    NINE NINE NINE NINE NINE NINE NINE NINE NINE NINE NINE NINE NINE NINE NINE \
        NINE NINE NINE NINE NINE NINE NINE NINE NINE

static const struct {
    const char *name;
    str_t       in;
    size_t      used; /* 0: refused */
    const char *src, *dst;
    uint16_t    src_port, dst_port;
    size_t      tlvs; /* bytes of them */
} cases[] = {
    { "v1 TCP4", STR_INIT("PROXY TCP4 1.2.3.4 5.6.7.8 1000 80\r\nGET"), 36,
      "1.2.3.4", "5.6.7.8", 1000, 80, 0 },
    { "v1 TCP6", STR_INIT("PROXY TCP6 ::1 2001:DB8::2 65535 0\r\n"), 36, "::1",
      "2001:DB8::2", 65535, 0, 0 },
    { "v1 longest",
      STR_INIT("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
               "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
      104, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535, 65535, 0 },
    { "v1 UNKNOWN", STR_INIT("PROXY UNKNOWN\r\nGET"), 15, "", "", 0, 0, 0 },
    { "v1 UNKNOWN and more",
      STR_INIT("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
               "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
      107, "", "", 0, 0, 0 },
    { "v1 no CR", STR_INIT("PROXY TCP4 1.2.3.4 5.6.7.8 1000 80\n"), .used = 0 },
    { "v1 CR inside", STR_INIT("PROXY TCP4 1.2.3.4 5.6.7.8 1000 80\r\r\n"),
      .used = 0 },
    { "v1 lower case", STR_INIT("proxy TCP4 1.2.3.4 5.6.7.8 1000 80\r\n"),
      .used = 0 },
    { "v1 family", STR_INIT("PROXY TCP5 1.2.3.4 5.6.7.8 1000 80\r\n"),
      .used = 0 },
    { "v1 no family", STR_INIT("PROXY \r\n"), .used = 0 },
    { "v1 two families",
      STR_INIT("PROXY TCP6 2001:db8::1 192.0.2.1 51512 22\r\n"), 43,
      "2001:db8::1", "192.0.2.1", 51512, 22, 0 },
    { "v1 another family",
      STR_INIT("PROXY TCP4 ::ffff:1.2.3.4 5.6.7.8 1 2\r\n"), 39,
      "::ffff:1.2.3.4", "5.6.7.8", 1, 2, 0 },
    { "v1 address as text", STR_INIT("PROXY TCP4 1.2.3.400 5.6.7.8 1 2\r\n"),
      34, "1.2.3.400", "5.6.7.8", 1, 2, 0 },
    { "v1 bad address", STR_INIT("PROXY TCP4 x.2.3.4 5.6.7.8 1000 80\r\n"),
      .used = 0 },
    { "v1 two spaces", STR_INIT("PROXY TCP4  1.2.3.4 5.6.7.8 1 80\r\n"),
      .used = 0 },
    { "v1 no port", STR_INIT("PROXY TCP4 1.2.3.4 5.6.7.8 1000\r\n"),
      .used = 0 },
    { "v1 empty port", STR_INIT("PROXY TCP4 1.2.3.4 5.6.7.8 1 \r\n"),
      .used = 0 },
    { "v1 large port", STR_INIT("PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n"),
      .used = 0 },
    { "v1 port zeros", STR_INIT("PROXY TCP4 1.2.3.4 5.6.7.8 01 080\r\n"), 35,
      "1.2.3.4", "5.6.7.8", 1, 80, 0 },
    { "v1 port word", STR_INIT("PROXY TCP4 1.2.3.4 5.6.7.8 1 80x\r\n"),
      .used = 0 },
    { "v1 more words", STR_INIT("PROXY TCP4 1.2.3.4 5.6.7.8 1 80 9\r\n"),
      .used = 0 },
    { "v1 NUL", STR_INIT("PROXY TCP4 1.2.3.4\0 5.6.7.8 1 80\r\n"), .used = 0 },
    { "v1 too long",
      STR_INIT("PROXY UNKNOWN 0000000000000000000000000000000000000000"
               "000000000000000000000000000000000000000000000000000000\r\n"),
      .used = 0 },
    { "a request", STR_INIT("GET / HTTP/1.1\r\n\r\n"), .used = 0 },

    { "v2 IPv4",
      STR_INIT(SIGNATURE "\x21\x11\0\x0c\1\2\3\4\5\6\7\x08"
                         "\x03\xe8\0\x50GET"),
      28, "1.2.3.4", "5.6.7.8", 1000, 80, 0 },
    { "v2 IPv6",
      STR_INIT(SIGNATURE "\x21\x21\0\x24"
                         "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"
                         "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2"
                         "\xff\xff\0\x50"),
      52, "::1", "2001:db8::2", 65535, 80, 0 },
    { "v2 IPv4 and TLVs",
      STR_INIT(SIGNATURE "\x21\x11\0\x14"
                         "\1\2\3\4\5\6\7\x08\0\1\0\2"
                         "\x01\0\x02h2\x04\0\0"),
      36, "1.2.3.4", "5.6.7.8", 1, 2, 8 },
    { "v2 datagrams",
      STR_INIT(SIGNATURE "\x21\x12\0\x0c"
                         "\1\2\3\4\5\6\7\x08\0\1\0\2"),
      28, "", "", 0, 0, 0 },
    { "v2 unix", STR_INIT(SIGNATURE "\x21\x31\0\xdb" UNIX_PATHS "\4\0\0"), 235,
      "", "", 0, 0, 0 },
    { "v2 unix, short", STR_INIT(SIGNATURE "\x21\x31\0\1a"), 17, "", "", 0, 0,
      0 },
    { "v2 LOCAL", STR_INIT(SIGNATURE "\x20\0\0\0GET"), 16, "", "", 0, 0, 0 },
    { "v2 LOCAL and bytes", STR_INIT(SIGNATURE "\x20\x11\0\3abc"), 19, "", "",
      0, 0, 0 },
    { "v2 unspecified", STR_INIT(SIGNATURE "\x21\0\0\2ab"), 18, "", "", 0, 0,
      0 },
    { "v2 IPv4, short",
      STR_INIT(SIGNATURE "\x21\x11\0\x0b"
                         "\1\2\3\4\5\6\7\x08\x03\xe8\0"),
      .used = 0 },
    { "v2 IPv6, short",
      STR_INIT(SIGNATURE "\x21\x21\0\x0c"
                         "\1\2\3\4\5\6\7\x08\x03\xe8\0\1"),
      .used = 0 },
    { "v2 version 1", STR_INIT(SIGNATURE "\x11\x11\0\x0c"), .used = 0 },
    { "v2 command 2",
      STR_INIT(SIGNATURE "\x22\x11\0\x0c"
                         "\1\2\3\4\5\6\7\x08\x03\xe8\0\x50"),
      28, "", "", 0, 0, 0 },
    { "v2 too long", STR_INIT(SIGNATURE "\x21\x11\x0f\xf1"), .used = 0 },
    { "v2 signature", STR_INIT("\r\n\r\n\0\r\nQUIT\r\x21\x11\0\x0c"),
      .used = 0 },
};


static void
check_found(struct arena *a, size_t i)
{
    struct proxy_protocol found;
    const char           *name = cases[i].name;
    size_t                used;
    enum parse verdict = proxy_protocol_parse(a, cases[i].in, &found, &used);

    if (cases[i].used == 0) {
        is(verdict, PARSE_BAD, "%s: is refused", name);
        return;
    }

    is(verdict, PARSE_OK, "%s: is taken", name);
    is(used, cases[i].used, "%s: length", name);
    is_str(found.src_addr, cases[i].src, "%s: source", name);
    is_str(found.dst_addr, cases[i].dst, "%s: destination", name);
    is(found.src_port, cases[i].src_port, "%s: source port", name);
    is(found.dst_port, cases[i].dst_port, "%s: destination port", name);
    is(found.tlvs.n, cases[i].tlvs, "%s: TLVs", name);
}


/* A good header is never refused early nor taken early; a bad one is never
 * taken, and once refused stays so. */
static void
check_cuts(struct arena *a, size_t i)
{
    struct proxy_protocol found;
    enum parse            verdict, wanted;
    bool                  good = true, refused = false;
    size_t                n, used;

    for (n = 0; n <= cases[i].in.n; n++) {
        verdict = proxy_protocol_parse(a, (str_t){ cases[i].in.p, n }, &found,
                                       &used);
        if (cases[i].used == 0) {
            good &= verdict != PARSE_OK && (!refused || verdict == PARSE_BAD);
            refused = verdict == PARSE_BAD;
            continue;
        }
        wanted = n < cases[i].used ? PARSE_AGAIN : PARSE_OK;
        good &= verdict == wanted;
    }

    ok(good, "%s: cut at every byte", cases[i].name);
}


static void
check_tlvs(void)
{
    const str_t all = STR_INIT("\x01\0\x02h2\x02\0\0\x05\0\x03"
                               "abc\x01\0\x01x\xee\0\x09no");
    const str_t whole = { all.p, all.n - 5 };
    str_t       found = STR_NONE;

    is(proxy_protocol_tlv(all, 1, &found), PARSE_OK, "a TLV");
    is_str(found, "h2", "the first of a type");
    is(proxy_protocol_tlv(all, 5, &found), PARSE_OK, "another TLV");
    is_str(found, "abc", "one behind an empty one");
    is(proxy_protocol_tlv(all, 2, &found), PARSE_OK, "an empty one is there");
    is(found.n, 0, "and is empty");
    is(proxy_protocol_tlv(all, 0xee, &found), PARSE_BAD, "one that is cut");
    is(proxy_protocol_tlv(all, 3, &found), PARSE_BAD, "one behind it");
    is(proxy_protocol_tlv(whole, 3, &found), PARSE_END, "one that is missing");
    is(proxy_protocol_tlv((str_t){ all.p, 2 }, 1, &found), PARSE_BAD,
       "half a head");
    is(proxy_protocol_tlv(STR_NONE, 1, &found), PARSE_END, "none at all");
}


static void
check_written(struct arena *a)
{
    struct sockaddr_in  v4 = { .sin_family = AF_INET, .sin_port = htons(81) };
    struct sockaddr_in6 v6
        = { .sin6_family = AF_INET6, .sin6_port = htons(82) };
    struct sockaddr        local = { .sa_family = AF_UNIX };
    struct proxy_protocol  found;
    const struct sockaddr *p4 = (const struct sockaddr *) (const void *) &v4;
    const struct sockaddr *p6 = (const struct sockaddr *) (const void *) &v6;
    size_t                 used;
    str_t                  line;

    inet_pton(AF_INET, "10.0.0.1", &v4.sin_addr);
    inet_pton(AF_INET6, "fe80::1", &v6.sin6_addr);

    is_str(proxy_protocol_v1(a, p4, p4),
           "PROXY TCP4 10.0.0.1 10.0.0.1 81 81\r\n", "IPv4 is written");
    line = proxy_protocol_v1(a, p6, p6);
    is_str(line, "PROXY TCP6 fe80::1 fe80::1 82 82\r\n", "IPv6 is written");
    is_str(proxy_protocol_v1(a, p4, p6),
           "PROXY TCP4 10.0.0.1 fe80::1 81 82\r\n", "two families");
    is_str(proxy_protocol_v1(a, p6, p4),
           "PROXY TCP6 fe80::1 10.0.0.1 82 81\r\n", "and the other way");
    is_str(proxy_protocol_v1(a, &local, p4), "PROXY UNKNOWN\r\n",
           "a unix socket is unknown");
    is(proxy_protocol_parse(a, line, &found, &used), PARSE_OK,
       "what is written can be read");
    is_str(found.src_addr, "fe80::1", "and says the same");

    line = proxy_protocol_v2(a, p4, p4);
    is(line.n, 16 + 12 + 7, "version 2 of IPv4");
    ok(memcmp(line.p + 12,
              "\x21\x11\0\x13\x0a\0\0\1\x0a\0\0\1\0\x51\0\x51"
              "\3\0\4\x9e\x2a\x55\xfa",
              23)
           == 0,
       "its bytes, with the checksum");
    is(proxy_protocol_parse(a, line, &found, &used), PARSE_OK, "can be read");
    is_str(found.src_addr, "10.0.0.1", "and says the same");
    is(used, line.n, "all of it");
    line = proxy_protocol_v2(a, p4, p6);
    is(proxy_protocol_parse(a, line, &found, &used), PARSE_OK, "two families");
    is_str(found.src_addr, "::ffff:10.0.0.1", "... are both IPv6");
    is_str(found.dst_addr, "fe80::1", "... of this side");
    line = proxy_protocol_v2(a, &local, p4);
    is(proxy_protocol_parse(a, line, &found, &used), PARSE_OK, "a unix socket");
    ok(found.src_addr.p == NULL && line.n == 23 && line.p[12] == 0x20,
       "... is LOCAL");
}


int
main(void)
{
    struct arena *a = arena_new(0);
    size_t        i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_found(a, i);
        check_cuts(a, i);
    }

    check_tlvs();
    check_written(a);
    arena_free(a);
    return done();
}
