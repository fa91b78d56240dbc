/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random bytes of the kernel, which tell nothing of this process and that
 * nobody can foresee: for what is shown to others.
 */
#pragma once

#include <stddef.h>

/* n is at most 256; does not fail. */
void random_fill(void *out, size_t n);
