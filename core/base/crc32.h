/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CRC-32 (IEEE 802.3) for hashing; small rather than fast.
 */
#pragma once

#include "core/base/str.h"

/* In steps: crc32_end(crc32_more(crc32_more(CRC32_START, a), b)). */
#define CRC32_START 0xffffffffu
uint32_t crc32_more(uint32_t crc, str_t s);

static inline uint32_t
crc32_end(uint32_t crc)
{
    return crc ^ 0xffffffffu;
}

static inline uint32_t
crc32_of(str_t s)
{
    return crc32_end(crc32_more(CRC32_START, s));
}
