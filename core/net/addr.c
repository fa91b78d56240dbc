/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Socket addresses and networks: their texts, comparison and matching.
 */
#include "core/net/addr.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "core/base/number.h"

enum { V4 = 4, V6 = 16, MAPPED_AT = 12 };


static const struct sockaddr_in *
in4_of(const struct sockaddr *sa)
{
    return (const struct sockaddr_in *) (const void *) sa;
}


static const struct sockaddr_in6 *
in6_of(const struct sockaddr *sa)
{
    return (const struct sockaddr_in6 *) (const void *) sa;
}


static char *
put_octet(char *p, unsigned n)
{
    if (n >= 100)
        *p++ = (char) ('0' + n / 100);
    if (n >= 10)
        *p++ = (char) ('0' + n / 10 % 10);
    *p++ = (char) ('0' + n % 10);
    return p;
}


static size_t
put_in4(char *out, const struct sockaddr_in *in)
{
    uint32_t n = ntohl(in->sin_addr.s_addr);
    char    *p = put_octet(out, n >> 24);

    *p++ = '.';
    p = put_octet(p, n >> 16 & 255);
    *p++ = '.';
    p = put_octet(p, n >> 8 & 255);
    *p++ = '.';
    return (size_t) (put_octet(p, n & 255) - out);
}


static size_t
put_port(char *out, uint16_t port)
{
    out[0] = ':';
    return 1 + number_put(out + 1, ntohs(port));
}


static size_t
put_in6(char *out, const struct sockaddr_in6 *in, bool with_port)
{
    char   text[INET6_ADDRSTRLEN];
    size_t n;

    if (inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof(text)) == NULL)
        return 0;
    n = strlen(text);
    if (!with_port) {
        memcpy(out, text, n);
        return n;
    }
    out[0] = '[';
    memcpy(out + 1, text, n);
    out[n + 1] = ']';
    return n + 2 + put_port(out + n + 2, in->sin6_port);
}


static size_t
put_unix(char *out, const struct sockaddr *sa, socklen_t len)
{
    size_t      at = offsetof(struct sockaddr_un, sun_path), n = 0;
    const char *path = (const char *) sa + at;

    memcpy(out, "unix:", 5);
    if (len > at)
        n = strnlen(path, len - at);
    if (n > sizeof(((struct sockaddr_un *) 0)->sun_path))
        n = sizeof(((struct sockaddr_un *) 0)->sun_path);
    memcpy(out + 5, path, n);
    return 5 + n;
}


size_t
addr_text(char *out, const struct sockaddr *sa, socklen_t len, bool with_port)
{
    size_t n;

    switch (sa->sa_family) {
    case AF_INET:
        n = put_in4(out, in4_of(sa));
        return with_port ? n + put_port(out + n, in4_of(sa)->sin_port) : n;
    case AF_INET6:
        return put_in6(out, in6_of(sa), with_port);
    case AF_UNIX:
        return put_unix(out, sa, len);
    default:
        return 0;
    }
}


unsigned
addr_port(const struct sockaddr *sa)
{
    switch (sa->sa_family) {
    case AF_INET:
        return ntohs(in4_of(sa)->sin_port);
    case AF_INET6:
        return ntohs(in6_of(sa)->sin6_port);
    default:
        return 0;
    }
}


void
addr_set_port(struct sockaddr *sa, unsigned port)
{
    if (sa->sa_family == AF_INET)
        ((struct sockaddr_in *) (void *) sa)->sin_port = htons((uint16_t) port);
    else if (sa->sa_family == AF_INET6)
        ((struct sockaddr_in6 *) (void *) sa)->sin6_port
            = htons((uint16_t) port);
}


socklen_t
addr_len(const struct sockaddr *sa)
{
    switch (sa->sa_family) {
    case AF_INET:
        return sizeof(struct sockaddr_in);
    case AF_INET6:
        return sizeof(struct sockaddr_in6);
    default:
        return sizeof(struct sockaddr_un);
    }
}


bool
addr_same(const struct sockaddr *a, const struct sockaddr *b, bool with_port)
{
    if (a->sa_family != b->sa_family)
        return false;
    if (a->sa_family == AF_UNIX) {
        const struct sockaddr_un *x = (const void *) a, *y = (const void *) b;

        return strncmp(x->sun_path, y->sun_path, sizeof(x->sun_path)) == 0;
    }
    if (with_port && addr_port(a) != addr_port(b))
        return false;
    return str_eq(addr_bytes(a), addr_bytes(b));
}


str_t
addr_bytes(const struct sockaddr *sa)
{
    switch (sa->sa_family) {
    case AF_INET:
        return (str_t){ (const char *) &in4_of(sa)->sin_addr, V4 };
    case AF_INET6:
        return (str_t){ (const char *) &in6_of(sa)->sin6_addr, V6 };
    case AF_UNIX:
        return STR("unix:");
    default:
        return STR_NONE;
    }
}


