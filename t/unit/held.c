/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters that processes hold, in a zone.
 */
#include "core/shm/held.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/unit/tap.h"

enum { SIZE = 65536 };

struct all {
    struct held held;
};


static struct zone *
new_zone(void)
{
    struct zone *z = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct all  *all;

    if (z == MAP_FAILED || !zone_init(z, SIZE, STR("z"), "test/1"))
        exit(1);
    all = zone_alloc(z, sizeof(*all));
    *all = (struct all){ { NULL } };
    zone_set_root(z, all);
    return z;
}


static struct held *
held_in(const struct zone *z)
{
    struct all *all = zone_root(z);

    return &all->held;
}


/* Another process holds two of an object; it ends, or waits to be ended. */
static pid_t
hold_two(struct zone *z, unsigned object, bool waits)
{
    int            ready[2];
    char           byte = 0;
    struct holder *it;
    pid_t          pid = pipe(ready) == 0 ? fork() : -1;

    if (pid == 0) {
        it = held_take(z, held_in(z));
        holder_add(z, it, object);
        holder_add(z, it, object);
        if (write(ready[1], &byte, 1) == 1 && waits)
            pause();
        _exit(0);
    }
    if (pid == -1 || read(ready[0], &byte, 1) != 1)
        exit(1);
    close(ready[0]);
    close(ready[1]);
    if (!waits)
        waitpid(pid, NULL, 0);
    return pid;
}


static void
test_counts(void)
{
    struct zone   *z = new_zone();
    struct held   *held = held_in(z);
    struct holder *own = held_take(z, held), *other;
    pid_t          pid;

    ok(own != NULL, "a process has its own");
    is_same(held_take(z, held), own, "once");
    is_same(held_find_dead(held), NULL, "it is alive");
    holder_add(z, own, 0);
    holder_add(z, own, 1000);
    holder_add(z, own, 1000);
    is(holder_count(own, 0, 0), 1, "one of the first object");
    is(holder_count(own, 1000, 0), 2, "two of the last");
    is(holder_count(own, 5000, 0), 0, "none of one that is not there");
    holder_subtract(own, 1000);
    holder_subtract(own, 5000);
    holder_subtract(own, 3);
    is(holder_count(own, 1000, 0), 1, "given back");
    is(holder_count(own, 3, 0), 0, "never less than nothing");

    pid = hold_two(z, 1000, true);
    is(held_sum(held, 1000, 0), 3, "another process");
    is_same(held_find_dead(held), NULL, "it is alive");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    other = held_find_dead(held);
    ok(other != NULL && other != own, "it has died");
    is(holder_count(other, 1000, 0), 2, "what it held");
    held_unlink(held, other);
    held_free(z, other);
    is_same(held_find_dead(held), NULL, "it is forgotten");
    is(held_sum(held, 1000, 0), 1, "others are left alone");
    hold_two(z, 1, false);
    hold_two(z, 2, false);
    while ((other = held_find_dead(held)) != NULL) {
        held_unlink(held, other);
        held_free(z, other);
    }
    is(held_sum(held, 1, 0) + held_sum(held, 2, 0), 0, "several have died");
    munmap(z, SIZE);
}


static void
test_full(void)
{
    struct zone   *z = new_zone();
    struct held   *held = held_in(z);
    struct holder *own = held_take(z, held);
    unsigned       n = 0;

    while (zone_alloc(z, 32) != NULL)
        n++;
    ok(n > 1000, "a zone is full");
    holder_add(z, own, 0);
    is(holder_count(own, 0, 0), 0, "it counts nothing");
    holder_subtract(own, 0);
    held_unlink(held, own);
    held_free(z, own);
    munmap(z, SIZE);
}


int
main(void)
{
    test_counts();
    test_full();
    return done();
}
