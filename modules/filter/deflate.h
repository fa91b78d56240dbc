/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The gzip format: which library codes it.  zlib can do everything; ISA-L's
 * igzip is two to three times as fast at the levels 1 to 3, and libdeflate
 * compresses whole bodies faster, and smaller, at all levels.
 */
#pragma once

#include "core/base/str.h"
#include "modules/filter/coder.h"

/* Completes a plan for compression, which has all but codec and kind. */
void deflate_plan(struct coder_plan *p);
/* A plan for decompression. */
void inflate_plan(struct coder_plan *p);
/* Compresses all of in: the bytes put into out, which has room for n; 0: not
 * this one. */
size_t deflate_whole(int level, int window, str_t in, char *out, size_t n);
/* Frees what deflate_whole keeps for the process. */
void deflate_stop(void);
