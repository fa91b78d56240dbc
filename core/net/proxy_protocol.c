/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PROXY protocol (haproxy.org, proxy-protocol.txt).  A header is taken
 * whole or not at all; what it says is only bytes until the caller trusts the
 * peer that sent it.
 */
#include "core/net/proxy_protocol.h"

#include <arpa/inet.h>
#include <netinet/in.h>

/* "PROXY UNKNOWN ffff:...:ffff ffff:...:ffff 65535 65535\r\n" */
enum { V1_MAX = 107 };

enum { V2_SIGNATURE = 12, V2_HEAD = 16 };

enum { COMMAND_PROXY = 1 };
enum { STREAM_IPV4 = 0x11, STREAM_IPV6 = 0x21 };
enum { FAMILY_UNSPEC = 0, FAMILY_IPV4, FAMILY_IPV6, FAMILY_UNIX };

static const str_t signature = STR_INIT("\r\n\r\n\0\r\nQUIT\n");


/* Whether in begins with prefix, or may do so when more bytes come. */
static enum parse
match(str_t in, str_t prefix)
{
    if (in.n < prefix.n && str_starts(prefix, in))
        return PARSE_AGAIN;

    return str_starts(in, prefix) ? PARSE_OK : PARSE_BAD;
}


/* Checks a text address and copies it. */
static bool
copy_address(struct arena *a, int family, str_t text, str_t *out)
{
    char            z[INET6_ADDRSTRLEN];
    struct in6_addr binary;

    if (text.n == 0 || text.n >= sizeof(z))
        return false;

    memcpy(z, text.p, text.n);
    z[text.n] = '\0';

    if (memchr(z, '\0', text.n) != NULL || inet_pton(family, z, &binary) != 1)
        return false;

    *out = str_copy(a, text);
    return true;
}


/* 0 to 65535 without a leading zero. */
static bool
read_port(str_t text, uint16_t *out)
{
    unsigned n = 0;
    size_t   i;

    if (text.n == 0 || text.n > 5 || (text.n > 1 && text.p[0] == '0'))
        return false;

    for (i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        n = n * 10 + (unsigned) (text.p[i] - '0');
    }

    *out = (uint16_t) n;
    return n <= 65535;
}


/* Cuts the word before a space off *line; the last one takes what is left. */
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


/* The line without CR LF and without "PROXY ". */
static bool
parse_v1(struct arena *a, str_t line, struct proxy_protocol *out)
{
    str_t word = take_word(&line), src_port, dst_port;
    int   family;

    if (str_is(word, "UNKNOWN"))
        return true;

    if (str_is(word, "TCP4"))
        family = AF_INET;
    else if (str_is(word, "TCP6"))
        family = AF_INET6;
    else
        return false;

    if (!copy_address(a, family, take_word(&line), &out->src_addr)
        || !copy_address(a, family, take_word(&line), &out->dst_addr))
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


/* The bytes that a family's addresses take: body has to have them. */
static size_t
addresses_size(unsigned transport)
{
    switch (transport >> 4) {
    case FAMILY_IPV4:
        return 12;
    case FAMILY_IPV6:
        return 36;
    case FAMILY_UNIX:
        return 216;
    default:
        return 0;
    }
}


/*
 * Unix sockets and datagrams have no text that $proxy_protocol_addr could
 * give: the connection keeps its own addresses, but has the TLVs.  Commands
 * other than PROXY tell nothing of it, known or not, as nginx has it.
 */
static enum parse
parse_v2(struct arena *a, unsigned command, unsigned transport, str_t body,
         struct proxy_protocol *out)
{
    size_t size = addresses_size(transport);

    if (command != COMMAND_PROXY)
        return PARSE_OK;
    if (body.n < size)
        return PARSE_BAD;

    if (transport == STREAM_IPV4)
        read_addresses(a, AF_INET, 4, body.p, out);
    else if (transport == STREAM_IPV6)
        read_addresses(a, AF_INET6, 16, body.p, out);

    if (transport >> 4 != FAMILY_UNSPEC)
        out->tlvs = str_copy(a, str_from(body, size));

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


str_t
proxy_protocol_v1(struct arena *a, const struct sockaddr *src,
                  const struct sockaddr *dst)
{
    const struct sockaddr_in  *src4, *dst4;
    const struct sockaddr_in6 *src6, *dst6;
    char                       from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];

    if (src->sa_family == AF_INET && dst->sa_family == AF_INET) {
        src4 = (const struct sockaddr_in *) (const void *) src;
        dst4 = (const struct sockaddr_in *) (const void *) dst;
        inet_ntop(AF_INET, &src4->sin_addr, from, sizeof(from));
        inet_ntop(AF_INET, &dst4->sin_addr, to, sizeof(to));
        return arena_printf(a, "PROXY TCP4 %s %s %u %u\r\n", from, to,
                            ntohs(src4->sin_port), ntohs(dst4->sin_port));
    }

    if (src->sa_family == AF_INET6 && dst->sa_family == AF_INET6) {
        src6 = (const struct sockaddr_in6 *) (const void *) src;
        dst6 = (const struct sockaddr_in6 *) (const void *) dst;
        inet_ntop(AF_INET6, &src6->sin6_addr, from, sizeof(from));
        inet_ntop(AF_INET6, &dst6->sin6_addr, to, sizeof(to));
        return arena_printf(a, "PROXY TCP6 %s %s %u %u\r\n", from, to,
                            ntohs(src6->sin6_port), ntohs(dst6->sin6_port));
    }

    return STR("PROXY UNKNOWN\r\n");
}


str_t
proxy_protocol_tlv(const struct proxy_protocol *pp, unsigned type)
{
    str_t  rest = pp->tlvs;
    size_t n;

    while (rest.n >= 3) {
        n = read_u16(rest.p + 1);
        if (n > rest.n - 3)
            break;
        if ((unsigned char) rest.p[0] == type)
            return (str_t){ rest.p + 3, n };
        rest = str_from(rest, 3 + n);
    }

    return STR_NONE;
}
