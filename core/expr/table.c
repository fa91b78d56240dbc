/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lookup tables.  Wildcards stand in tables of their own under what is fixed
 * of them, dot included (".name" of "*.name", "name." of "name.*"), so that a
 * look-up asks once for each label, the longest first.
 */
#include "core/expr/table.h"

enum { KEY_ON_STACK = 256 };

struct pattern {
    struct regex *regex;
    void         *value;
};

struct table {
    struct arena *arena;
    struct hash  *exact;
    struct hash  *leading; /* wildcards: NULL while there is none           */
    struct hash  *trailing;
    VEC(struct pattern) patterns;
};


struct table *
table_new(struct arena *a)
{
    struct table *t = arena_make(a, struct table);

    t->arena = a;
    t->exact = hash_new(a, 16, HASH_EXACT);
    return t;
}


static const char *
add_to(struct conf *cf, struct hash **h, str_t key, str_t shown, void *value)
{
    if (*h == NULL)
        *h = hash_new(cf->arena, 16, HASH_EXACT);
    if (hash_set(*h, key, value) != NULL)
        return conf_error(cf, "conflicting parameter \"" STR_F "\"",
                          STR_A(shown));
    return NULL;
}


/* At most one "*", no empty label, no NUL. */
static bool
is_wildcard_sound(str_t s)
{
    unsigned stars = 0;

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '*' && ++stars > 1)
            return false;
        if (s.p[i] == '\0')
            return false;
        if (s.p[i] == '.' && i + 1 < s.n && s.p[i + 1] == '.')
            return false;
    }
    return true;
}


static const char *
add_hostname(struct conf *cf, struct table *t, str_t key, void *value)
{
    const char *error;
    str_t       tail = key;

    if (!is_wildcard_sound(key))
        return conf_error(cf, "invalid hostname or wildcard \"" STR_F "\"",
                          STR_A(key));
    if (key.n > 1 && key.p[0] == '.') {
        error = add_to(cf, &t->leading, key, key, value);
        return error ? error
                     : add_to(cf, &t->exact, str_from(key, 1), key, value);
    }
    if (key.n > 2 && str_starts(key, STR("*.")))
        return add_to(cf, &t->leading, str_from(key, 1), key, value);
    if (key.n > 2 && str_ends(key, STR(".*"))) {
        tail.n--;
        return add_to(cf, &t->trailing, tail, key, value);
    }
    if (str_chr(key, '*') != NULL)
        return conf_error(cf, "invalid hostname or wildcard \"" STR_F "\"",
                          STR_A(key));
    return add_to(cf, &t->exact, key, key, value);
}


const char *
table_add(struct conf *cf, struct table *t, str_t key, bool is_hostname,
          void *value)
{
    char *low = arena_bytes(cf->arena, key.n + 1);

    str_lower_to(low, key);
    low[key.n] = '\0';
    key.p = low;
    if (is_hostname)
        return add_hostname(cf, t, key, value);
    return add_to(cf, &t->exact, key, key, value);
}


const char *
table_add_regex(struct conf *cf, struct table *t, str_t pattern, void *value)
{
    const char     *error = NULL;
    struct pattern *p;
    unsigned        flags = 0;
    struct regex   *regex;

    if (pattern.n != 0 && pattern.p[0] == '*') {
        flags = REGEX_NOCASE;
        pattern = str_from(pattern, 1);
    }
    regex = regex_compile(cf, pattern, flags, &error);
    if (regex == NULL)
        return conf_error(cf, "%s", error);
    p = vec_push(cf->arena, &t->patterns);
    p->regex = regex;
    p->value = value;
    return NULL;
}


static void *
find_leading(const struct hash *h, str_t key)
{
    void *value;

    for (size_t i = 1; i < key.n; i++) {
        if (key.p[i] != '.')
            continue;
        value = hash_get(h, str_from(key, i));
        if (value != NULL)
            return value;
    }
    return NULL;
}


static void *
find_trailing(const struct hash *h, str_t key)
{
    void *value;

    while (key.n > 1) {
        key.n--;
        if (key.p[key.n - 1] != '.')
            continue;
        value = hash_get(h, key);
        if (value != NULL)
            return value;
    }
    return NULL;
}


static void *
find_text(const struct table *t, str_t key)
{
    void *value = hash_get(t->exact, key);

    if (value == NULL && t->leading != NULL)
        value = find_leading(t->leading, key);
    if (value == NULL && t->trailing != NULL)
        value = find_trailing(t->trailing, key);
    return value;
}


void *
table_find(const struct table *t, struct task *task, str_t key)
{
    char  few[KEY_ON_STACK], *low = few;
    void *value;

    if (key.n > sizeof(few))
        low = arena_bytes(task->arena, key.n);
    str_lower_to(low, key);
    value = find_text(t, (str_t){ low, key.n });
    if (value != NULL)
        return value;
    VEC_EACH(&t->patterns, it) {
        if (regex_match(it->regex, task, key))
            return it->value;
    }
    return NULL;
}
