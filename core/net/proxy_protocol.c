/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PROXY protocol (haproxy.org, proxy-protocol.txt).  A header is consumed
 * only as a whole.  Its contents are not trusted here: that is up to the
 * caller, who knows the peer.
 */
#include "core/net/proxy_protocol.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "core/base/number.h"
#include "core/net/addr.h"

/* "PROXY UNKNOWN ffff:...:ffff ffff:...:ffff 65535 65535\r\n" */
enum { V1_MAX = 107 };

enum { V2_SIGNATURE = 12, V2_HEAD = 16, V2_VERSION = 0x20, V2_MAX = 59 };

enum { TLV_HEAD = 3, TLV_CRC32C = 3 };

enum { COMMAND_PROXY = 1 };
enum { STREAM_IPV4 = 0x11, STREAM_IPV6 = 0x21 };

static const str_t signature = STR_INIT("\r\n\r\n\0\r\nQUIT\n");


/* Whether in begins with prefix, or may do so once there are more bytes. */
static enum parse
match(str_t in, str_t prefix)
{
    if (in.n < prefix.n && str_starts(prefix, in))
        return PARSE_AGAIN;

    return str_starts(in, prefix) ? PARSE_OK : PARSE_BAD;
}


/* An address is only checked for its characters, as in nginx; its family and
 * validity are checked where it is used. */
static bool
copy_address(struct arena *a, str_t text, str_t *out)
{
    size_t i;

    for (i = 0; i < text.n; i++) {
        char c = ascii_lower(text.p[i]);

        if ((c < '0' || c > '9') && (c < 'a' || c > 'f') && c != '.'
            && c != ':')
            return false;
    }
    *out = str_copy(a, text);
    return text.n != 0;
}


static bool
read_port(str_t text, uint16_t *out)
{
    uint64_t n;

    if (!number_parse(text, UINT16_MAX, &n))
        return false;
    *out = (uint16_t) n;
    return true;
}


/* Splits off the word before a space; the last word takes the rest. */
static str_t
take_word(str_t *line)
{
    const char *space = str_chr(*line, ' ');
    str_t       word = *line;

    if (space == NULL) {
        *line = STR_NONE;
        return word;
    }

    word = str_span(line->p, space);
    *line = str_span(space + 1, line->p + line->n);
    return word;
}


/* line has neither CR LF nor "PROXY ".  The two addresses may be of different
 * families: a proxy can use another family towards us than towards its
 * client. */
static bool
parse_v1(struct arena *a, str_t line, struct proxy_protocol *out)
{
    str_t word = take_word(&line), src_port, dst_port;

    if (str_is(word, "UNKNOWN"))
        return true;
    if (!str_is(word, "TCP4") && !str_is(word, "TCP6"))
        return false;
    if (!copy_address(a, take_word(&line), &out->src_addr)
        || !copy_address(a, take_word(&line), &out->dst_addr))
        return false;

    src_port = take_word(&line);
    dst_port = line;

    return read_port(src_port, &out->src_port)
           && read_port(dst_port, &out->dst_port);
}


static enum parse
read_v1(struct arena *a, str_t in, struct proxy_protocol *out, size_t *used)
{
    const char *lf;
    str_t       start = in;
    enum parse  found = match(in, STR("PROXY "));

    if (found != PARSE_OK)
        return found;

    if (start.n > V1_MAX)
        start.n = V1_MAX;

    lf = str_chr(start, '\n');
    if (lf == NULL)
        return in.n >= V1_MAX ? PARSE_BAD : PARSE_AGAIN;
    if (lf[-1] != '\r')
        return PARSE_BAD;

    *used = (size_t) (lf - in.p) + 1;
    start = str_span(in.p + sizeof("PROXY ") - 1, lf - 1);

    return parse_v1(a, start, out) ? PARSE_OK : PARSE_BAD;
}


static uint16_t
read_u16(const char *p)
{
    const unsigned char *u = (const unsigned char *) p;

    return (uint16_t) (u[0] << 8 | u[1]);
}


static str_t
print_address(struct arena *a, int family, const char *binary)
{
    char            text[INET6_ADDRSTRLEN];
    struct in6_addr copy;

    memcpy(&copy, binary, family == AF_INET6 ? 16 : 4);

    if (inet_ntop(family, &copy, text, sizeof(text)) == NULL)
        return STR_NONE;

    return str_copy(a, str_of(text));
}


/* Two addresses of size bytes each, and then two ports. */
static void
read_addresses(struct arena *a, int family, size_t size, const char *p,
               struct proxy_protocol *out)
{
    out->src_addr = print_address(a, family, p);
    out->dst_addr = print_address(a, family, p + size);
    out->src_port = read_u16(p + 2 * size);
    out->dst_port = read_u16(p + 2 * size + 2);
}


/*
 * For anything but TCP (unix sockets, datagrams, unspecified) nothing is kept.
 * Commands other than PROXY, known or not, are ignored, as in nginx; the
 * connection then keeps its own addresses.
 */
static enum parse
parse_v2(struct arena *a, unsigned command, unsigned transport, str_t body,
         struct proxy_protocol *out)
{
    bool   is_four = transport == STREAM_IPV4;
    size_t size = is_four ? 4 : 16, all = 2 * size + 4;

    if (command != COMMAND_PROXY || (!is_four && transport != STREAM_IPV6))
        return PARSE_OK;
    if (body.n < all)
        return PARSE_BAD;

