/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SipHash-2-4: two rounds for each eight bytes, four at the end.
 */
#include "core/base/siphash.h"

#include <endian.h>
#include <string.h>


struct state {
    uint64_t a, b, c, d;
};


static uint64_t
turn(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}


static inline struct state
mix(struct state v)
{
    v.a += v.b;
    v.c += v.d;
    v.b = turn(v.b, 13) ^ v.a;
    v.d = turn(v.d, 16) ^ v.c;
    v.a = turn(v.a, 32);
    v.c += v.b;
    v.a += v.d;
    v.b = turn(v.b, 17) ^ v.c;
    v.d = turn(v.d, 21) ^ v.a;
    v.c = turn(v.c, 32);
    return v;
}


static inline struct state
add(struct state v, uint64_t word)
{
    v.d ^= word;
    v = mix(mix(v));
    v.a ^= word;
    return v;
}


/* Four or eight bytes, the first one the lowest. */
static uint64_t
four(const char *p)
{
    uint32_t word;

    memcpy(&word, p, sizeof(word));
    return le32toh(word);
}


static uint64_t
eight(const char *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof(word));
    return le64toh(word);
}


static uint64_t
byte(const char *p, size_t at)
{
    return (uint64_t) (unsigned char) p[at] << 8 * at;
}


/* Less than eight bytes.  Parts that overlap say the same. */
static uint64_t
rest(const char *p, size_t n)
{
    if (n >= 4)
        return four(p) | four(p + n - 4) << 8 * (n - 4);
    return n != 0 ? byte(p, 0) | byte(p, n / 2) | byte(p, n - 1) : 0;
}


uint64_t
siphash(const uint64_t seed[2], str_t s)
{
    struct state v
        = { seed[0] ^ 0x736f6d6570736575, seed[1] ^ 0x646f72616e646f6d,
            seed[0] ^ 0x6c7967656e657261, seed[1] ^ 0x7465646279746573 };
    size_t at = 0;

    for (; s.n - at >= 8; at += 8)
        v = add(v, eight(s.p + at));
    v = add(v, (uint64_t) s.n << 56 | rest(s.p + at, s.n - at));
    v.c ^= 0xff;
    v = mix(mix(mix(mix(v))));
    return v.a ^ v.b ^ v.c ^ v.d;
}
