/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lookup tables.  Wildcards are in tables of their own, by their fixed part
 * with the dot (".name" of "*.name", "name." of "name.*"), so that a lookup
 * needs one probe per label, the longest first.
 */
#include "core/expr/table.h"

enum { KEY_ON_STACK = 256 };

/* Longer texts are certainly not in it: they are not looked up. */
struct names {
    struct hash *hash; /* NULL while there is none                           */
    size_t       longest;
};

struct table {
    struct names exact, leading, trailing; /* the latter two of wildcards    */
    struct patterns patterns;
};


struct table *
table_new(struct arena *a)
{
    return arena_make(a, struct table);
}


static const char *
add_to(struct conf *cf, struct names *to, str_t key, str_t shown, void *value)
{
    if (to->hash == NULL)
        to->hash = hash_new(cf->arena, 16, HASH_EXACT);
    if (hash_set(to->hash, key, value) != NULL)
        return conf_error(cf, "conflicting parameter \"" STR_F "\"",
                          STR_A(shown));
    if (to->longest < key.n)
        to->longest = key.n;
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
    const char   *error = NULL;
    unsigned      flags = 0;
    struct regex *regex;

    if (pattern.n != 0 && pattern.p[0] == '*') {
        flags = REGEX_NOCASE;
        pattern = str_from(pattern, 1);
    }
    regex = regex_compile(cf, pattern, flags, &error);
    if (regex == NULL)
        return conf_error(cf, "%s", error);
    patterns_add(cf->arena, &t->patterns, regex, value);
    return NULL;
}


static void *
find_in(const struct names *names, str_t key)
{
    if (names->hash == NULL || key.n > names->longest)
        return NULL;
    return hash_get(names->hash, key);
}


static void *
find_leading(const struct names *names, str_t key)
{
    size_t i = key.n > names->longest ? key.n - names->longest : 0;
    void  *value;

    for (; i < key.n; i++) {
        if (key.p[i] != '.')
            continue;
        value = find_in(names, str_from(key, i));
        if (value != NULL)
            return value;
    }
    return NULL;
}


static void *
find_trailing(const struct names *names, str_t key)
{
    void *value;

    if (key.n > names->longest + 1)
        key.n = names->longest + 1;
    while (key.n > 1) {
        key.n--;
        if (key.p[key.n - 1] != '.')
            continue;
        value = find_in(names, key);
        if (value != NULL)
            return value;
    }
    return NULL;
}


/* Texts longer than all names can only match wildcards. */
static void *
find_text(const struct table *t, struct task *task, str_t key)
{
    bool  has_wildcards = t->leading.hash != NULL || t->trailing.hash != NULL;
    char  few[KEY_ON_STACK], *low = few;
    void *value;

    if (key.n > t->exact.longest && !has_wildcards)
        return NULL;
    if (key.n > sizeof(few))
        low = arena_bytes(task->arena, key.n);
    str_lower_to(low, key);
    key.p = low;
    value = find_in(&t->exact, key);
    if (value == NULL && t->leading.hash != NULL)
        value = find_leading(&t->leading, key);
    if (value == NULL && t->trailing.hash != NULL)
        value = find_trailing(&t->trailing, key);
    return value;
}


bool
table_find(const struct table *t, struct task *task, str_t key, void **value)
{
    *value = find_text(t, task, key);
    if (*value != NULL || key.n == 0)
        return true;
    return patterns_find(&t->patterns, task, key, value);
}
