/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deflate states that write the gzip format.  Creating one costs more than
 * compressing a small page, so they are reused.
 */
#pragma once

#include <zlib.h>

struct deflater {
    z_stream         z;
    struct deflater *next;
    int              level;
    int              window; /* bits                                         */
    int              memory; /* memLevel of deflateInit2                     */
};

/* A state ready for a new stream of about length bytes (-1: unknown, or many).
 * A short stream gets less than window and memory allow.  NULL without
 * memory. */
struct deflater *deflate_pool_get(int level, int window, int memory,
                                  int64_t length);
void             deflate_pool_put(struct deflater *d);
/* Frees the idle ones. */
void             deflate_pool_empty(void);
