/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SipHash-2-4: two rounds for each eight bytes, four at the end.
 */
#include "core/base/siphash.h"

#include <string.h>


static uint64_t
turn(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}


static void
mix(uint64_t v[4], unsigned rounds)
{
    while (rounds-- != 0) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = turn(v[1], 13) ^ v[0];
        v[3] = turn(v[3], 16) ^ v[2];
        v[0] = turn(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = turn(v[1], 17) ^ v[2];
        v[3] = turn(v[3], 21) ^ v[0];
        v[2] = turn(v[2], 32);
    }
}


static void
add(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    mix(v, 2);
    v[0] ^= word;
}


/* At most eight bytes, the first one the lowest. */
static uint64_t
word_of(const char *p, size_t n)
{
    uint64_t word = 0;

    for (size_t i = 0; i < n; i++)
        word |= (uint64_t) (unsigned char) p[i] << 8 * i;
    return word;
}


uint64_t
siphash(const uint64_t seed[2], str_t s)
{
    uint64_t v[4]
        = { seed[0] ^ 0x736f6d6570736575, seed[1] ^ 0x646f72616e646f6d,
            seed[0] ^ 0x6c7967656e657261, seed[1] ^ 0x7465646279746573 };
    size_t at = 0;

    for (; s.n - at >= 8; at += 8)
        add(v, word_of(s.p + at, 8));
    add(v, (uint64_t) s.n << 56 | word_of(s.p + at, s.n - at));
    v[2] ^= 0xff;
    mix(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
