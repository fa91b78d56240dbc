/* SPDX-License-Identifier: BSD-2-Clause */
/* A failed check ends the process with a message and tells the context. */
#include "t/unit/tap.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/check.h"


static void
tell(const char *message)
{
    fprintf(stderr, "context: %s\n", strstr(message, "failed: "));
    CHECK(message == NULL);
}


/* What a child printed that failed, and how it ended. */
static int
run_child(char *text, size_t size, bool is_memory)
{
    int     ends[2], status = 0;
    ssize_t got;
    size_t  n = 0;
    pid_t   child;

    if (pipe(ends) == -1)
        exit(1);
    child = fork();
    if (child == 0) {
        dup2(ends[1], 2);
        check_context = tell;
        if (is_memory)
            check_memory(123);
        CHECK(size == 0);
        _exit(0);
    }
    close(ends[1]);
    while ((got = read(ends[0], text + n, size - 1 - n)) > 0)
        n += (size_t) got;
    text[n] = '\0';
    close(ends[0]);
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}


int
main(void)
{
    char text[4096];

    CHECK(sizeof(text) == 4096);
    DCHECK(sizeof(text) == 4096);
    pass("what holds goes on");

    is(run_child(text, sizeof(text), false), SIGABRT, "a failed check aborts");
    ok(strstr(text, "check failed: size == 0 at t/unit/check.c:") != NULL,
       "and says what and where");
    ok(strstr(text, "context: failed: size == 0") != NULL,
       "the context is told");
    ok(strstr(text, "message == NULL") != NULL,
       "and may fail itself without coming back");
    is(run_child(text, sizeof(text), true), SIGABRT, "so does want of memory");
    ok(strstr(text, "out of memory: 123 bytes wanted") != NULL, "and says so");
    return done();
}
