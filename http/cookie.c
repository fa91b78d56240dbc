/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cookies.
 */
#include "http/cookie.h"


static str_t
trim_blanks(str_t s)
{
    s = str_skip(s, ' ');
    while (s.n != 0 && s.p[s.n - 1] == ' ')
        s.n--;
    return s;
}


/* Matches "name = value" in a part of the field between ";". */
static bool
is_pair(str_t pair, str_t name, str_t *value)
{
    if (!str_istarts(pair, name))
        return false;
    pair = str_skip(str_from(pair, name.n), ' ');
    if (pair.n == 0 || pair.p[0] != '=')
        return false;
    *value = str_skip(str_from(pair, 1), ' ');
    return true;
}


bool
cookie_find(str_t field, str_t name, str_t *value)
{
    while (field.p != NULL)
        if (is_pair(str_skip(str_cut(&field, ';'), ' '), name, value))
            return true;
    return false;
}


bool
cookie_is_set(str_t field, str_t name, str_t *value)
{
    return is_pair(str_cut(&field, ';'), name, value);
}


bool
cookie_split(struct arena *a, str_t field, struct cookie *out)
{
    struct cookie_part *part;
    str_t               rest;

    memset(out, 0, sizeof(*out));
    while (field.p != NULL) {
        part = vec_push(a, &out->parts);
        rest = str_cut(&field, ';');
        part->name = trim_blanks(str_cut(&rest, '='));
        part->value = rest.p != NULL ? trim_blanks(rest) : STR_NONE;
        part->is_dropped = false;
    }
    return out->parts.n != 0 && out->parts.at[0].value.p != NULL;
}


static char *
put(char *p, str_t s)
{
    if (s.n != 0)
        memcpy(p, s.p, s.n);
    return p + s.n;
}


str_t
cookie_join(struct arena *a, const struct cookie *c)
{
    size_t n = 0;
    char  *out, *p;

    VEC_EACH(&c->parts, part)
        n += part->name.n + part->value.n + sizeof("=; ");
    p = out = arena_bytes(a, n + 1);
    VEC_EACH(&c->parts, at) {
        if (at->is_dropped)
            continue;
        if (p != out)
            p = put(p, STR("; "));
        p = put(p, at->name);
        if (at->value.p == NULL)
            continue;
        *p++ = '=';
        p = put(p, at->value);
    }
    return str_span(out, p);
}


/* The index of the attribute with that name, from an index on; the number of
 * parts if there is none. */
static size_t
find_attribute(const struct cookie *c, size_t from, str_t name)
{
    while (from < c->parts.n
           && (c->parts.at[from].is_dropped
               || !str_ieq(c->parts.at[from].name, name)))
        from++;
    return from;
}


static void
drop(struct cookie *c, str_t name)
{
    size_t i;

    for (i = find_attribute(c, 1, name); i < c->parts.n;
         i = find_attribute(c, i, name))
        c->parts.at[i].is_dropped = true;
}


/* Adds an attribute, or replaces it if it has another value. */
static void
ensure(struct arena *a, struct cookie *c, str_t name, str_t value)
{
    size_t              i = find_attribute(c, 1, name);
    struct cookie_part *part;

    if (i < c->parts.n
        && (value.p == NULL || str_ieq(c->parts.at[i].value, value)))
        return;
    part = i < c->parts.n ? &c->parts.at[i] : vec_push(a, &c->parts);
    *part = (struct cookie_part){ .name = name, .value = value };
}


void
cookie_set_flags(struct arena *a, struct cookie *c, unsigned flags)
{
    if (flags & COOKIE_SECURE)
        ensure(a, c, STR("Secure"), STR_NONE);
    else if (flags & COOKIE_NOSECURE)
        drop(c, STR("Secure"));
    if (flags & COOKIE_HTTPONLY)
        ensure(a, c, STR("HttpOnly"), STR_NONE);
    else if (flags & COOKIE_NOHTTPONLY)
        drop(c, STR("HttpOnly"));
    if (flags & COOKIE_SAMESITE_STRICT)
        ensure(a, c, STR("SameSite"), STR("Strict"));
    else if (flags & COOKIE_SAMESITE_LAX)
        ensure(a, c, STR("SameSite"), STR("Lax"));
    else if (flags & COOKIE_SAMESITE_NONE)
        ensure(a, c, STR("SameSite"), STR("None"));
    else if (flags & COOKIE_NOSAMESITE)
        drop(c, STR("SameSite"));
}