bool
addr_is_loopback(const struct sockaddr *sa)
{
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *) sa;
    const struct sockaddr_in  *in = (const struct sockaddr_in *) sa;

    if (sa->sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
    return sa->sa_family == AF_INET
           && ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}


bool
addr_is_wildcard(const struct sockaddr *sa)
{
    static const char zeros[V6];
    str_t             bytes = addr_bytes(sa);

    return sa->sa_family != AF_UNIX && bytes.n != 0
           && memcmp(bytes.p, zeros, bytes.n) == 0;
}


/* Four decimal numbers, also with leading zeros, which inet_pton does not
 * accept. */
static bool
parse_ip4(str_t text, unsigned char *out)
{
    uint64_t octet;

    for (unsigned i = 0; i < V4; i++) {
        if (text.p == NULL || !number_parse(str_cut(&text, '.'), 255, &octet))
            return false;
        out[i] = (unsigned char) octet;
    }
    return text.p == NULL;
}


/* inet_pton needs a NUL. */
static bool
parse_bytes(int family, str_t text, void *out)
{
    char z[INET6_ADDRSTRLEN];

    if (family == AF_INET)
        return parse_ip4(text, out);
    if (text.n == 0 || text.n >= sizeof(z) || str_chr(text, '\0'))
        return false;
    memcpy(z, text.p, text.n);
    z[text.n] = '\0';
    return inet_pton(family, z, out) == 1;
}


bool
addr_parse(str_t text, struct addr_any *out)
{
    memset(out, 0, sizeof(*out));
    if (parse_bytes(AF_INET, text, &out->in4.sin_addr)) {
        out->in4.sin_family = AF_INET;
        out->len = sizeof(out->in4);
        return true;
    }
    if (text.n > 2 && text.p[0] == '[' && text.p[text.n - 1] == ']')
        text = (str_t){ text.p + 1, text.n - 2 };
    if (parse_bytes(AF_INET6, text, &out->in6.sin6_addr)) {
        out->in6.sin6_family = AF_INET6;
        out->len = sizeof(out->in6);
        return true;
    }
    return false;
}


/* Sets the first bits of the mask, and clears the other bits of the address;
 * false if one of those was set. */
static bool
apply_mask(struct cidr *c, size_t size, unsigned bits)
{
    bool is_clean = true;

    for (size_t i = 0; i < size; i++) {
        unsigned here = bits >= 8 ? 8 : bits;

        c->mask[i] = (unsigned char) (0xff00u >> here);
        is_clean &= (c->addr[i] & ~c->mask[i]) == 0;
        c->addr[i] &= c->mask[i];
        bits -= here;
    }
    return is_clean;
}


enum cidr_verdict
cidr_parse(str_t text, struct cidr *out)
{
    str_t    bits_text = text, addr = str_cut(&bits_text, '/');
    uint64_t bits;
    size_t   size;

    memset(out, 0, sizeof(*out));
    if (str_is(text, "unix:")) {
        out->family = AF_UNIX;
        return CIDR_OK;
    }
    if (parse_bytes(AF_INET, addr, out->addr)) {
        out->family = AF_INET;
        size = V4;
    } else if (parse_bytes(AF_INET6, addr, out->addr)) {
        out->family = AF_INET6;
        size = V6;
    } else {
        return CIDR_BAD;
    }
    bits = size * 8;
    if (bits_text.p != NULL && !number_parse(bits_text, size * 8, &bits))
        return CIDR_BAD;
    return apply_mask(out, size, (unsigned) bits) ? CIDR_OK : CIDR_LOW_BITS;
}


struct cidr
cidr_of(const struct sockaddr *sa)
{
    struct cidr net = { .family = sa->sa_family };
    str_t       bytes = addr_bytes(sa);

    if (net.family == AF_UNIX)
        return net;
    memcpy(net.addr, bytes.p, bytes.n);
    memset(net.mask, 0xff, bytes.n);
    return net;
}


static bool
match_bytes(const struct cidr *c, const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((p[i] & c->mask[i]) != c->addr[i])
            return false;
    return true;
}


bool
cidr_match(const struct cidr *c, const struct sockaddr *sa)
{
    str_t                bytes = addr_bytes(sa);
    const unsigned char *p = (const unsigned char *) bytes.p;

    if (c->family == AF_UNSPEC)
        return true;
    if (c->family == AF_INET && sa->sa_family == AF_INET6)
        return IN6_IS_ADDR_V4MAPPED(&in6_of(sa)->sin6_addr)
               && match_bytes(c, p + MAPPED_AT, V4);
    if (c->family != sa->sa_family)
        return false;
    return c->family == AF_UNIX || match_bytes(c, p, bytes.n);
}
