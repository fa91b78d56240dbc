/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whole bodies in the gzip format: igzip for level 1, which is the fastest of
 * all, and libdeflate for the others, one compressor a level and process.
 */
#include "config.h"
#include "core/base/check.h"
#include "modules/filter/deflate.h"
#include "modules/filter/igzip.h"

#ifdef WEIR_HAVE_LIBDEFLATE

#include <libdeflate.h>

enum { LEVELS = 10, WHOLE_WINDOW = 15 };

static struct libdeflate_compressor *compressors[LEVELS];

/* The level of libdeflate that takes no longer than zlib's at the same place,
 * and makes no more of it (of 20 kB of HTML, in microseconds and bytes: zlib 6
 * takes 151 for 5904, libdeflate 7 takes 121 for 5896). */
static const int level_for[LEVELS] = { 0, 1, 1, 1, 5, 6, 7, 7, 8, 9 };


size_t
deflate_whole(int level, int window, str_t in, char *out, size_t n)
{
    struct libdeflate_compressor **c = &compressors[level];
    struct coder_plan              p = { .level = level };

    if (window != WHOLE_WINDOW || (level == 1 && igzip_plan(&p)))
        return 0;
    if (*c == NULL)
        *c = libdeflate_alloc_compressor(level_for[level]);
    return *c != NULL ? libdeflate_gzip_compress(*c, in.p, in.n, out, n) : 0;
}


void
deflate_stop(void)
{
    for (unsigned i = 0; i < LEVELS; i++) {
        libdeflate_free_compressor(compressors[i]);
        compressors[i] = NULL;
    }
}

#else

size_t
deflate_whole(int level, int window, str_t in, char *out, size_t n)
{
    (void) level, (void) window, (void) in, (void) out, (void) n;
    return 0;
}


void
deflate_stop(void)
{
}

#endif
