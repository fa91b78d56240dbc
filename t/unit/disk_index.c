/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The index of a disk cache: keys, who gives way when it is full, claims, folders
 * that change, and processes that are killed at each instruction of a change.
 */
#include "core/cache/disk/index.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/os/clock.h"
#include "t/unit/death.h"
#include "t/unit/tap.h"

enum { SIZE = 16 * ZONE_PAGE, MANY = 20000, HOUR = 3600 * 1000 };


static struct zone *
new_zone(void)
{
    struct zone *z = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (z == MAP_FAILED || !zone_init(z, SIZE, STR("z"), "test/1")
        || !disk_index_proxy.init(z))
        exit(1);
    return z;
}


static struct disk_key
key_of(unsigned i)
{
    struct disk_key key = { { 0 } };

    key.b[0] = (unsigned char) (i * 7);
    memcpy(key.b + 8, &i, sizeof(i));
    return key;
}


static struct disk_entry *
add(struct zone *z, unsigned i)
{
    struct disk_key key = key_of(i);

    return disk_index_add(z, &key, (time_t) (1000 + i));
}


static struct disk_entry *
find(struct zone *z, unsigned i)
{
    struct disk_key key = key_of(i);

    return disk_index_find(z, &key);
}


static unsigned
fill(struct zone *z)
{
    unsigned n = 0;

    while (n < MANY && add(z, n) != NULL)
        n++;
    return n;
}


/* Takes out all, from the oldest on; how many there were, MANY: no end. */
static unsigned
empty(struct zone *z)
{
    struct disk_entry *e;
    unsigned           n = 0;

    while (n < MANY && (e = disk_index_oldest(z)) != NULL) {
        disk_index_remove(z, e);
        n++;
    }
    return n;
}


/* --- keys ----------------------------------------------------------------------- */

static void
test_keys(void)
{
    struct zone       *z = new_zone();
    struct disk_entry *e;
    unsigned           n, found = 0;

    ok(find(z, 1) == NULL, "nothing at first");
    n = fill(z);
    ok(n > SIZE / 160 && n < SIZE / 70, "%u keys in 64k", n);
    is(disk_index_totals(z).entries, n, "they are counted");
    is(disk_index_totals(z).room, n, "it is full");
    for (unsigned i = 0; i < n; i++)
        found += (e = find(z, i)) != NULL && e->used_at == 1000 + i;
    is(found, n, "each is found");
    is_same(disk_index_oldest(z), find(z, 0), "the oldest");
    disk_index_use(z, find(z, 0), 5000);
    is(find(z, 0)->uses, 1, "used");
    is_same(disk_index_oldest(z), find(z, 1), "another one is the oldest");
    disk_index_set_bytes(z, find(z, 3), 8192);
    disk_index_set_bytes(z, find(z, 4), 4096);
    disk_index_set_bytes(z, find(z, 3), 4096);
    is(disk_index_totals(z).bytes, 8192, "bytes of files");
    disk_index_remove(z, find(z, 3));
    is(disk_index_totals(z).bytes, 4096, "... without what is removed");
    ok(find(z, 3) == NULL, "it is not found");
    ok(add(z, MANY) != NULL && add(z, MANY + 1) == NULL, "room for one");
    is(empty(z), n, "all are taken out");
    is(disk_index_totals(z).bytes, 0, "none is left");
    is(fill(z), n, "as many fit again");
    munmap(z, SIZE);
}


/* --- claims ---------------------------------------------------------------------- */

static void
test_claims(void)
{
    struct zone       *z = new_zone();
    struct disk_entry *e = add(z, 1);
    uint32_t           claim = disk_index_claim(z, e, HOUR), other;
    int                status;
    pid_t              pid;

    ok(claim != 0, "claimed");
    is(disk_index_claim(z, e, HOUR), 0, "only once");
    ok(disk_index_oldest(z) == NULL, "it does not give way");
    disk_index_leave(e, claim + 1);
    ok(disk_index_is_claimed(e), "another one does not end it");
    disk_index_leave(e, claim);
    ok(!disk_index_is_claimed(e), "its own does");
    claim = disk_index_claim(z, e, 0);
    ok(claim != 0 && !disk_index_is_claimed(e), "its time is over");
    e->growing = 1;
    ok(disk_index_is_claimed(e), "... but for that of a file that grows");
    e->until_ms -= HOUR;
    ok(!disk_index_is_claimed(e), "... for a time");
    other = disk_index_claim(z, e, HOUR);
    ok(other != 0 && other != claim, "another one takes it");
    disk_index_leave(e, claim);
    ok(disk_index_is_claimed(e), "... and has it");
    disk_index_leave(e, other);
    pid = fork();
    if (pid == 0)
        _exit(disk_index_claim(z, e, HOUR) == 0);
    waitpid(pid, &status, 0);
    is(status, 0, "a process claims it");
    ok(!disk_index_is_claimed(e), "... and has ended");
    munmap(z, SIZE);
}


