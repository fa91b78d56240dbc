/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random numbers of OpenSSL: none comes twice, in no process and no thread.
 */
#include "core/tls/random.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/check.h"
#include "t/unit/tap.h"

enum { SIZE = 16, EACH = 200, OTHERS = 3, ALL = (OTHERS + 1) * EACH };

typedef unsigned char number[SIZE];

static number numbers[ALL];


static void *
fill(void *at)
{
    number *to = at;

    for (unsigned i = 0; i < EACH; i++)
        CHECK(RAND_priv_bytes(to[i], SIZE) == 1);
    return NULL;
}


/* Into numbers, from a child that has what its parent had. */
static void
fill_by_child(number *to)
{
    int     ends[2], status;
    pid_t   pid;
    size_t  n = 0, want = EACH * sizeof(number);
    ssize_t got;

    CHECK(pipe(ends) == 0);
    pid = fork();
    if (pid == 0) {
        (void) fill(to);
        _exit(write(ends[1], to, want) == (ssize_t) want ? 0 : 1);
    }
    close(ends[1]);
    while (n < want && (got = read(ends[0], (char *) to + n, want - n)) > 0)
        n += (size_t) got;
    close(ends[0]);
    is(waitpid(pid, &status, 0), pid, "a child ends");
    is(status, 0, "... well");
    is(n, want, "... with all its numbers");
}


static int
compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(number));
}


int
main(void)
{
    unsigned char many[2][5000] = { { 0 } };
    pthread_t     thread;
    unsigned      twice = 0;

    tls_random_init();
    is(RAND_status(), 1, "there are some");
    CHECK(RAND_bytes(many[0], 1) == 1); /* something is kept */
    fill_by_child(numbers);
    fill_by_child(numbers + EACH);
    CHECK(pthread_create(&thread, NULL, fill, numbers + 2 * EACH) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    (void) fill(numbers + 3 * EACH);
    qsort(numbers, ALL, sizeof(number), compare);
    for (unsigned i = 1; i < ALL; i++)
        twice += compare(numbers[i - 1], numbers[i]) == 0;
    is(twice, 0, "none comes twice");

    is(RAND_bytes(many[0], sizeof(many[0])), 1, "many at once");
    is(RAND_bytes(many[1], sizeof(many[1])), 1, "... and again");
    ok(memcmp(many[0], many[1], sizeof(many[0])) != 0, "... other ones");
    is(RAND_bytes(many[0], 0), 1, "none");
    return done();
}
