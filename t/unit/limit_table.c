/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of limits in a zone: keys, who is forgotten when it is full, what
 * dead processes held, and deaths in the middle of a change.
 */
#include "modules/gate/limit_bucket.h"
#include "modules/gate/limit_held.h"
#include "modules/gate/limit_inside.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/arena.h"
#include "core/base/siphash.h"
#include "core/os/clock.h"
#include "t/unit/death.h"
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
    struct zone       *z = new_zone(&limit_ban_use);
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
    struct zone        *z = new_zone(&limit_ban_use);
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
    struct zone     *z = new_zone(&limit_ban_use);
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


/* --- without the lock ------------------------------------------------------- */

static struct limit_entry *
peek(struct zone *z, unsigned i, uint64_t *word)
{
    struct limit_key key = key_of(i);

    return limit_peek(z, &key, word);
}


static bool
lacks(struct zone *z, unsigned i)
{
    struct limit_key key = key_of(i);

    return limit_lacks(z, &key);
}


static void
test_peek(void)
{
    struct zone        *z = new_zone(&limit_req_use);
    struct limit_entry *e, *other;
    uint64_t            word = 0, was, i = 0;

    ok(peek(z, 1, &word) == NULL && lacks(z, 1), "a key that is not there");
    use(z, 1, &e);
    ok(peek(z, 1, &word) == e && !lacks(z, 1), "is found when it was added");
    is(word >> LIMIT_REQ_TAG, 0, "without a count");
    was = word;
    ok(limit_swap(e, &word, word + 512), "its word is changed");
    ok(!limit_swap(e, &was, was + 256), "not from what it was before");
    is(was, word + 512, "but that says what it is");
    ok(peek(z, 1, &word) == e && word == was, "... and so does the next look");
    limit_lock(z);
    limit_remove(z, e);
    limit_unlock(z);
    ok(!limit_swap(e, &word, word + 256),
       "who has found it before is too late");
    ok(peek(z, 1, &word) == NULL && lacks(z, 1), "it is not there any more");
    do {
        use(z, (unsigned) (2 + i), &other);
    } while (other != e && ++i < MANY);
    word = was;
    ok(other == e && !limit_swap(e, &word, word + 256),
       "nor is it when the entry has got another key");
    ok(peek(z, (unsigned) (2 + i), &word) == e && word >> LIMIT_REQ_TAG == 0,
       "which begins without a count");
}


/* What is used without the lock is not forgotten, and the lock is rarely taken
 * for it. */
static void
test_used(void)
{
    struct zone        *z = new_zone(&limit_req_use);
    struct limit_entry *first, *e;
    uint64_t            word = 0;
    unsigned            n, locked = 0;

    use(z, 0, &first);
    for (n = 1; n < MANY; n++) {
        use(z, n, &e);
        if (peek(z, 0, &word) != NULL)
            continue;
        locked++;
        if (use(z, 0, &e) || e != first)
            break;
    }
    is(n, MANY, "who is used without the lock is not forgotten");
    ok(locked > 10 && locked < MANY / 50, "%u times the lock was taken for it",
       locked);
}


/* As if it had died while it wrote a key. */
static void
add_half(struct zone *z)
{
    struct limit_key   key = key_of(3);
    struct limit_entry lost;

    limit_add(z, &key, &lost)->word |= 1;
}


static void
test_half(void)
{
    struct zone        *z = new_zone(&limit_req_use);
    struct limit_entry *e;
    uint64_t            word;

    use(z, 1, &e);
    die_with(z, add_half);
    ok(peek(z, 3, &word) == NULL, "a key that was not written whole");
    ok(!use(z, 3, &e) && peek(z, 3, &word) == e, "is added again");
    ok(!use(z, 1, &e) && peek(z, 1, &word) == e, "others are there");
}


