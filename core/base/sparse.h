/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that is mostly zeroes, without them: for each eight words a byte that
 * tells which are not zero, then for each of these a byte that tells which of its
 * bytes are not zero, and these.
 */
#pragma once

#include <stddef.h>

enum { SPARSE_WORD = 8, SPARSE_GROUP = 64 };

/* As long as n bytes can become. */
#define SPARSE_MOST(n) ((n) + (n) / SPARSE_WORD + (n) / SPARSE_GROUP + 2)

/* Returns the bytes that it has become; n is a multiple of SPARSE_WORD. */
size_t sparse_pack(const unsigned char *from, size_t n, unsigned char *out);
/* Into zeroes. */
void sparse_unpack(const unsigned char *from, unsigned char *out, size_t n);
