/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * glibc returns free memory at the end of its heap to the system once it
 * exceeds 128 kB.  A turn with a few dozen requests allocates and frees that
 * much, which would cost a page fault for each page in every turn.
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


void
memory_trim(void)
{
#ifdef __GLIBC__
    (void) malloc_trim(KEPT);
#endif
}