static void
test_cost(void)
{
    struct zone        *z = new_zone(&limit_req_use);
    struct limit_entry *e, *idle;
    uint64_t            now = limit_moment(clock_ms()), word = 0;
    uint64_t            slow = limit_cost(1000), fast = limit_cost(6000000);

    limit_set_cost(z, slow);
    use(z, 1, &e);
    use(z, 2, &idle);
    peek(z, 1, &word);
    limit_swap(e, &word, (now + 3 * slow) << LIMIT_REQ_TAG | (uint8_t) word);
    limit_set_cost(z, slow);
    is((e->word >> LIMIT_REQ_TAG) - now, 3 * slow, "three requests");
    limit_set_cost(z, fast);
    is((e->word >> LIMIT_REQ_TAG) - now, 3 * fast, "... are three at any rate");
    is(idle->word >> LIMIT_REQ_TAG, 0, "none are none");
    is((uint8_t) e->word, (uint8_t) word, "the key is the same");
    limit_set_cost(z, slow);
    is((e->word >> LIMIT_REQ_TAG) - now, 3 * slow, "and back");
    is(limit_of_cost(now + LIMIT_FULL, 1, slow, now), now + LIMIT_FULL,
       "more than fits");
    is(limit_of_cost(now + 5, 0, slow, now), now + 5, "from no cost at all");
}


/* --- what is held ------------------------------------------------------------- */

static struct holder *mine;

enum { MOST = 100 };


static struct limit_hold
hold(struct zone *z, unsigned i)
{
    struct limit_key   key = key_of(i);
    struct limit_hold  out = { .entry = NULL };
    struct limit_entry lost;

    if (!limit_hold(z, &mine, &key, MOST, &out, &lost))
        out.entry = NULL;
    return out;
}


static unsigned
held_of(struct zone *z, unsigned i)
{
    struct limit_key    key = key_of(i);
    struct limit_entry *e;

    limit_lock(z);
    e = limit_find(z, &key);
    limit_unlock(z);
    return e != NULL ? limit_held(e) : 99;
}


/* With the lock or without. */
static void
hold_two(struct zone *z)
{
    struct held   *h = zone_root(z);
    struct holder *it = held_take(z, h);

    for (unsigned i = 0; i < 2; i++) {
        uint64_t            word = 0;
        struct limit_entry *e = peek(z, 1, &word);

        if (!holder_grow(z, it, 0) || !holder_begin(it, 0))
            exit(1);
        limit_swap(e, &word, word + (UINT64_C(1) << LIMIT_CONN_TAG));
        holder_end(it, 0, (uint32_t) word, 1);
    }
}


/* It dies before it notes what it has counted ... */
static void
hold_half(struct zone *z)
{
    struct holder      *it = held_take(z, zone_root(z));
    uint64_t            word = 0;
    struct limit_entry *e = peek(z, 1, &word);

    hold_two(z);
    holder_begin(it, 0);
    e->word += UINT64_C(1) << LIMIT_CONN_TAG;
}


/* ... or counts what it wanted to. */
static void
hold_nothing(struct zone *z)
{
    hold_two(z);
    holder_begin(held_take(z, zone_root(z)), 0);
}


