/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cutting addresses to networks, and their texts.
 */
#include "core/net/prefix.h"

#include "core/base/number.h"

enum { MAPPED_AT = 12 };


/* n bytes of an address, and bits of them, which are no more. */
static size_t
cut(char *out, const char *bytes, size_t n, uint8_t bits)
{
    size_t whole = bits / 8;

    memset(out, 0, n);
    memcpy(out, bytes, whole);
    if (bits % 8 != 0)
        out[whole] = (char) (bytes[whole] & 0xff << (8 - bits % 8));
    out[n] = (char) bits;
    return n + 1;
}


size_t
prefix_of(char out[PREFIX_BYTES], const struct sockaddr *sa,
          struct prefix_bits bits)
{
    str_t all = addr_bytes(sa);

    if (sa->sa_family == AF_INET6
        && IN6_IS_ADDR_V4MAPPED((const struct in6_addr *) (const void *) all.p))
        all = str_from(all, MAPPED_AT);
    if (all.n == PREFIX_V4 - 1)
        return cut(out, all.p, all.n, bits.v4);
    if (all.n == PREFIX_V6 - 1)
        return cut(out, all.p, all.n, bits.v6);
    memcpy(out, all.p, all.n);
    return all.n;
}


size_t
prefix_text(char out[PREFIX_TEXT], str_t prefix)
{
    struct addr_any at = { .len = 0 };
    unsigned        bits = prefix.n != 0 ? (uint8_t) prefix.p[prefix.n - 1] : 0;
    size_t          n;

    if (prefix.n == PREFIX_V4 && bits <= 32) {
        at.sa.sa_family = AF_INET;
        memcpy(&at.in4.sin_addr, prefix.p, PREFIX_V4 - 1);
    } else if (prefix.n == PREFIX_V6 && bits <= 128) {
        at.sa.sa_family = AF_INET6;
        memcpy(&at.in6.sin6_addr, prefix.p, PREFIX_V6 - 1);
    } else {
        return 0;
    }
    n = addr_text(out, &at.sa, addr_len(&at.sa), false);
    out[n++] = '/';
    return n + number_put(out + n, bits);
}


size_t
prefix_parse(char out[PREFIX_BYTES], str_t text, struct prefix_bits bits)
{
    bool            has_bits = str_chr(text, '/') != NULL;
    struct addr_any at;
    str_t           rest = text;
    uint64_t        n;

    if (!addr_parse(str_cut(&rest, '/'), &at))
        return 0;
    if (has_bits) {
        if (!number_parse(rest, at.sa.sa_family == AF_INET ? 32 : 128, &n))
            return 0;
        /* Of an IPv4-mapped one only the last 32 bits count. */
        if (n > 32 && n < 96)
            bits.v4 = 0;
        else
            bits.v4 = (uint8_t) (n > 32 ? n - 96 : n);
        bits.v6 = (uint8_t) n;
    }
    return prefix_of(out, &at.sa, bits);
}