    read_addresses(a, is_four ? AF_INET : AF_INET6, size, body.p, out);
    out->tlvs = str_copy(a, str_from(body, all));
    return PARSE_OK;
}


static enum parse
read_v2(struct arena *a, str_t in, struct proxy_protocol *out, size_t *used)
{
    unsigned   version_command, transport;
    size_t     length;
    enum parse found = match(in, signature);

    if (found != PARSE_OK)
        return found;

    if (in.n > V2_SIGNATURE && (unsigned char) in.p[V2_SIGNATURE] >> 4 != 2)
        return PARSE_BAD;
    if (in.n < V2_HEAD)
        return PARSE_AGAIN;

    version_command = (unsigned char) in.p[V2_SIGNATURE];
    transport = (unsigned char) in.p[V2_SIGNATURE + 1];
    length = read_u16(in.p + V2_SIGNATURE + 2);

    if (V2_HEAD + length > PROXY_PROTOCOL_MAX)
        return PARSE_BAD;
    if (in.n < V2_HEAD + length)
        return PARSE_AGAIN;

    *used = V2_HEAD + length;

    return parse_v2(a, version_command & 0x0f, transport,
                    (str_t){ in.p + V2_HEAD, length }, out);
}


enum parse
proxy_protocol_parse(struct arena *a, str_t in, struct proxy_protocol *out,
                     size_t *used)
{
    *out = (struct proxy_protocol){ .src_port = 0 };
    *used = 0;

    if (in.n == 0)
        return PARSE_AGAIN;

    return in.p[0] == '\r' ? read_v2(a, in, out, used)
                           : read_v1(a, in, out, used);
}


static bool
is_tcp(const struct sockaddr *sa)
{
    return sa->sa_family == AF_INET || sa->sa_family == AF_INET6;
}


str_t
proxy_protocol_v1(struct arena *a, const struct sockaddr *src,
                  const struct sockaddr *dst)
{
    char from[ADDR_TEXT], to[ADDR_TEXT];
    int  n_from, n_to;

    if (!is_tcp(src) || !is_tcp(dst))
        return STR("PROXY UNKNOWN\r\n");

    n_from = (int) addr_text(from, src, sizeof(struct sockaddr_in6), false);
    n_to = (int) addr_text(to, dst, sizeof(struct sockaddr_in6), false);
    return arena_printf(a, "PROXY TCP%c %.*s %.*s %u %u\r\n",
                        src->sa_family == AF_INET ? '4' : '6', n_from, from,
                        n_to, to, addr_port(src), addr_port(dst));
}


static char *
put_u16(char *p, unsigned n)
{
    *p++ = (char) (n >> 8);
    *p++ = (char) n;
    return p;
}


/* The 4 or, where is_long, 16 bytes of the address. */
static char *
put_address(char *p, const struct sockaddr *sa, bool is_long)
{
    static const char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1 };

    if (sa->sa_family == AF_INET6) {
        memcpy(p, &((const struct sockaddr_in6 *) (const void *) sa)->sin6_addr,
               16);
        return p + 16;
    }
    if (is_long) {
        memcpy(p, mapped, sizeof(mapped));
        p += sizeof(mapped);
    }
    memcpy(p, &((const struct sockaddr_in *) (const void *) sa)->sin_addr, 4);
    return p + 4;
}


/* CRC-32 with the polynomial of Castagnoli (RFC 9260, appendix A). */
static uint32_t
crc32c(str_t s)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < s.n; i++) {
        crc ^= (unsigned char) s.p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    return ~crc;
}


str_t
proxy_protocol_v2(struct arena *a, const struct sockaddr *src,
                  const struct sockaddr *dst)
{
    bool is_known = is_tcp(src) && is_tcp(dst);
    bool is_long
        = is_known
          && (src->sa_family == AF_INET6 || dst->sa_family == AF_INET6);
    char    *start = arena_bytes(a, V2_MAX), *p = start + V2_HEAD;
    uint32_t crc;

    memcpy(start, signature.p, V2_SIGNATURE);
    start[V2_SIGNATURE] = (char) (V2_VERSION | (is_known ? COMMAND_PROXY : 0));
    start[V2_SIGNATURE + 1] = 0;
    if (is_known) {
        start[V2_SIGNATURE + 1] = is_long ? STREAM_IPV6 : STREAM_IPV4;
        p = put_address(p, src, is_long);
        p = put_address(p, dst, is_long);
        p = put_u16(p, addr_port(src));
        p = put_u16(p, addr_port(dst));
    }
    *p++ = TLV_CRC32C;
    p = put_u16(p, 4);
    memset(p, 0, 4);
    put_u16(start + V2_SIGNATURE + 2, (unsigned) (p + 4 - start - V2_HEAD));
    crc = crc32c(str_span(start, p + 4));
    p = put_u16(p, crc >> 16);
    p = put_u16(p, crc & 0xffff);
    return str_span(start, p);
}


enum parse
proxy_protocol_tlv(str_t tlvs, unsigned type, str_t *value)
{
    size_t n;

    while (tlvs.n != 0) {
        n = tlvs.n >= TLV_HEAD ? read_u16(tlvs.p + 1) : 0;
        if (tlvs.n < TLV_HEAD || tlvs.n - TLV_HEAD < n)
            return PARSE_BAD;
        if ((unsigned char) tlvs.p[0] == type) {
            *value = (str_t){ tlvs.p + TLV_HEAD, n };
            return PARSE_OK;
        }
        tlvs = str_from(tlvs, TLV_HEAD + n);
    }
    return PARSE_END;
}
