/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The allocator of zones: sizes, exhaustion, and processes that are killed at
 * each instruction of an allocation while they hold the lock.
 */
#include "core/shm/zone.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/check.h"
#include "t/unit/death.h"
#include "t/unit/tap.h"

enum { SIZE = 16 * ZONE_PAGE, MANY = 4096 };

static void *all[MANY];


static struct zone *
new_zone(size_t size)
{
    struct zone *z = mmap(NULL, size, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (z == MAP_FAILED || !zone_init(z, size, STR("name"), "test/1"))
        exit(1);
    return z;
}


/* How many pieces of that size there is room for; they are freed in another
 * order. */
static size_t
room_for(struct zone *z, size_t size)
{
    size_t n = 0;

    while (n < MANY && (all[n] = zone_alloc(z, size)) != NULL)
        n++;
    for (size_t i = 0; i < n; i += 2)
        zone_free(z, all[i]);
    for (size_t i = 1; i < n; i += 2)
        zone_free(z, all[i]);
    return n;
}


/* The largest piece that there is room for, in pages. */
static size_t
largest(struct zone *z)
{
    size_t n = SIZE / ZONE_PAGE;
    void  *p = NULL;

    while (n != 0 && (p = zone_alloc(z, n * ZONE_PAGE)) == NULL)
        n--;
    zone_free(z, p);
    return n;
}


static void
test_head(void)
{
    struct zone *z = new_zone(SIZE);
    char         head[ZONE_PAGE];

    is_str(zone_name(z), "name", "its name");
    is_str(zone_tag(z), "test/1", "its tag");
    is(zone_size(z), SIZE, "its size");
    is_same(zone_address(z), z, "its address");
    is_same(zone_root(z), NULL, "no root");
    zone_set_root(z, all);
    is_same(zone_root(z), all, "a root");
    memcpy(head, z, sizeof(head));
    ok(zone_is_one(head, sizeof(head)), "it is one");
    ok(!zone_is_one(head, 64), "a part of it is not");
    head[0] ^= 1;
    ok(!zone_is_one(head, sizeof(head)), "nor is anything else");
    munmap(z, SIZE);

    z = mmap(NULL, ZONE_PAGE, PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ok(!zone_init(z, ZONE_PAGE, STR("name"), "test/1"), "too small for one");
    munmap(z, ZONE_PAGE);
}


static void
test_sizes(void)
{
    static const size_t sizes[] = { 0,    1,    32,   33,   64,   65,
                                    100,  500,  512,  513,  769,  1024,
                                    1025, 1361, 2048, 2049, 4096, 4097 };
    struct zone        *z = new_zone(SIZE);
    size_t              pages = largest(z);

    is(pages, SIZE / ZONE_PAGE - 1, "all but one page can be used");
    for (size_t i = 0; i < countof(sizes); i++) {
        size_t n = room_for(z, sizes[i]);
        size_t least = sizes[i] <= ZONE_SLOT_MAX
                           ? ZONE_PAGE / (sizes[i] + sizes[i] / 2 + 32) * pages
                           : pages / (sizes[i] / ZONE_PAGE + 1);

        ok(n >= least, "pieces of %zu bytes: %zu", sizes[i], n);
        is(room_for(z, sizes[i]), n, "... as many again");
        is(largest(z), pages, "... and none is lost");
    }
    is_same(zone_alloc(z, SIZE_MAX), NULL, "never that much");
    is_same(zone_alloc(z, (pages + 1) * ZONE_PAGE), NULL, "nor a page more");
    zone_free(z, NULL);
    munmap(z, SIZE);
}


/* Pieces of changing sizes, each filled, so that overlaps are seen. */
static void
test_mixed(void)
{
    struct zone *z = new_zone(SIZE);
    size_t       size[64] = { 0 }, pages = largest(z);
    unsigned     good = 0, checked = 0;

    memset(all, 0, sizeof(all));
    srand(1);
    for (unsigned i = 0; i < 20000; i++) {
        unsigned k = (unsigned) rand() % 64;
        char    *p = all[k];

        if (p != NULL) {
            checked++;
            good += p[0] == (char) k && p[size[k] - 1] == (char) k
                    && p[size[k] / 2] == (char) k && (uintptr_t) p % 16 == 0;
            zone_free(z, p);
            all[k] = NULL;
            continue;
        }
        size[k] = 1 + (unsigned) rand() % (i % 7 == 0 ? 9000 : 600);
        p = all[k] = zone_alloc(z, size[k]);
        if (p != NULL)
            memset(p, (int) k, size[k]);
    }
    is(good, checked, "%u pieces kept what was written", checked);
    for (unsigned k = 0; k < 64; k++)
        zone_free(z, all[k]);
    is(largest(z), pages, "all is given back");
    munmap(z, SIZE);
}


/* --- deaths ------------------------------------------------------------------ */

struct death {
    const char *name;
    size_t      size;
    unsigned    before; /* pieces of that size that are there before         */
    bool        frees;  /* rather than allocates                             */
};


struct dying {
    struct zone        *z;
    const struct death *d;
    void               *p;
};


static void
begin(void *arg)
{
    struct dying *it = arg;

    zone_lock(it->z);
    if (it->d->frees)
        it->p = zone_alloc(it->z, it->d->size);
}


static void
use_zone(void *arg)
{
    struct dying *it = arg;

    if (it->d->frees)
        zone_free(it->z, it->p);
    else
        it->p = zone_alloc(it->z, it->d->size);
}


/* How many pieces of that size there is room for, each of which has memory of
 * its own; 0: they overlap.  They are freed. */
static size_t
room_apart(struct zone *z, size_t size)
{
    size_t n = 0, good = 0;

    while (n < MANY && (all[n] = zone_alloc(z, size)) != NULL) {
        memset(all[n], (int) (n % 251), size);
        n++;
    }
    for (size_t i = 0; i < n; i++) {
        unsigned char *p = all[i];

        good += p[0] == i % 251 && p[size - 1] == i % 251;
        zone_free(z, p);
    }
    return good == n ? n : 0;
}


/* Kills a child after so many instructions and looks at what is left: the piece
 * is there or not, and nothing else has changed.  False: it was done before. */
static bool
kill_once(const struct death *d, unsigned steps, unsigned *bad)
{
    struct zone *z = new_zone(SIZE);
    size_t       full = room_apart(z, d->size), left;
    void        *before[SIZE / 32];
    bool         is_running;

    for (unsigned i = 0; i < d->before; i++)
        before[i] = zone_alloc(z, d->size);
    is_running = death_after(begin, use_zone, &(struct dying){ .z = z, .d = d },
                             steps);
    *bad += zone_lock(z);
    left = room_apart(z, d->size) + d->before;
    *bad += left != full && left != full - 1;
    for (unsigned i = 0; i < d->before; i++)
        zone_free(z, before[i]);
    left = room_apart(z, d->size);
    *bad += left != full && left != full - 1;
    zone_unlock(z);
    munmap(z, SIZE);
    return is_running;
}


static void
test_everywhere(void)
{
    static const struct death deaths[] = {
        { "the first slot of a page", 48, 0, false },
        { "another slot", 48, 7, false },
        { "the last slot of a page", 48, 84, false },
        { "a page of slots", 2048, 2, false },
        { "a run of pages", 3 * ZONE_PAGE, 1, false },
        { "the only slot of a page is freed", 48, 0, true },
        { "one of many is freed", 48, 7, true },
        { "one of all is freed", 48, 84, true },
        { "a run of pages is freed", 3 * ZONE_PAGE, 1, true },
    };

    for (unsigned i = 0; i < countof(deaths); i++) {
        unsigned steps = 1, bad = 0;

        while (kill_once(&deaths[i], steps, &bad) && steps < 2000)
            steps++;
        ok(steps > 20 && steps < 2000, "%s: killed at %u instructions",
           deaths[i].name, steps - 1);
        is(bad, 0, "... the zone is whole");
    }
}


static void
test_deaths(void)
{
    struct zone *z = new_zone(SIZE);
    int          status;
    pid_t        pid = fork();

    if (pid == 0) {
        zone_lock(z);
        zone_alloc(z, 100);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    ok(!zone_lock(z), "the holder of the lock has died");
    ok(zone_alloc(z, 100) != NULL, "and somebody else goes on");
    zone_unlock(z);
    ok(zone_lock(z), "it is told once");
    zone_unlock(z);
    munmap(z, SIZE);

    if (!death_is_possible()) {
        diag("no ptrace: deaths within an allocation are not tested");
        return;
    }
    test_everywhere();
}


int
main(void)
{
    test_head();
    test_sizes();
    test_mixed();
    test_deaths();
    return done();
}
