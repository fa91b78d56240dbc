/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random bytes from the kernel, unpredictable and independent of this process:
 * for everything that others can see.
 */
#pragma once

#include <stddef.h>

/* n is at most 256; does not fail. */
void random_fill(void *out, size_t n);
