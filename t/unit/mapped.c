/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mapped files that are cut off while they are read: in the main thread, in
 * another one, and where nobody expects it.
 */
#include "core/os/mapped.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/unit/tap.h"

enum { SIZE = 16384 };

struct sum {
    const volatile char *p;
    unsigned long        of;
};


static void
add_up(void *arg)
{
    struct sum *s = arg;

    s->of = 0;
    for (size_t i = 0; i < SIZE; i++)
        s->of += (unsigned char) s->p[i];
}


static void *
in_thread(void *arg)
{
    return mapped_try(add_up, arg) ? arg : NULL;
}


/* How a child ends that reads without precaution. */
static int
end_of_careless(struct sum *s)
{
    int   status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        add_up(s);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    return status;
}


int
main(void)
{
    FILE      *file = tmpfile();
    int        fd = file ? fileno(file) : -1, status;
    char       ones[SIZE];
    struct sum s = { .of = 0 };
    void      *result;
    pthread_t  thread;

    memset(ones, 1, SIZE);
    if (fd == -1 || write(fd, ones, SIZE) != SIZE)
        return 1;
    s.p = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
    mapped_init();

    ok(mapped_try(add_up, &s) && s.of == SIZE, "all is there");
    if (ftruncate(fd, 4096) == -1)
        return 1;
    ok(!mapped_try(add_up, &s), "cut off");
    is(s.of, 4096, "read as far as it goes");
    ok(!mapped_try(add_up, &s), "once more");
    pthread_create(&thread, NULL, in_thread, &s);
    pthread_join(thread, &result);
    is_same(result, NULL, "in a thread");
    status = end_of_careless(&s);
    ok(!WIFEXITED(status) || WEXITSTATUS(status) != 0,
       "without precaution it ends the process");
    if (ftruncate(fd, SIZE) == -1)
        return 1;
    ok(mapped_try(add_up, &s) && s.of == 4096, "there again");
    fclose(file);
    return done();
}
