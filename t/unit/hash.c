/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables: growth, both kinds of keys, replacing, walking. */
#include "t/unit/tap.h"

#include "core/base/hash.h"

enum { KEYS = 5000 };


static void
count(str_t key, void *value, void *arg)
{
    (void) key;
    *(size_t *) arg += (size_t) (*(char *) value == 'v');
}


static void
test_many(struct arena *a, size_t expected)
{
    struct hash *h = hash_new(a, expected, HASH_EXACT);
    str_t        keys[KEYS];
    size_t       found = 0, missed = 0, walked = 0;
    char        *value = arena_bytes(a, KEYS);

    memset(value, 'v', KEYS);
    for (int i = 0; i < KEYS; i++) {
        keys[i] = arena_printf(a, "key%d", i);
        hash_set(h, keys[i], value + i);
    }
    for (int i = 0; i < KEYS; i++) {
        found += hash_get(h, keys[i]) == value + i;
        missed += hash_get(h, arena_printf(a, "kex%d", i)) == NULL;
    }
    hash_each(h, count, &walked);
    is(hash_count(h), KEYS, "%zu expected: all are counted", expected);
    is(found, KEYS, "all are found");
    is(missed, KEYS, "and no others");
    is(walked, KEYS, "each is walked over once");
}


int
main(void)
{
    struct arena *a = arena_new(0);
    struct hash  *h = hash_new(a, 0, HASH_EXACT);
    char          one[] = "1", two[] = "2";

    is_same(hash_get(h, STR("x")), NULL, "an empty table");
    is_same(hash_set(h, STR("Host"), one), NULL, "a new key");
    is_same(hash_get(h, STR("Host")), one, "is there");
    is_same(hash_get(h, STR("host")), NULL, "with its case");
    is_same(hash_set(h, STR("Host"), two), one,
            "replacing gives the old value");
    is_same(hash_get(h, STR("Host")), two, "and the new one stands");
    is(hash_count(h), 1, "for one key");
    ok(hash_set(h, STR(""), one) == NULL && hash_get(h, STR("")) == one,
       "the empty key");

    h = hash_new(a, 3, HASH_NOCASE);
    hash_set(h, STR("Content-Type"), one);
    is_same(hash_get(h, STR("CONTENT-type")), one, "without case");
    is_same(hash_set(h, STR("content-TYPE"), two), one, "in setting too");

    test_many(a, 0);
    test_many(a, KEYS);
    arena_free(a);
    return done();
}
