/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Both are lists of names with values; they differ in what a value may be, and in
 * what becomes of one that is not as it should be.
 */
#include "http/gateway/cache_control.h"


/* --- what names mean ------------------------------------------------------------ */

static const struct {
    const char *name;
    unsigned    is;     /* or                                                */
    size_t      offset; /* of its seconds                                    */
} known[] = {
#define AT(member) offsetof(struct cache_control, member)
    { "no-store", CC_NO_STORE, 0 },
    { "no-cache", CC_NO_CACHE, 0 },
    { "private", CC_PRIVATE, 0 },
    { "public", CC_PUBLIC, 0 },
    { "must-revalidate", CC_MUST_REVALIDATE, 0 },
    { "proxy-revalidate", CC_PROXY_REVALIDATE, 0 },
    { "only-if-cached", CC_ONLY_IF_CACHED, 0 },
    { "must-understand", CC_MUST_UNDERSTAND, 0 },
    { "max-age", 0, AT(max_age) },
    { "s-maxage", 0, AT(s_maxage) },
    { "stale-while-revalidate", 0, AT(updating) },
    { "stale-if-error", 0, AT(error) },
    { "min-fresh", 0, AT(min_fresh) },
    { "max-stale", 0, AT(max_stale) },
#undef AT
};

enum { UNKNOWN = -1 };


static int
find(str_t name)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (str_ieq(name, str_of(known[i].name)))
            return (int) i;
    return UNKNOWN;
}


static void
set(struct cache_control *c, int which, int64_t seconds)
{
    int64_t *at = (int64_t *) (void *) ((char *) c + known[which].offset);

    if (known[which].is != 0)
        c->is |= known[which].is;
    else if (*at == -1 || seconds < *at)
        *at = seconds;
}


/* Digits only; -1: it is no number. */
static int64_t
seconds_of(str_t s)
{
    int64_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return -1;
        n = n * 10 + (s.p[i] - '0');
        n = n < CACHE_SECONDS_MAX ? n : CACHE_SECONDS_MAX;
    }
    return s.n != 0 ? n : -1;
}


/* --- Cache-Control --------------------------------------------------------------- */

/* Behind the text in quotes that *p begins with; its end where it is open. */
static str_t
take_quoted(const char **p, const char *end)
{
    const char *start = ++*p;

    while (*p < end && **p != '"')
        *p += **p == '\\' && *p + 1 < end ? 2 : 1;
    start = start < end ? start : end;
    return str_span(start, *p < end ? (*p)++ : (*p = end));
}


static void
take_one(struct cache_control *c, str_t name, str_t value, bool has_value)
{
    int     which = find(name);
    int64_t n = seconds_of(value);

    if (which == UNKNOWN)
        return;
    if (known[which].offset == offsetof(struct cache_control, max_stale)
        && !has_value && known[which].is == 0)
        c->is |= CC_ANY_MAX_STALE;
    else
        set(c, which, n < 0 ? 0 : n);
}


void
cache_control_take(struct cache_control *c, str_t list)
{
    const char *p = list.p, *end = list.p + list.n, *start;
    str_t       name, value;
    bool        has_value;

    while (p < end) {
        for (start = p; p < end && *p != ',' && *p != '='; p++)
            continue;
        name = str_trim(str_span(start, p));
        has_value = p < end && *p == '=';
        value = STR("");
        if (has_value && ++p < end && *p == '"')
            value = take_quoted(&p, end);
        for (start = p; p < end && *p != ','; p++)
            continue;
        if (value.n == 0)
            value = str_trim(str_span(start, p));
        take_one(c, name, value, has_value);
        p += p < end;
    }
}


/* --- dictionaries ------------------------------------------------------------------ */

enum kind { TRUE, FALSE, INTEGER, OTHER, INVALID };

struct text {
    const char *p, *end;
};


static bool
is_at(const struct text *t, char c)
{
    return t->p < t->end && *t->p == c;
}


static void
skip_spaces(struct text *t)
{
    while (is_at(t, ' ') || is_at(t, '\t'))
        t->p++;
}


static bool
is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}


static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}


/* False: no key is here. */
static bool
take_key(struct text *t, str_t *out)
{
    const char *start = t->p;

    if (t->p == t->end || (!is_lower(*t->p) && *t->p != '*'))
        return false;
    while (t->p < t->end
           && (is_lower(*t->p) || is_digit(*t->p)
               || memchr("_-.*", *t->p, 4) != NULL))
        t->p++;
    *out = str_span(start, t->p);
    return true;
}


