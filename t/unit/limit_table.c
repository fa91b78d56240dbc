/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of limits in a zone: keys, who is forgotten when it is full, what
 * dead processes held, and deaths in the middle of a change.
 */
#include "modules/gate/limit_table.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/arena.h"
#include "core/base/siphash.h"
#include "core/os/clock.h"
#include "t/unit/tap.h"

enum { SIZE = 65536, MANY = 20000 };


static struct zone *
new_zone(const struct zone_use *use)
{
    struct zone *z = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (z == MAP_FAILED || !zone_init(z, SIZE, STR("z"), use->name)
        || !use->init(z))
        exit(1);
    return z;
}


static struct limit_key
key_of(unsigned i)
{
    char text[32];
    int  n = snprintf(text, sizeof(text), "key %u", i);

    return limit_key_of((str_t){ text, (size_t) n }, 1);
}


/* Finds or makes it; whether somebody was forgotten for it. */
static bool
use(struct zone *z, unsigned i, struct limit_entry **out)
{
    struct limit_key   key = key_of(i);
    struct limit_entry lost = { .n = 0 };

    limit_lock(z);
    *out = limit_find(z, &key);
    if (*out == NULL)
        *out = limit_add(z, &key, &lost);
    limit_unlock(z);
    return lost.n != 0;
}


static bool
has(struct zone *z, struct limit_key *key)
{
    bool has;

    limit_lock(z);
    has = limit_find(z, key) != NULL;
    limit_unlock(z);
    return has;
}


/* The first so many keys until somebody is forgotten. */
static unsigned
fill(struct zone *z)
{
    struct limit_entry *e;
    unsigned            n = 0;

    while (n < MANY && !use(z, n, &e)) {
        e->count = n + 1;
        n++;
    }
    return n;
}


static void
test_hash(void)
{
    static const uint64_t seed[] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
    char                  bytes[15];

    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char) i;
    ok(siphash(seed, (str_t){ bytes, 15 }) == 0xa129ca6149be45e5,
       "SipHash: the example of its authors");
    ok(siphash(seed, STR("")) == 0x726fdb47dd0e0e31, "... and of nothing");
}


static void
test_keys(void)
{
    struct zone       *z = new_zone(&limit_req_use);
    char               text[70000];
    struct limit_key   keys[6];
    struct limit_entry lost;
    unsigned           i, k, found;

    memset(text, 'a', sizeof(text));
    keys[0] = limit_key_of((str_t){ text, 31 }, 1);
    keys[1] = limit_key_of((str_t){ text, 32 }, 1);
    keys[2] = limit_key_of((str_t){ text, 33 }, 1);
    keys[3] = limit_key_of((str_t){ text, sizeof(text) }, 1);
    keys[4] = limit_key_of((str_t){ text, 31 }, 2);
    text[69999] = 'b';
    keys[5] = limit_key_of((str_t){ text, sizeof(text) }, 1);
    for (i = 0; i < 6; i++) {
        for (found = 0, k = 0; k < 6; k++)
            found += has(z, &keys[k]);
        is(found, i, "%u keys so far", i);
        limit_lock(z);
        limit_add(z, &keys[i], &lost)->count = i;
        limit_unlock(z);
    }
    limit_lock(z);
    for (i = 0; i < 6; i++)
        is(limit_find(z, &keys[i])->count, i, "each has its count");
    limit_unlock(z);
}


static void
test_full(void)
{
    struct zone        *z = new_zone(&limit_req_use);
    struct limit_entry *e;
    struct limit_key    key;
    unsigned            n = fill(z), i, kept = 0;

    ok(n > SIZE / 100 && n < MANY, "room for %u keys", n);
    key = key_of(0);
    ok(!has(z, &key), "the oldest is forgotten");
    key = key_of(1);
    ok(has(z, &key), "no other; this one is in use again");
    ok(use(z, n + 1, &e), "one more");
    key = key_of(2);
    ok(!has(z, &key), "in the place of the then oldest");
    key = key_of(1);
    ok(has(z, &key), "not of that which was used");
    for (i = 0; i < 10 * n; i++)
        kept += !use(z, MANY + i, &e);
    is(kept, 0, "then each takes somebody's place");
    for (i = 9 * n; i < 10 * n; i++) {
        key = key_of(MANY + i);
        kept += has(z, &key);
    }
    is(kept, n, "the last ones are all there");
    limit_lock(z);
    ok(limit_is_news(z) && !limit_is_news(z), "that is news once");
    limit_unlock(z);
}


/* The numbers of keys, from the newest one. */
static void
is_listed(struct zone *z, const char *wanted, const char *says)
{
    struct limit_entry *e = NULL;
    char                text[64] = "";
    size_t              n = 0;

    limit_lock(z);
    while ((e = limit_next(z, e)) != NULL && n < 50)
        n += (size_t) snprintf(text + n, sizeof(text) - n, "%.*s,",
                               (int) (e->n - strlen("key ")),
                               e->key + strlen("key "));
    limit_unlock(z);
    is_str(((str_t){ text, n }), wanted, "%s", says);
}


