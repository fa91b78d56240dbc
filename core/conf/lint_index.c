/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds settings by name in constant time, in blocks that have thousands of
 * them: a server of many locations has a setting for each, and each location
 * looks for settings of the server.  Indexes are made on first use.
 */
#include "core/conf/lint.h"

enum { FEW = 16 };

struct lint_block {
    const struct conf_block *block;   /* the key                             */
    struct hash             *by_name; /* the last setting of each name       */
    struct hash             *before;  /* of a setting: the one before it     */
    struct lint_blocks       ifs;
    bool                     has_ifs;
};


/* The key is the pointer itself, which does not move. */
static str_t
key_of(const void *pointer_at)
{
    return (str_t){ pointer_at, sizeof(void *) };
}


static struct lint_block *
entry_of(struct lint *l, const struct conf_block *b)
{
    struct lint_block *e;

    if (l->blocks == NULL)
        l->blocks = hash_new(l->arena, 64, HASH_EXACT);
    e = hash_get(l->blocks, key_of(&b));
    if (e == NULL) {
        e = arena_make(l->arena, struct lint_block);
        e->block = b;
        hash_set(l->blocks, key_of(&e->block), e);
    }
    return e;
}


static bool
has_few(const struct conf_block *b)
{
    const struct setting *s = b->settings;
    unsigned              n = 0;

    for (; s != NULL && n <= FEW; s = s->next)
        n++;
    return n <= FEW;
}


/* Settings come last first: what is met is before what was met earlier. */
static void
index_settings(struct lint *l, struct lint_block *e)
{
    struct hash           *first = hash_new(l->arena, 64, HASH_EXACT);
    const struct setting  *s, *later;
    const struct setting **key;

    e->by_name = hash_new(l->arena, 64, HASH_EXACT);
    e->before = hash_new(l->arena, 64, HASH_EXACT);
    for (s = e->block->settings; s != NULL; s = s->next) {
        str_t name = str_of(s->row->name);
        void *value = (void *) (uintptr_t) s;

        later = hash_set(first, name, value);
        if (later == NULL) {
            hash_set(e->by_name, name, value);
            continue;
        }
        key = arena_make(l->arena, const struct setting *);
        *key = later;
        hash_set(e->before, key_of(key), value);
    }
}


static const struct lint_block *
index_of(struct lint *l, const struct conf_block *b)
{
    struct lint_block *e;

    if (has_few(b))
        return NULL;
    e = entry_of(l, b);
    if (e->by_name == NULL)
        index_settings(l, e);
    return e;
}


const struct setting *
lint_named(struct lint *l, const struct conf_block *b, const char *name)
{
    const struct lint_block *e = index_of(l, b);

    return e ? hash_get(e->by_name, str_of(name)) : setting_named(b, name);
}


const struct setting *
lint_before(struct lint *l, const struct conf_block *b, const struct setting *s)
{
    const struct lint_block *e = index_of(l, b);

    return e ? hash_get(e->before, key_of(&s)) : setting_before(s);
}


const struct setting *
lint_in_force(struct lint *l, const struct conf_block *b, const char *name,
              const struct conf_block **at)
{
    const struct setting *s = NULL;

    for (; b != NULL && s == NULL; b = b->up) {
        s = lint_named(l, b, name);
        if (s != NULL && at != NULL)
            *at = b;
    }
    return s;
}


const struct lint_blocks *
lint_ifs(struct lint *l, const struct conf_block *b)
{
    struct lint_block *e = entry_of(l, b);

    if (!e->has_ifs)
        for (b = b->first; b != NULL; b = b->next)
            if (b->kind & (IN_IF | IN_SERVER_IF))
                *vec_push(l->arena, &e->ifs) = b;
    e->has_ifs = true;
    return &e->ifs;
}


struct hash *
lint_table(struct lint *l, const char *name, enum hash_case fold, bool *is_new)
{
    struct hash *table;

    if (l->tables == NULL)
        l->tables = hash_new(l->arena, 8, HASH_EXACT);
    table = hash_get(l->tables, str_of(name));
    *is_new = table == NULL;
    if (table == NULL) {
        table = hash_new(l->arena, 64, fold);
        hash_set(l->tables, str_of(name), table);
    }
    return table;
}
