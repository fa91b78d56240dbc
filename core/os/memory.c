/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The GNU library gives back what is free at the end of its heap beyond
 * 128 kB, which a turn with a few dozen requests takes and leaves: a page
 * fault for each page in every turn.
 */
#include "core/os/memory.h"

#include <stdlib.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

enum { KEPT = 2 * 1024 * 1024, OWN_MAPPING = 1024 * 1024 };


void
memory_init(void)
{
#ifdef __GLIBC__
    mallopt(M_TRIM_THRESHOLD, KEPT);
    mallopt(M_MMAP_THRESHOLD, OWN_MAPPING);
#endif
}
