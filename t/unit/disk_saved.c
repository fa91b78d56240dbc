/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Saved indexes: what is written is read again, nothing that is damaged is, and
 * the loader's repairs.  With an argument: times and sizes for so many keys.
 */
#include "core/cache/disk/saved.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/cache/disk/cache.h"
#include "core/log/target.h"
#include "core/os/clock.h"
#include "t/unit/tap.h"

enum { FEW = 1300, FOLDER = 77 };

static struct log        no_log = { .targets = &(struct log_targets){ 0 } };
static struct zone_conf  in;
static struct disk_cache cache;
static char              path[512];


static struct zone *
new_zone(size_t size)
{
    struct zone *z = mmap(NULL, size, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (z == MAP_FAILED || !zone_init(z, size, STR("z"), "test/1")
        || !disk_index_proxy.init(z))
        exit(1);
    disk_index_begin(z, FOLDER);
    return z;
}


static struct disk_key
key_of(uint32_t i)
{
    struct disk_key key = { { 0 } };
    uint32_t        hash = i * 2654435761u;

    memcpy(key.b, &hash, sizeof(hash));
    memcpy(key.b + 8, &i, sizeof(i));
    return key;
}


/* Keys from 0 on, one used a second after the other. */
static uint32_t
fill(struct zone *z, uint32_t n)
{
    time_t   start = clock_seconds() - (time_t) n;
    uint32_t i;

    for (i = 0; i < n; i++) {
        struct disk_key    key = key_of(i);
        struct disk_entry *e = disk_index_add(z, &key, start + i);

        if (e == NULL)
            break;
        disk_index_set_bytes(z, e, 4096 * (1 + i % 5));
        e->uses = i;
    }
    return i;
}


static struct disk_entry *
find(struct zone *z, uint32_t i)
{
    struct disk_key key = key_of(i);

    return disk_index_find(z, &key);
}


static void
use_zone(struct zone *z)
{
    in.zone = z;
    cache.in = &in;
    cache.folder = FOLDER;
    cache.path = str_of(path);
}


static void
test_again(void)
{
    struct zone       *a = new_zone(64 * ZONE_PAGE), *b;
    struct disk_totals all;
    uint32_t           same = 0;

    is(fill(a, FEW), FEW, "an index of %d keys", FEW);
    use_zone(a);
    ok(disk_saved_write(&cache, &no_log), "saved");
    b = new_zone(64 * ZONE_PAGE);
    use_zone(b);
    (void) fill(b, 2); /* two of them are there already, with other uses */
    find(b, 0)->uses = 5000;
    is(disk_saved_load(&cache, &no_log), FEW - 2, "loaded, but for two");
    for (uint32_t i = 2; i < FEW; i++) {
        const struct disk_entry *e = find(b, i), *was = find(a, i);

        same += e != NULL && e->bytes == was->bytes && e->uses == was->uses
                && e->used_at == was->used_at && e->is_unproved;
    }
    is(same, FEW - 2, "... as it was");
    is(find(b, 0)->uses, 5000, "what is there is newer");
    all = disk_index_totals(b);
    is(all.entries, FEW, "keys");
    is(all.bytes, disk_index_totals(a).bytes, "bytes");
    is_same(disk_index_oldest(b), find(b, 2), "the oldest one");

    for (uint32_t i = 0, at = 0; i < FEW; i++) {
        struct disk_key key = key_of(i);

        (void) at;
        if (i % 2 == 0)
            disk_cache_found(&cache, &key, 4096);
    }
    for (uint32_t at = 0; disk_index_forget_unproved(b, &at, 100);)
        continue;
    same = 0;
    for (uint32_t i = 0; i < FEW; i++)
        same += (find(b, i) != NULL) == (i % 2 == 0 || i == 1);
    is(same, FEW, "what the loader has not found is forgotten");
}


static void
test_room(void)
{
    struct zone *a = new_zone(64 * ZONE_PAGE), *b = new_zone(16 * ZONE_PAGE);
    uint32_t     n;

    (void) fill(a, FEW);
    use_zone(a);
    ok(disk_saved_write(&cache, &no_log), "saved");
    use_zone(b);
    n = disk_saved_load(&cache, &no_log);
    is(n, disk_index_totals(b).room, "as many as there is room for");
    ok(find(b, FEW - 1) != NULL && find(b, 0) == NULL, "the last used ones");
    cache.folder = FOLDER + 1;
    is(disk_saved_load(&cache, &no_log), 0, "not of another folder");
}


static void
test_damage(void)
{
    struct zone      *a = new_zone(64 * ZONE_PAGE);
    char              name[600], *copy;
    static char       text[64 * 1024];
    struct disk_saved s;
    ssize_t           n;
    size_t            good = 0;
    int               fd;

    (void) fill(a, 20);
    use_zone(a);
    ok(disk_saved_write(&cache, &no_log), "saved");
    snprintf(name, sizeof(name), "%s/" DISK_SAVED_NAME, path);
    fd = open(name, O_RDONLY);
    n = read(fd, text, sizeof(text));
    close(fd);
    is(n, 40 + 20 * 28, "its size");
    ok(disk_saved_read(&s, (str_t){ text, (size_t) n }, FOLDER), "read");
    for (ssize_t i = 0; i < n; i++) {
        copy = malloc((size_t) i + 1);
        memcpy(copy, text, (size_t) i);
        good += disk_saved_read(&s, (str_t){ copy, (size_t) i }, FOLDER);
        free(copy);
    }
    is(good, 0, "not where it is cut off");
    for (ssize_t i = 0; i < n; i++) {
        text[i] ^= 4;
        good += disk_saved_read(&s, (str_t){ text, (size_t) n }, FOLDER);
        text[i] ^= 4;
    }
    is(good, 0, "not with another bit anywhere");
}


static double
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}


/* In a zone of so many bytes. */
static void
measure(uint32_t n, size_t size)
{
    struct zone *a = new_zone(size), *b;
    double       start = now();

    printf("# %zu bytes an entry; %u of %u keys", sizeof(struct disk_entry),
           fill(a, n), n);
    printf(" in %zu bytes of zone, %.2f s; room for %u\n", size, now() - start,
           disk_index_totals(a).room);
    use_zone(a);
    start = now();
    (void) disk_saved_write(&cache, &no_log);
    printf("# saved in %.2f s\n", now() - start);
    b = new_zone(size);
    use_zone(b);
    start = now();
    printf("# %u loaded", disk_saved_load(&cache, &no_log));
    printf(" in %.2f s\n", now() - start);
}


int
main(int argc, char **argv)
{
    char name[600];

    clock_update();
    snprintf(path, sizeof(path), "%s/disk-saved-XXXXXX",
             getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
    if (mkdtemp(path) == NULL)
        exit(1);
    if (argc > 2)
        measure((uint32_t) atoi(argv[1]), (size_t) atoll(argv[2]));
    test_again();
    test_room();
    test_damage();
    snprintf(name, sizeof(name), "%s/" DISK_SAVED_NAME, path);
    unlink(name);
    rmdir(path);
    return done();
}
