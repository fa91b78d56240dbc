/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purges: what is older than they are, rules that have no room, the file that
 * keeps them, and that a purge does not look at what it purges.
 */
#include "core/cache/disk/purge.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/cache/disk/purge_rules.h"
#include "core/os/clock.h"
#include "t/unit/tap.h"

enum { SMALL = 16 * ZONE_PAGE, MANY = 1000000 };

static char folder[] = "/tmp/weir-purge-XXXXXX";


/* A cache whose zone is new. */
static struct disk_cache *
new_cache(size_t size)
{
    static struct zone_conf  in;
    static struct disk_cache c;
    struct zone             *z = mmap(NULL, size, PROT_READ | PROT_WRITE,
                                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (z == MAP_FAILED || !zone_init(z, size, STR("z"), "test/1")
        || !disk_index_proxy.init(z))
        exit(1);
    in = (struct zone_conf){ .zone = z };
    c = (struct disk_cache){ .in = &in,
                             .path = str_of(folder),
                             .inactive = 600 };
    return &c;
}


static struct disk_key
key_of(unsigned i)
{
    struct disk_key key = { { 0 } };

    memcpy(key.b, &i, sizeof(i));
    memcpy(key.b + 8, &i, sizeof(i));
    return key;
}


static enum disk_purged
judge(const struct disk_cache *c, unsigned key, const char *text,
      uint64_t number)
{
    struct disk_key k = key_of(key);
    struct disk_age age = { number, clock_seconds() - (number == 0) * 10 };

    return disk_purge_of_key(c, &k, str_of(text), &age, false);
}


static void
test_ages(void)
{
    struct disk_cache *c = new_cache(SMALL);
    struct disk_key    one = key_of(1);
    struct disk_age    old = { 1, 0 }, unknown = { 0, clock_seconds() + 1 };

    is((long) disk_purge_number(c), 1, "nothing was purged");
    is(judge(c, 1, "a/b", 1), PURGED_NOT, "... so it is good");
    (void) disk_purge_key(c, &one, false);
    is(judge(c, 1, "a/b", 1), PURGED_HARD, "a key");
    is(judge(c, 2, "a/b", 1), PURGED_NOT, "not another one");
    is(judge(c, 1, "a/b", 2), PURGED_NOT, "not what is newer");
    is(judge(c, 1, "a/b", 0), PURGED_HARD, "by its date");
    is(disk_purge_of_key(c, &one, STR("a"), &unknown, true), PURGED_NOT,
       "not if that is later");
    disk_purge_prefix(c, STR("a/"), true);
    is(judge(c, 2, "a/b", 2), PURGED_SOFT, "softly, what begins so");
    is(judge(c, 2, "a", 2), PURGED_NOT, "not what does not");
    disk_purge_prefix(c, STR("a"), false);
    is(judge(c, 2, "a/b", 2), PURGED_HARD, "the harder one counts");
    disk_purge_tag(c, STR("red"), false);
    is(disk_purge_of_tag(c, STR("red"), &old), PURGED_HARD, "a tag");
    is(disk_purge_of_tag(c, STR("blue"), &old), PURGED_NOT, "not another one");
}


/* One process looks at a file, and another one puts its own in its place, which it
 * asked for before the purge, before the first one is sure of what it has. */
static void
test_replaced(void)
{
    struct disk_cache  *c = new_cache(SMALL);
    struct disk_key     one = key_of(1);
    struct disk_asked   before, after;
    struct disk_version version;

    disk_cache_stored(c, &one, 100, disk_purge_number(c));
    disk_purge_tag(c, STR("red"), false);
    ok(disk_cache_ask(c, &one, &before) && before.purges < before.last_purge,
       "a file that is older than a purge");
    disk_cache_confirmed(c, &one, &before.version, before.last_purge);
    (void) disk_cache_ask(c, &one, &after);
    is((long) after.purges, (long) before.last_purge, "it is confirmed");
    version = after.version;
    disk_cache_stored(c, &one, 200, before.purges);
    disk_cache_confirmed(c, &one, &version, after.last_purge);
    (void) disk_cache_ask(c, &one, &after);
    is((long) after.purges, (long) before.purges,
       "another one that was put in its place is not");
    (void) disk_cache_remove(c, &one);
    disk_cache_stored(c, &one, 300, before.purges);
    disk_cache_confirmed(c, &one, &after.version, after.last_purge);
    (void) disk_cache_ask(c, &one, &after);
    is((long) after.purges, (long) before.purges, "nor one of a new entry");
}


/* Whatever a process has opened while another one puts a file that was purged in
 * place of a newer one, it does not take that for the newer one. */
static void
test_opened(void)
{
    struct disk_cache *c = new_cache(SMALL);
    struct disk_key    one = key_of(1);
    uint64_t           old = disk_purge_number(c);
    struct disk_asked  asked;

    disk_purge_tag(c, STR("red"), false);
    disk_cache_stored(c, &one, 100, disk_purge_number(c));
    (void) disk_cache_ask(c, &one, &asked);
    disk_cache_opened(&asked);
    is((long) asked.purges, (long) asked.last_purge, "what was not replaced");
    disk_cache_replaces(c, &one, old);
    disk_cache_opened(&asked);
    is((long) asked.purges, (long) old, "asked before it was replaced");
    (void) disk_cache_ask(c, &one, &asked);
    disk_cache_opened(&asked);
    is((long) asked.purges, (long) old, "asked before the index is told");
    disk_cache_stored(c, &one, 200, old);
    (void) disk_cache_ask(c, &one, &asked);
    is((long) asked.purges, (long) old, "... and after that");
    disk_cache_found(c, &one, 300);
    disk_cache_replaces(c, &one, disk_purge_number(c));
    (void) disk_cache_ask(c, &one, &asked);
    is((long) asked.purges, (long) old, "it never becomes newer so");
}


/* What has no room is purged all the same, and what is new never is. */
static void
test_room(void)
{
    struct disk_cache *c = new_cache(SMALL);
    struct disk_key    key;
    unsigned           bad = 0, n = 3000;
    char               text[32];

    for (unsigned i = 0; i < n; i++) {
        key = key_of(i);
        (void) disk_purge_key(c, &key, false);
        snprintf(text, sizeof(text), "k/%u/", i);
        disk_purge_prefix(c, str_of(text), false);
    }
    for (unsigned i = 0; i < n; i++) {
        snprintf(text, sizeof(text), "k/%u/x", i);
        bad += judge(c, i, "other", 1) != PURGED_HARD;
        bad += judge(c, n + i, text, 1) != PURGED_HARD;
        bad += judge(c, i, text, disk_purge_number(c)) != PURGED_NOT;
    }
    is(bad, 0, "%u keys and prefixes in a small zone", n);
    key = key_of(n);
    is(disk_purge_of_key(c, &key, STR("x"), &(struct disk_age){ 1, 0 }, true),
       PURGED_NOT, "the file of another key is not purged with them");
    ok(disk_purge_is_unsure(c, 1)
           && !disk_purge_is_unsure(c, disk_purge_number(c)),
       "... but what is being fetched is not sure");
}


static void
test_file(void)
{
    struct disk_cache *c = new_cache(SMALL);
    struct disk_key    key = key_of(5);
    struct disk_age    old = { 0, clock_seconds() - 10 };
    char               name[64];

    snprintf(name, sizeof(name), "%s/%s", folder, DISK_PURGES_FILE);
    (void) unlink(name);
    (void) disk_purge_key(c, &key, false);
    disk_purge_prefix(c, STR("\1p q\n"), true);
    disk_purge_tag(c, STR("t"), false);
    c = new_cache(SMALL);
    is(judge(c, 5, "x", 0), PURGED_NOT, "another zone");
    disk_purges_load(c);
    is(judge(c, 5, "x", 0), PURGED_HARD, "has the key from the file");
    is(judge(c, 6, "\1p q\nr", 0), PURGED_SOFT, "and the prefix");
    is(disk_purge_of_tag(c, STR("t"), &old), PURGED_HARD, "and the tag");
    for (unsigned i = 0; i < 20000; i++)
        disk_purge_prefix(c, STR("long"), false);
    c = new_cache(SMALL);
    disk_purges_load(c);
    is(judge(c, 5, "x", 0), PURGED_HARD, "a file that was written anew, too");
    is(judge(c, 6, "longer", 0), PURGED_HARD, "... the prefix");
    ok(disk_purge_number(c) < 10000, "... and it is short");
    (void) unlink(name);
}


/* A million entries have the tag. */
static void
test_many(void)
{
    struct disk_cache *c = new_cache((size_t) 192 << 20);
    struct disk_key    key;
    uint64_t           number = disk_purge_number(c);
    unsigned           stale = 0;
    struct timespec    a, b;

    for (unsigned i = 0; i < MANY; i++) {
        key = key_of(i);
        disk_index_lock(c->in->zone);
        disk_index_add(c->in->zone, &key, clock_seconds())->purges = number;
        disk_index_unlock(c->in->zone);
    }
    clock_gettime(CLOCK_MONOTONIC, &a);
    disk_purge_tag(c, STR("all"), false);
    clock_gettime(CLOCK_MONOTONIC, &b);
    for (unsigned i = 0; i < MANY; i += 1000) {
        struct disk_asked asked;

        key = key_of(i);
        (void) disk_cache_ask(c, &key, &asked);
        stale += disk_purge_of_tag(c, STR("all"),
                                   &(struct disk_age){ asked.purges, 0 })
                 == PURGED_HARD;
    }
    is(stale, MANY / 1000, "a tag that a million entries have");
    printf("# purged in %ld us\n",
           (b.tv_sec - a.tv_sec) * 1000000L + (b.tv_nsec - a.tv_nsec) / 1000);
}


int
main(void)
{
    char name[64];

    if (mkdtemp(folder) == NULL)
        return 1;
    clock_update();
    test_ages();
    test_replaced();
    test_opened();
    test_room();
    test_file();
    test_many();
    snprintf(name, sizeof(name), "%s/%s", folder, DISK_PURGES_FILE);
    (void) unlink(name);
    (void) rmdir(folder);
    return done();
}
