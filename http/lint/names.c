/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names that two servers on the same address share: the first server gets all
 * requests.
 */
#include "http/lint/rules.h"
#include "http/main.h"

struct tables {
    struct lint *l;
    struct hash *exact, *leading, *trailing; /* setting by name             */
};


static void
put(struct tables *t, struct hash *table, str_t key, str_t name,
    const struct conf_block *b, const struct setting *s)
{
    const struct setting *before = hash_get(table, key);

    if (before == NULL) {
        hash_set(table, key, (void *) (uintptr_t) s);
        return;
    }
    lint_at(t->l, b, s,
            STR("take the name from one of them, or let the servers listen "
                "on different addresses"),
            "the name \"" STR_F "\" is ignored: it stands at " STR_F
            " already, for the same address",
            STR_A(name), STR_A(lint_place(t->l, before)));
}


static void
put_name(struct tables *t, str_t name, const struct conf_block *b,
         const struct setting *s)
{
    char *lower = arena_bytes(t->l->arena, name.n + 1);
    str_t key = { lower, name.n };

    str_lower_to(lower, name);
    if (name.n == 0 || name.p[0] == '~')
        return;
    if (key.p[0] == '.') {
        put(t, t->exact, str_from(key, 1), name, b, s);
        put(t, t->leading, key, name, b, s);
    } else if (key.p[0] == '*') {
        put(t, t->leading, str_from(key, 1), name, b, s);
    } else if (key.p[key.n - 1] == '*') {
        put(t, t->trailing, (str_t){ key.p, key.n - 1 }, name, b, s);
    } else {
        put(t, t->exact, key, name, b, s);
    }
}


/* Settings are listed in reverse order: recursion restores it. */
static void
put_settings(struct tables *t, const struct conf_block *b,
             const struct setting *s)
{
    unsigned i;

    if (s == NULL)
        return;
    put_settings(t, b, setting_before(s));
    for (i = 1; i < s->n_args; i++)
        put_name(t, s->args[i], b, s);
}


void
lint_duplicate_server_name(struct lint *l)
{
    const struct http_main *m = http_main_of(l->gen);

    VEC_EACH(&m->addresses, a) {
        struct tables t = { .l = l };

        t.exact = hash_new(l->arena, (*a)->servers.n, HASH_EXACT);
        t.leading = hash_new(l->arena, 8, HASH_EXACT);
        t.trailing = hash_new(l->arena, 8, HASH_EXACT);
        VEC_EACH(&(*a)->servers, s)
            put_settings(&t, (*s)->block,
                         setting_named((*s)->block, "server_name"));
    }
}