static void
in_child(struct zone *z, void (*what)(struct zone *))
{
    pid_t pid = fork();

    if (pid == 0) {
        limit_lock(z);
        (void) held_take(z, zone_root(z));
        limit_unlock(z);
        what(z);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
}


/* Who has died is looked for every second. */
static void
next_second(struct zone *z)
{
    limit_table(z)->swept_at = 0;
}


static void
test_held(void)
{
    struct zone      *z = new_zone(&limit_conn_use);
    struct limit_hold one = hold(z, 1), two = hold(z, 1), other;

    is(held_of(z, 1), 2, "two are held");
    limit_give_back(z, &mine, &one);
    is(held_of(z, 1), 1, "one is given back");
    in_child(z, hold_two);
    is(limit_held(two.entry), 3, "a process that ends leaves two");
    next_second(z);
    is(held_of(z, 1), 1, "others give them back");
    in_child(z, hold_half);
    in_child(z, hold_nothing);
    is(limit_held(two.entry), 6, "some die on the way");
    next_second(z);
    is(held_of(z, 1), 1, "... which is found out");
    die_with(z, hold_half);
    is(held_of(z, 1), 1, "... at once, if they had the lock");
    limit_give_back(z, &mine, &two);
    is(held_of(z, 1), 0, "none");
    limit_lock(z);
    limit_remove(z, two.entry);
    limit_unlock(z);
    for (unsigned i = 2; (other = hold(z, i)).entry != two.entry && i < MANY;)
        i++;
    is_same(other.entry, two.entry, "the place is another key's");
    limit_give_back(z, &mine, &two);
    is(limit_held(other.entry), 1, "who had it before takes nothing from it");
}


static void
test_most(void)
{
    struct zone *z = new_zone(&limit_conn_use);
    unsigned     n = 0;

    mine = NULL;
    while (n < 2 * MOST && hold(z, 1).entry != NULL)
        n++;
    is(n, MOST, "no more than that");
    is(held_of(z, 1), MOST, "those who are refused are not counted");
}


static void
test_held_full(void)
{
    struct zone      *z = new_zone(&limit_conn_use);
    struct table     *t = limit_table(z);
    struct limit_hold first, one;
    unsigned          n, hand;

    mine = NULL;
    first = hold(z, 0);
    for (n = 1; n < MANY && limit_held(first.entry) == 1; n++) {
        one = hold(z, n);
        limit_give_back(z, &mine, &one);
    }
    is(n, MANY, "who is held is not forgotten for those who are not");
    for (n = 0; n < MANY && hold(z, 0).entry != NULL; n++)
        ;
    is(n, MOST - 1, "and limited");
    for (n = 0; n < MANY && held_of(z, 1) != 1; n++)
        one = hold(z, 1);
    for (n = 2; n < MANY && (uint32_t) one.entry->word == one.generation; n++)
        hold(z, n);
    ok(n < MANY, "when all are, the oldest is forgotten");
    is(limit_held(one.entry), 1, "the place has another count");
    limit_give_back(z, &mine, &one);
    is(limit_held(one.entry), 1, "and what is given back late is not of it");
    t->full_at = clock_ms() + 1;
    hand = t->hand;
    hold(z, MANY);
    ok(t->hand - hand < t->used / 2,
       "that all are held is not found out for each, by clocks that differ");
}


static struct limit_key dying;


static void
hold_and_give_back(void *arg)
{
    struct limit_hold  one;
    struct limit_entry lost;

    if (limit_hold(arg, &mine, &dying, MOST, &one, &lost))
        limit_give_back(arg, &mine, &one);
}


/* With the lock, or without. */
static void
begin_with(void *arg)
{
    (void) arg;
    dying = key_of(1);
    mine = NULL;
}


static void
begin_without(void *arg)
{
    begin_with(arg);
    hold_and_give_back(arg);
}


static void
test_deaths(const char *says, void (*begin)(void *), unsigned by)
{
    struct zone      *z = new_zone(&limit_conn_use);
    struct limit_hold one;
    unsigned          steps, wrong = 0;

    mine = NULL;
    one = hold(z, 1);
    for (steps = 0; death_after(begin, hold_and_give_back, z, steps);
         steps += by) {
        next_second(z);
        wrong += held_of(z, 1) != 1;
        if (by == 1)
            continue;
        limit_lock(z);
        limit_remove(z, one.entry);
        limit_unlock(z);
        one = hold(z, 1);
    }
    is(wrong, 0, "%s: who dies leaves nothing behind", says);
    ok(steps > 100, "... at any of %u instructions", steps);
}


/* --- many at once -------------------------------------------------------------- */

enum { CHILDREN = 4, KEYS = 12, FEW = 3, KILLS = 80, FLOOD = 2000 };

/* What the children tell: for each key, a byte for each of them that says how
 * many it holds. */
struct told {
    _Atomic uint32_t held[KEYS];
    _Atomic uint64_t holds, swaps, faults, others;
};


static unsigned
sum_of(uint32_t bytes)
{
    return (bytes & 255) + (bytes >> 8 & 255) + (bytes >> 16 & 255)
           + (bytes >> 24);
}


static void
hold_some(struct zone *z, struct told *told, unsigned child, unsigned i)
{
    struct limit_key   keys[] = { key_of(i), key_of((i + 5) % KEYS) };
    unsigned           of[] = { i, (i + 5) % KEYS };
    struct limit_hold  holds[2];
    struct limit_entry lost;
    uint32_t           one = UINT32_C(1) << child * 8;
    unsigned           n = 0, k;

    for (k = 0; k < 2; k++) {
        if (!limit_hold(z, &mine, &keys[k], FEW, &holds[n], &lost))
            continue;
        if (sum_of(atomic_fetch_add(&told->held[of[k]], one)) >= FEW)
            told->faults++;
        of[n++] = of[k];
        told->holds++;
    }
    for (k = 0; k < n; k++) {
        atomic_fetch_sub(&told->held[of[k]], one);
        limit_give_back(z, &mine, &holds[k]);
    }
}


/* The word of a key is its number and how often it was changed.  Only a swap that
 * succeeds shows that the word was that of the key. */
static void
swap_some(struct zone *z, struct told *told, unsigned i)
{
    uint64_t            word = 0, own = (uint64_t) (i + 1) << 40;
    struct limit_entry *e = peek(z, i, &word);

    if (e == NULL) {
        use(z, i, &e);
        return;
    }
    if (!limit_swap(e, &word, (word | own) + 256))
        return;
    told->swaps++;
    if (word >> 40 != 0 && word >> 40 != i + 1)
        told->others++;
}


static pid_t
start(struct zone *holds, struct zone *words, struct told *told, unsigned child,
      unsigned seed)
{
    pid_t    pid = fork();
    unsigned x = seed * 2654435761u + 1;

    if (pid != 0)
        return pid;
    mine = NULL;
    for (;;) {
        x = x * 1103515245 + 12345;
        hold_some(holds, told, child, (x >> 16) % KEYS);
        swap_some(words, told, (x >> 8) % (child == 0 ? FLOOD : KEYS));
        if ((x >> 16) % 1024 == 0)
            clock_update();
    }
}


/* What it held is not told any more before others can give it back, for which
 * it has to be gone. */
static void
end(struct told *told, unsigned child, pid_t pid)
{
    siginfo_t info;

    kill(pid, SIGKILL);
    waitid(P_PID, (id_t) pid, &info, WEXITED | WNOWAIT);
    for (unsigned i = 0; i < KEYS; i++)
        atomic_fetch_and(&told->held[i], ~(UINT32_C(255) << child * 8));
    waitpid(pid, NULL, 0);
}


static void
test_together(void)
{
    struct zone *holds = new_zone(&limit_conn_use);
    struct zone *words = new_zone(&limit_req_use);
    struct told *told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t        pids[CHILDREN];
    unsigned     i, held = 0;

    for (i = 0; i < CHILDREN; i++)
        pids[i] = start(holds, words, told, i, i);
    for (i = 0; i < KILLS; i++) {
        usleep(15000);
        end(told, i % CHILDREN, pids[i % CHILDREN]);
        pids[i % CHILDREN]
            = start(holds, words, told, i % CHILDREN, CHILDREN + i);
    }
    for (i = 0; i < CHILDREN; i++)
        end(told, i, pids[i]);
    next_second(holds);
    for (i = 0; i < KEYS; i++)
        held += held_of(holds, i) % 99;
    is(told->faults, 0, "no more are held at any time than may be");
    is(held, 0, "%d that were killed leave nothing behind", KILLS + CHILDREN);
    is(told->others, 0, "nobody counts in the entry of another key");
    ok(told->holds > 10000 && told->swaps > 10000,
       "%ju times one was held, and %ju times counted", (uintmax_t) told->holds,
       (uintmax_t) told->swaps);
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
    test_peek();
    test_used();
    test_half();
    test_cost();
    test_held();
    test_most();
    test_held_full();
    if (death_is_possible()) {
        test_deaths("without the lock", begin_without, 1);
        test_deaths("with the lock", begin_with, 37);
    }
    test_together();
    return done();
}
