/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A reserved range is a mapping without access, which the system neither counts
 * as memory nor writes into a core file; parts of it are replaced (MAP_FIXED).
 */
#include "core/os/range.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { RESERVED = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE };
enum { NOEXEC_SEAL = 8 }; /* MFD_NOEXEC_SEAL of Linux 6.3                    */


/* What may be taken of the addresses that the process is allowed. */
static size_t
allowance(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_AS, &limit) == -1 || limit.rlim_cur == RLIM_INFINITY)
        return SIZE_MAX;
    return (size_t) limit.rlim_cur / 8;
}


void *
range_reserve(size_t *size, size_t least)
{
    size_t most = allowance();
    void  *at = MAP_FAILED;

    errno = ENOMEM;
    for (size_t n = *size; n >= least && at == MAP_FAILED; n /= 2) {
        if (n > most)
            continue;
        at = mmap(NULL, n, PROT_NONE, RESERVED, -1, 0);
        *size = n;
    }
    return at != MAP_FAILED ? at : NULL;
}


bool
range_reserve_at(void *at, size_t size)
{
    void *got;

    if (size > allowance()) {
        errno = ENOMEM;
        return false;
    }
    got = mmap(at, size, PROT_NONE, RESERVED | MAP_FIXED_NOREPLACE, -1, 0);
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


/* Where the system wants to know, it is told that nothing there will be
 * executed; older kernels do not know the flag. */
int
range_file(const char *name, size_t size)
{
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    int      fd = memfd_create(name, flags | NOEXEC_SEAL), error;

    if (fd == -1 && errno == EINVAL)
        fd = memfd_create(name, flags);
    if (fd == -1 || ftruncate(fd, (off_t) size) == 0)
        return fd;
    error = errno;
    close(fd);
    errno = error;
    return -1;
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
