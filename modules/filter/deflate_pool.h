/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * States of deflate, which write the format of gzip.  Making one costs more
 * than compressing a small page, so that they are kept for another use.
 */
#pragma once

#include <zlib.h>

struct deflater {
    z_stream         z;
    struct deflater *next;
    int              level;
    int              window; /* bits                                         */
    int              memory; /* as of deflateInit2                           */
};

/* One at its beginning, for about length bytes (-1: not known, or many); a
 * short length takes less than window and memory allow.  NULL without
 * memory. */
struct deflater *deflate_pool_get(int level, int window, int memory,
                                  int64_t length);
void             deflate_pool_put(struct deflater *d);
/* Frees those that nobody uses. */
void             deflate_pool_empty(void);
