/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CRC-32 half a byte at a time: a table of 16.
 */
#include "core/base/crc32.h"

static const uint32_t table[16] = {
    0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
    0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
    0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
};


uint32_t
crc32_more(uint32_t crc, str_t s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char) s.p[i];

        crc = table[(crc ^ c) & 15] ^ crc >> 4;
        crc = table[(crc ^ (unsigned) c >> 4) & 15] ^ crc >> 4;
    }
    return crc;
}
