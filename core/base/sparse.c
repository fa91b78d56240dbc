/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One pass each way, without tables: pieces are a few kB.
 */
#include "core/base/sparse.h"

#include <string.h>


size_t
sparse_pack(const unsigned char *from, size_t n, unsigned char *out)
{
    static const unsigned char zeroes[SPARSE_WORD];
    unsigned char             *start = out, *group = NULL, *mask;

    for (size_t i = 0; i < n; i += SPARSE_WORD) {
        if (i % SPARSE_GROUP == 0) {
            group = out++;
            *group = 0;
        }
        if (memcmp(from + i, zeroes, SPARSE_WORD) == 0)
            continue;
        *group |= (unsigned char) (1U << (i / SPARSE_WORD % 8));
        mask = out++;
        *mask = 0;
        for (unsigned k = 0; k < SPARSE_WORD; k++)
            if (from[i + k] != 0) {
                *mask |= (unsigned char) (1U << k);
                *out++ = from[i + k];
            }
    }
    return (size_t) (out - start);
}


void
sparse_unpack(const unsigned char *from, unsigned char *out, size_t n)
{
    unsigned char group = 0, mask;

    for (size_t i = 0; i < n; i += SPARSE_WORD) {
        if (i % SPARSE_GROUP == 0)
            group = *from++;
        if (group >> (i / SPARSE_WORD % 8) & 1)
            for (mask = *from++; mask != 0; mask &= (unsigned char) (mask - 1))
                out[i + (unsigned) __builtin_ctz(mask)] = *from++;
    }
}