/* --- folders ---------------------------------------------------------------------- */

static void
test_folders(void)
{
    struct zone *z = new_zone();

    disk_index_begin(z, 7);
    ok(disk_index_is_cold(z, 7), "a new folder");
    ok(!disk_index_is_cold(z, 8), "nothing is known of others");
    ok(disk_index_begin_load(z, 7), "is loaded");
    ok(!disk_index_begin_load(z, 8), "others are not");
    add(z, 1);
    disk_index_set_warm(z, 7);
    ok(!disk_index_is_cold(z, 7), "once");
    ok(!disk_index_begin_load(z, 7), "... and not again");
    disk_index_begin(z, 7);
    ok(find(z, 1) != NULL, "the same one stays");
    disk_index_begin(z, 8);
    ok(find(z, 1) == NULL && disk_index_totals(z).entries == 0,
       "another one begins empty");
    ok(disk_index_is_cold(z, 8), "... and cold");
    munmap(z, SIZE);
}


/* --- deaths ----------------------------------------------------------------------- */

static void
do_add(struct zone *z)
{
    add(z, 100);
}


static void
do_add_again(struct zone *z)
{
    add(z, 101);
}


static void
do_remove(struct zone *z)
{
    disk_index_remove(z, find(z, 2));
}


static void
do_use(struct zone *z)
{
    disk_index_use(z, find(z, 1), 9000);
}


static void
do_store(struct zone *z)
{
    disk_index_set_bytes(z, find(z, 2), 12288);
}


static void
do_claim(struct zone *z)
{
    disk_index_claim(z, find(z, 2), HOUR);
}


static void
do_begin(struct zone *z)
{
    disk_index_begin(z, 9);
}


static void
prepare(struct zone *z)
{
    disk_index_begin(z, 7);
    for (unsigned i = 0; i < 5; i++)
        disk_index_set_bytes(z, add(z, i), 4096);
    disk_index_remove(z, find(z, 0));
}


struct dying {
    struct zone *z;
    void (*change)(struct zone *);
};


static void
begin(void *arg)
{
    disk_index_lock(((struct dying *) arg)->z);
}


static void
go_on(void *arg)
{
    struct dying *it = arg;

    it->change(it->z);
}


/* Whether lists, chains and sums agree. */
static bool
is_sound(struct zone *z, unsigned room)
{
    struct disk_totals all = disk_index_totals(z);
    struct disk_entry *e;
    uint64_t           bytes = 0;
    unsigned           n = 0;

    while (n < MANY && (e = disk_index_oldest(z)) != NULL) {
        if (disk_index_find(z, &e->key) != e)
            return false;
        bytes += e->bytes;
        disk_index_remove(z, e);
        n++;
    }
    return n == all.entries && bytes == all.bytes
           && disk_index_totals(z).bytes == 0 && fill(z) == room;
}


static bool
kill_once(void (*change)(struct zone *), unsigned steps, unsigned *bad)
{
    struct zone *z = new_zone();
    unsigned     room = fill(z);
    bool         is_running;

    empty(z);
    prepare(z);
    is_running = death_after(begin, go_on, &(struct dying){ z, change }, steps);
    disk_index_lock(z);
    *bad += !is_sound(z, room);
    disk_index_unlock(z);
    munmap(z, SIZE);
    return is_running;
}


static void
test_deaths(void)
{
    static const struct {
        const char *name;
        void (*change)(struct zone *);
        unsigned every; /* instructions                                      */
    } deaths[] = {
        { "added", do_add, 1 },
        { "added to others", do_add_again, 3 },
        { "removed", do_remove, 1 },
        { "used", do_use, 1 },
        { "stored", do_store, 1 },
        { "claimed", do_claim, 1 },
        { "another folder", do_begin, 211 },
    };

    for (unsigned i = 0; i < countof(deaths); i++) {
        unsigned steps = 1, bad = 0, tries = 0;

        while (kill_once(deaths[i].change, steps, &bad) && tries++ < 1500)
            steps += deaths[i].every;
        ok(steps > 5 && tries < 1500, "%s: killed %u times", deaths[i].name,
           tries);
        is(bad, 0, "... the index is whole");
    }
}


int
main(void)
{
    clock_update();
    test_keys();
    test_claims();
    test_folders();
    if (death_is_possible())
        test_deaths();
    return done();
}
