/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ranges of addresses: what is mapped there after a fork has the same address
 * in both processes.
 */
#include "core/os/range.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/unit/tap.h"

#define GIB ((size_t) 1 << 30)

enum { SIZE = 65536 };


/* How a child ends that maps the file there, adds one, and with again unmaps it
 * and reads. */
static int
child(char *at, int fd, bool again)
{
    int   status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        signal(SIGSEGV, SIG_DFL);
        if (!range_map(at, SIZE, fd, MAP_SHARED))
            _exit(1);
        ++*at;
        if (again && !range_unmap(at, SIZE))
            _exit(1);
        _exit(again ? *(volatile char *) at : 0);
    }
    waitpid(pid, &status, 0);
    return status;
}


static void
test_maps(void)
{
    size_t size = 4 * GIB;
    char  *at = range_reserve(&size, GIB), *part = at + GIB / 2;
    int    fd = range_file("test", SIZE), status;

    ok(at != NULL, "a range is reserved");
    is(size, 4 * GIB, "... as large as wanted");
    ok(range_map(part, SIZE, fd, MAP_SHARED), "a part of it is mapped");
    *part = 1;
    is(child(part, fd, false), 0, "another process maps it there, too");
    is(*part, 2, "both see the same");
    status = child(part, fd, true);
    ok(!WIFEXITED(status) || WEXITSTATUS(status) != 3,
       "once unmapped, there is no access");
    is(*part, 3, "... but in the other process");

    ok(range_unmap(part, SIZE) && range_map(part, SIZE, fd, MAP_PRIVATE),
       "mapped again, for this process only");
    is(*part, 3, "it has what was there");
    *part = 9;
    is(child(part, fd, false), 0, "another process maps the file");
    is(*part, 9, "and does not change this");
    close(fd);
    range_release(at, size);
}


static void
test_at(void)
{
    size_t size = GIB;
    char  *at = range_reserve(&size, GIB);

    ok(!range_reserve_at(at, SIZE), "what is taken is not reserved");
    range_release(at, size);
    ok(range_reserve_at(at + SIZE, SIZE), "what is free is");
    ok(!range_reserve_at(at, GIB), "... once");
    range_release(at + SIZE, SIZE);
}


static void
test_refused(void)
{
#ifdef __SANITIZE_ADDRESS__
    pass("no limits under AddressSanitizer");
#else
    struct rlimit limit, low = { .rlim_cur = 24 * GIB };
    size_t        size = 16 * GIB;
    void         *at;

    getrlimit(RLIMIT_AS, &limit);
    low.rlim_max = limit.rlim_max;
    setrlimit(RLIMIT_AS, &low);
    at = range_reserve(&size, GIB);
    ok(at != NULL && size == 2 * GIB, "where they are limited, few are taken");
    range_release(at, size);
    size = 16 * GIB;
    is_same(range_reserve(&size, 4 * GIB), NULL, "but not less than needed");
    ok(!range_reserve_at((void *) GIB, 4 * GIB), "nor so many at an address");
    setrlimit(RLIMIT_AS, &limit);
#endif
}


int
main(void)
{
    test_maps();
    test_at();
    test_refused();
    return done();
}
