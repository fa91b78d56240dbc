/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open addressing with linear probing, at most three quarters full, and no
 * removal; so a probe ends at the first slot without a value.
 */
#include "core/base/hash.h"

struct slot {
    str_t    key;
    void    *value; /* NULL: the slot is free */
    uint32_t hash;
};

struct hash {
    struct slot   *slots;
    size_t         mask, n; /* slots - 1; keys */
    enum hash_case fold;
    struct arena  *arena;
};


static uint32_t
hash_of(const struct hash *h, str_t key)
{
    return h->fold == HASH_NOCASE ? str_ihash(key) : str_hash(key);
}


/* The slot that holds key, or the free one where it would go. */
static inline struct slot *
find(const struct hash *h, str_t key, uint32_t hash)
{
    struct slot *s;
    size_t       i;

    for (i = hash & h->mask;; i = (i + 1) & h->mask) {
        s = &h->slots[i];
        if (!s->value)
            return s;
        if (s->hash == hash && s->key.n == key.n
            && (h->fold == HASH_NOCASE ? str_ieq(s->key, key)
                                       : str_eq(s->key, key)))
            return s;
    }
}


struct hash *
hash_new(struct arena *a, size_t expected, enum hash_case fold)
{
    struct hash *h = arena_make(a, struct hash);
    size_t       slots = 8;

    while (slots / 4 * 3 < expected)
        slots *= 2;

    h->slots = arena_array(a, struct slot, slots);
    h->mask = slots - 1;
    h->fold = fold;
    h->arena = a;
    return h;
}


static void
widen(struct hash *h)
{
    struct slot *old = h->slots;
    size_t       slots = h->mask + 1, i;

    h->slots = arena_array(h->arena, struct slot, slots * 2);
    h->mask = slots * 2 - 1;

    for (i = 0; i < slots; i++) {
        if (old[i].value)
            *find(h, old[i].key, old[i].hash) = old[i];
    }
}


void *
hash_set(struct hash *h, str_t key, void *value)
{
    uint32_t     hash = hash_of(h, key);
    struct slot *s = find(h, key, hash);
    void        *before = s->value;

    if (before) {
        s->value = value;
        return before;
    }
    if (h->n >= (h->mask + 1) / 4 * 3) {
        widen(h);
        s = find(h, key, hash);
    }
    *s = (struct slot){ key, value, hash };
    h->n++;
    return NULL;
}


void *
hash_get(const struct hash *h, str_t key)
{
    return find(h, key, hash_of(h, key))->value;
}


size_t
hash_count(const struct hash *h)
{
    return h->n;
}


void
hash_each(const struct hash *h, hash_fn *fn, void *arg)
{
    size_t i;

    for (i = 0; i <= h->mask; i++) {
        if (h->slots[i].value)
            fn(h->slots[i].key, h->slots[i].value, arg);
    }
}