static enum kind
take_number(struct text *t, int64_t *out)
{
    bool        is_negative = is_at(t, '-');
    const char *start = t->p += is_negative, *point;

    while (t->p < t->end && is_digit(*t->p))
        t->p++;
    if (t->p == start || t->p - start > 15)
        return INVALID;
    *out = seconds_of(str_span(start, t->p));
    if (!is_at(t, '.')) {
        *out = is_negative ? 0 : *out;
        return INTEGER;
    }
    for (point = t->p++; t->p < t->end && is_digit(*t->p); t->p++)
        continue;
    return point - start <= 12 && t->p - point >= 2 && t->p - point <= 4
               ? OTHER
               : INVALID;
}


static enum kind
take_string(struct text *t)
{
    for (t->p++; t->p < t->end && *t->p != '"'; t->p++) {
        if (*t->p == '\\'
            && (++t->p == t->end || (*t->p != '"' && *t->p != '\\')))
            return INVALID;
        if (*t->p < ' ' || *t->p > '~')
            return INVALID;
    }
    return t->p++ < t->end ? OTHER : INVALID;
}


static enum kind
take_bytes(struct text *t)
{
    for (t->p++; t->p < t->end && *t->p != ':'; t->p++)
        if (!is_lower(ascii_lower(*t->p)) && !is_digit(*t->p)
            && memchr("+/=", *t->p, 3) == NULL)
            return INVALID;
    return t->p++ < t->end ? OTHER : INVALID;
}


static enum kind
take_token(struct text *t)
{
    static const char more[] = "!#$%&'*+-.^_`|~:/";

    if (t->p == t->end || (!is_lower(ascii_lower(*t->p)) && *t->p != '*'))
        return INVALID;
    while (t->p < t->end
           && (is_lower(ascii_lower(*t->p)) || is_digit(*t->p)
               || memchr(more, *t->p, sizeof(more) - 1) != NULL))
        t->p++;
    return OTHER;
}


static enum kind
take_item(struct text *t, int64_t *n)
{
    if (t->p == t->end)
        return INVALID;
    if (*t->p == '-' || is_digit(*t->p))
        return take_number(t, n);
    if (*t->p == '"')
        return take_string(t);
    if (*t->p == ':')
        return take_bytes(t);
    if (*t->p != '?')
        return take_token(t);
    t->p++;
    if (!is_at(t, '0') && !is_at(t, '1'))
        return INVALID;
    return *t->p++ == '1' ? TRUE : FALSE;
}


static bool
take_parameters(struct text *t)
{
    str_t   key;
    int64_t n;

    while (is_at(t, ';')) {
        t->p++;
        while (is_at(t, ' '))
            t->p++;
        if (!take_key(t, &key))
            return false;
        if (!is_at(t, '='))
            continue;
        t->p++;
        if (take_item(t, &n) == INVALID)
            return false;
    }
    return true;
}


static enum kind
take_inner_list(struct text *t)
{
    int64_t n;

    for (t->p++;;) {
        while (is_at(t, ' '))
            t->p++;
        if (is_at(t, ')'))
            break;
        if (take_item(t, &n) == INVALID || !take_parameters(t)
            || (!is_at(t, ' ') && !is_at(t, ')')))
            return INVALID;
    }
    t->p++;
    return OTHER;
}


/* Directives whose value has another type have no effect. */
static void
take_member(struct cache_control *c, str_t name, enum kind kind, int64_t n)
{
    int which = find(name);

    if (which == UNKNOWN || which == find(STR("max-stale"))
        || kind != (known[which].is != 0 ? TRUE : INTEGER))
        return;
    set(c, which, n);
}


bool
cache_control_take_dictionary(struct cache_control *c, str_t value)
{
    struct cache_control all = *c;
    struct text          t = { value.p, value.p + value.n };
    str_t                key;
    enum kind            kind;
    int64_t              n = 0;

    skip_spaces(&t);
    if (t.p == t.end)
        return false;
    for (;;) {
        if (!take_key(&t, &key))
            return false;
        kind = TRUE;
        if (is_at(&t, '=')) {
            t.p++;
            kind = is_at(&t, '(') ? take_inner_list(&t) : take_item(&t, &n);
        }
        if (kind == INVALID || !take_parameters(&t))
            return false;
        take_member(&all, key, kind, n);
        skip_spaces(&t);
        if (t.p == t.end)
            break;
        if (*t.p++ != ',')
            return false;
        skip_spaces(&t);
    }
    *c = all;
    return true;
}


/* --- Age --------------------------------------------------------------------------- */

int64_t
cache_control_age(str_t value)
{
    int64_t n = seconds_of(str_trim(str_cut(&value, ',')));

    return n < 0 ? 0 : n;
}
