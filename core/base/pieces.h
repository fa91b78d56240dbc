/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small pieces of memory that are taken and given back in bunches, for libraries
 * that ask for one at a time: those that are free are kept for the next one, by
 * size, which is more than malloc has at hand.  Otherwise they are malloc's: they
 * may be given to free and realloc.  Of the process; not for threads.
 */
#pragma once

#include <stddef.h>

/* n bytes, aligned as malloc's; or NULL. */
void *pieces_get(size_t n);
/* p may be NULL, or any of malloc's. */
void pieces_put(void *p);