static void
test_list(void)
{
    struct zone        *z = new_zone(&limit_ban_use);
    struct limit_entry *e;
    struct limit_key    key = key_of(2);

    is_listed(z, "", "an empty table");
    for (unsigned i = 1; i < 5; i++)
        use(z, i, &e);
    is_listed(z, "4,3,2,1,", "the newest one first");
    limit_lock(z);
    e = limit_find(z, &key);
    is(limit_kind(z, e), 1, "the kind of a key");
    limit_remove(z, e);
    limit_unlock(z);
    is_listed(z, "4,3,1,", "one is removed");
    ok(!has(z, &key), "and not found");
    use(z, 2, &e);
    is(e->count, 0, "it comes again without a count");
    is_listed(z, "2,4,3,1,", "as the newest");
    limit_lock(z);
    is(limit_notes(z)->epoch + limit_notes(z)->changes, 0, "notes begin as 0");
    limit_unlock(z);
}


/* A child that does something and is killed while it has the lock. */
static void
die_with(struct zone *z, void (*what)(struct zone *))
{
    pid_t pid = fork();

    if (pid == 0) {
        limit_lock(z);
        what(z);
        kill(getpid(), SIGKILL);
    }
    waitpid(pid, NULL, 0);
}


static void
add_one(struct zone *z)
{
    struct limit_key   key = key_of(MANY);
    struct limit_entry lost;

    limit_add(z, &key, &lost)->count = 7;
}


/* What is left of a change that was not finished. */
static void
spoil(struct zone *z)
{
    struct limit_key    key = key_of(5);
    struct limit_entry *e = limit_find(z, &key);

    e->n = 0;
    e->chain = e->newer = e->older = 12345;
}


static void
test_death(void)
{
    struct zone     *z = new_zone(&limit_req_use);
    unsigned         n = fill(z), i, found = 0;
    struct limit_key key = key_of(MANY);

    die_with(z, add_one);
    ok(has(z, &key), "what a process did before it died is there");
    die_with(z, spoil);
    for (i = 0; i < n; i++) {
        key = key_of(i);
        found += has(z, &key);
    }
    is(found, n - 3, "the death of a process spoils nothing else");
    for (i = 0; i < n; i++) {
        struct limit_entry *e;

        found -= use(z, MANY + 1 + i, &e);
    }
    is(found, n - 3 - (n - 1), "... and the place is used again");
}


/* --- what is held ------------------------------------------------------------- */

static uint64_t
hold(struct zone *z, unsigned i, struct limit_entry **e)
{
    (void) use(z, i, e);
    limit_lock(z);
    limit_hold(z, *e);
    limit_unlock(z);
    return (*e)->at;
}


static uint64_t
held_of(struct zone *z, unsigned i)
{
    struct limit_key    key = key_of(i);
    struct limit_entry *e;

    limit_lock(z);
    e = limit_find(z, &key);
    limit_unlock(z);
    return e != NULL ? e->count : 99;
}


static void
hold_in_child(struct zone *z)
{
    struct limit_key    key = key_of(1);
    struct limit_entry *e = limit_find(z, &key);

    limit_hold(z, e);
    limit_hold(z, e);
}


static void
hold_half(struct zone *z)
{
    struct limit_key    key = key_of(1);
    struct limit_entry *e = limit_find(z, &key);

    limit_hold(z, e);
    e->count++; /* as if it had died before it noted that it holds it */
}


static void
test_held(void)
{
    struct zone        *z = new_zone(&limit_conn_use);
    struct limit_entry *e, *other;
    uint64_t            at, at_other;
    pid_t               pid;

    at = hold(z, 1, &e);
    hold(z, 1, &e);
    is(held_of(z, 1), 2, "two are held");
    limit_give_back(z, e, at);
    is(held_of(z, 1), 1, "one is given back");
    pid = fork();
    if (pid == 0) {
        limit_lock(z);
        hold_in_child(z);
        limit_unlock(z);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    is(e->count, 3, "a process that ends leaves two");
    usleep(1100000);
    clock_update();
    is(held_of(z, 1), 1, "others give them back");
    die_with(z, hold_half);
    is(held_of(z, 1), 1, "... at once, if it had the lock");
    limit_give_back(z, e, at);
    is(held_of(z, 1), 0, "none");
    at_other = hold(z, 2, &other);
    ok(other == e && at_other != at, "its place is the next one's");
    limit_give_back(z, e, at);
    is(held_of(z, 2), 1, "who had it before takes nothing from it");
}


static void
test_held_full(void)
{
    struct zone        *z = new_zone(&limit_conn_use);
    struct limit_entry *first, *e;
    uint64_t            at = hold(z, 0, &first);
    unsigned            n = 1;

    while (n < MANY && held_of(z, 0) == 1) {
        struct limit_key key = key_of(1); /* 0 stays the newest but one */

        hold(z, n++, &e);
        (void) has(z, &key);
    }
    is(n, MANY, "who is used is not forgotten");
    for (n = 0; n < MANY && first->at == at; n++)
        hold(z, MANY + n, &e);
    ok(n < MANY, "who is not used is, though he is held");
    is(first->count, 1, "the place has another count");
    limit_give_back(z, first, at);
    is(first->count, 1, "and what is given back late is not taken from it");
}


int
main(void)
{
    clock_update();
    test_hash();
    test_keys();
    test_full();
    test_list();
    test_death();
    test_held();
    test_held_full();
    return done();
}
