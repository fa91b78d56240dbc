/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A reserved range is a mapping without access, which the system neither counts
 * as memory nor writes into a core file; parts of it are replaced (MAP_FIXED).
 */
#include "core/os/range.h"

#include <errno.h>
#include <sys/mman.h>

enum { RESERVED = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE };


void *
range_reserve(size_t *size, size_t least)
{
    size_t n = *size;
    void  *at;

    for (;; n /= 2) {
        if (n < least)
            n = least;
        at = mmap(NULL, n, PROT_NONE, RESERVED, -1, 0);
        if (at != MAP_FAILED || n == least)
            break;
    }
    if (at == MAP_FAILED)
        return NULL;
    *size = n;
    return at;
}


bool
range_reserve_at(void *at, size_t size)
{
    void *got
        = mmap(at, size, PROT_NONE, RESERVED | MAP_FIXED_NOREPLACE, -1, 0);

    if (got == MAP_FAILED)
        return false;
    if (got == at)
        return true;
    munmap(got, size); /* a kernel before 4.17 takes it as a hint */
    errno = EEXIST;
    return false;
}


void
range_release(void *at, size_t size)
{
    munmap(at, size);
}


bool
range_map(void *at, size_t size, int fd, int how)
{
    return mmap(at, size, PROT_READ | PROT_WRITE, how | MAP_FIXED, fd, 0)
           != MAP_FAILED;
}


bool
range_unmap(void *at, size_t size)
{
    return mmap(at, size, PROT_NONE, RESERVED | MAP_FIXED, -1, 0) != MAP_FAILED;
}
