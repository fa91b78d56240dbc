/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists of fields, and the recognition of known names: a name is compared with
 * the few of its length and first letter.
 */
#include "http/field.h"

#include "core/base/check.h"

const str_t field_names[FIELD_COUNT] = { [FIELD_UNKNOWN] = STR_INIT(""),
#define X(id, name) [FIELD_##id] = STR_INIT(name),
                                         FIELD_LIST(X)
#undef X
};


const uint8_t field_classes[256] = {
    [0 ... ' '] = FIELD_STOP,  ['!' ... ','] = FIELD_ODD,
    ['.' ... '/'] = FIELD_ODD, [':'] = FIELD_STOP,
    [';' ... '@'] = FIELD_ODD, ['A' ... 'Z'] = FIELD_UPPER,
    ['[' ... '^'] = FIELD_ODD, ['_'] = FIELD_UNDERSCORED,
    ['`'] = FIELD_ODD,         ['{' ... '~'] = FIELD_ODD,
    [0x7f] = FIELD_STOP,       [0x80 ... 0xff] = FIELD_ODD,
};


enum { LONGEST = 20 };

/* The names of each length, with their first letters; a zero ends each row. */
static const struct known {
    char    letter;
    uint8_t id;
} by_length[LONGEST + 1][8] = {
    [2] = { { 't', FIELD_TE } },
    [3] = { { 'v', FIELD_VIA }, { 'a', FIELD_AGE } },
    [4] = { { 'h', FIELD_HOST },
            { 'd', FIELD_DATE },
            { 'e', FIELD_ETAG },
            { 'v', FIELD_VARY },
            { 'l', FIELD_LINK } },
    [5] = { { 'r', FIELD_RANGE }, { 'd', FIELD_DEPTH } },
    [6] = { { 'a', FIELD_ACCEPT },
            { 'c', FIELD_COOKIE },
            { 'e', FIELD_EXPECT },
            { 's', FIELD_SERVER },
            { 'p', FIELD_PRAGMA },
            { 's', FIELD_STATUS } },
    [7] = { { 'u', FIELD_UPGRADE },
            { 'r', FIELD_REFERER },
            { 'e', FIELD_EXPIRES },
            { 't', FIELD_TRAILER },
            { 'r', FIELD_REFRESH } },
    [8] = { { 'i', FIELD_IF_RANGE },
            { 'i', FIELD_IF_MATCH },
            { 'l', FIELD_LOCATION },
            { 'p', FIELD_PRIORITY } },
    [9] = { { 'x', FIELD_X_REAL_IP }, { 'o', FIELD_OVERWRITE } },
    [10] = { { 'c', FIELD_CONNECTION },
             { 'u', FIELD_USER_AGENT },
             { 'k', FIELD_KEEP_ALIVE },
             { 's', FIELD_SET_COOKIE } },
    [11] = { { 'd', FIELD_DESTINATION } },
    [12] = { { 'c', FIELD_CONTENT_TYPE } },
    [13] = { { 'a', FIELD_AUTHORIZATION },
             { 'i', FIELD_IF_NONE_MATCH },
             { 'c', FIELD_CACHE_CONTROL },
             { 'l', FIELD_LAST_MODIFIED },
             { 'a', FIELD_ACCEPT_RANGES },
             { 'c', FIELD_CONTENT_RANGE } },
    [14] = { { 'c', FIELD_CONTENT_LENGTH } },
    [15] = { { 'a', FIELD_ACCEPT_ENCODING },
             { 'a', FIELD_ACCEPT_LANGUAGE },
             { 'x', FIELD_X_FORWARDED_FOR },
             { 'x', FIELD_X_ACCEL_EXPIRES },
             { 'x', FIELD_X_ACCEL_CHARSET } },
    [16] = { { 'p', FIELD_PROXY_CONNECTION },
             { 'c', FIELD_CONTENT_ENCODING },
             { 'w', FIELD_WWW_AUTHENTICATE },
             { 'x', FIELD_X_ACCEL_REDIRECT } },
    [17] = { { 't', FIELD_TRANSFER_ENCODING },
             { 'i', FIELD_IF_MODIFIED_SINCE },
             { 'x', FIELD_X_ACCEL_BUFFERING } },
    [18]
    = { { 'p', FIELD_PROXY_AUTHENTICATE }, { 'x', FIELD_X_ACCEL_LIMIT_RATE } },
    [19] = { { 'i', FIELD_IF_UNMODIFIED_SINCE },
             { 'p', FIELD_PROXY_AUTHORIZATION } },
};


static inline uint64_t
word_at(const char *p)
{
    uint64_t w;

    memcpy(&w, p, sizeof(w));
    return w;
}


/* Four bytes from each place. */
static inline uint64_t
halves_at(const char *p, const char *q)
{
    uint32_t low, high;

    memcpy(&low, p, sizeof(low));
    memcpy(&high, q, sizeof(high));
    return low | (uint64_t) high << 32;
}


/* Whether n bytes are the same, as most names are written that come. */
static inline bool
is_same(const char *a, const char *b, size_t n)
{
    const size_t word = sizeof(uint64_t), half = word / 2;

    if (n < half)
        return memcmp(a, b, n) == 0;
    if (n < word)
        return halves_at(a, a + n - half) == halves_at(b, b + n - half);
    for (size_t at = 0; at < n - word; at += word)
        if (word_at(a + at) != word_at(b + at))
            return false;
    return word_at(a + n - word) == word_at(b + n - word);
}


enum field_id
field_id(str_t name)
{
    const struct known *k;

    if (name.n < 2 || name.n > LONGEST)
        return FIELD_UNKNOWN;
    for (k = by_length[name.n]; k->id != FIELD_UNKNOWN; k++)
        if (k->letter == (name.p[0] | 0x20)
            && (is_same(field_names[k->id].p, name.p, name.n)
                || str_ieq(field_names[k->id], name)))
            return (enum field_id) k->id;
    return FIELD_UNKNOWN;
}


struct field *
fields_add_known(struct arena *a, struct fields *f, enum field_id id,
                 str_t name, str_t value)
{
    struct field *new = vec_push(a, &f->list);
    uint16_t place = (uint16_t) f->list.n;

    CHECK(f->list.n < UINT16_MAX);
    new->name = name;
    new->value = value;
    new->id = id;
    if (id == FIELD_UNKNOWN)
        return new;
    if (f->first[id] == 0)
        f->first[id] = place;
    else
        f->list.at[f->last[id] - 1].next = place;
    f->last[id] = place;
    return new;
}


struct fields *
fields_want(struct arena *a, struct fields **f)
{
    if (*f == NULL)
        *f = arena_make(a, struct fields);
    return *f;
}


struct field *
fields_add(struct arena *a, struct fields *f, str_t name, str_t value)
{
    return fields_add_known(a, f, field_id(name), name, value);
}


struct field *
fields_add_id(struct arena *a, struct fields *f, enum field_id id, str_t value)
{
    return fields_add_known(a, f, id, field_names[id], value);
}


struct field *
fields_from(const struct fields *f, uint16_t place)
{
    struct field *at;

    while (place != 0) {
        at = &f->list.at[place - 1];
        if (!at->is_hidden)
            return at;
        place = at->next;
    }
    return NULL;
}


struct field *
fields_find(const struct fields *f, str_t name)
{
    enum field_id id = field_id(name);

    if (id != FIELD_UNKNOWN)
        return fields_get(f, id);
    VEC_EACH(&f->list, at)
        if (!at->is_hidden && at->id == FIELD_UNKNOWN
            && str_ieq(at->name, name))
            return at;
    return NULL;
}


str_t
fields_value(const struct fields *f, enum field_id id)
{
    const struct field *at = fields_get(f, id);

    return at ? at->value : STR_NONE;
}


void
fields_hide(struct fields *f, enum field_id id)
{
    struct field *at = fields_get(f, id);

    for (; at != NULL; at = fields_next(f, at))
        at->is_hidden = true;
}


void
fields_set(struct arena *a, struct fields *f, enum field_id id, str_t value)
{
    fields_hide(f, id);
    fields_add_id(a, f, id, value);
}


/* name is from a variable: lower case, "_" for "-". */
static bool
is_variable_of(str_t field, str_t name)
{
    size_t i;
    char   c;

    if (field.n != name.n)
        return false;
    for (i = 0; i < name.n; i++) {
        c = ascii_lower(field.p[i]);
        if ((c == '-' ? '_' : c) != name.p[i])
            return false;
    }
    return true;
}


str_t
fields_joined(struct arena *a, const struct fields *f, str_t name,
              const char *sep)
{
    const struct field *first = NULL;
    size_t              n = 0, many = 0, n_sep = strlen(sep);
    char               *out, *p;

    if (f == NULL)
        return STR_NONE;
    VEC_EACH(&f->list, at) {
        if (at->is_hidden || !is_variable_of(at->name, name))
            continue;
        if (first == NULL)
            first = at;
        n += at->value.n;
        many++;
    }
    if (many == 0)
        return STR_NONE;
    if (many == 1)
        return first->value;

    p = out = arena_bytes(a, n + (many - 1) * n_sep);
    VEC_EACH(&f->list, it) {
        if (it->is_hidden || !is_variable_of(it->name, name))
            continue;
        if (it != first) {
            memcpy(p, sep, n_sep);
            p += n_sep;
        }
        memcpy(p, it->value.p, it->value.n);
        p += it->value.n;
    }
    return str_span(out, p);
}


bool
field_has_word(str_t value, str_t word)
{
    str_t part;

    while (value.p != NULL) {
        part = str_cut(&value, ',');
        if (str_ieq(str_trim(part), word))
            return true;
    }
    return false;
}


/* A byte repeated in each byte of a word; whether a word has one below ' ':
 * only such a byte borrows without having had its top bit. */
#define ONES 0x0101010101010101u
#define HAS_CONTROL(w) ((((w) - ' ' * ONES) & ~(w) &0x80 * ONES) != 0)


static inline bool
is_break(char c)
{
    return c == '\n' || c == '\r' || c == '\0';
}


static bool
find_break(uint64_t w)
{
    for (unsigned i = 0; i < sizeof(w); i++)
        if (is_break((char) (w >> i * 8)))
            return true;
    return false;
}


/* Other controls are rare. */
static inline bool
word_has_break(uint64_t w)
{
    return HAS_CONTROL(w) && find_break(w);
}


/* Eight bytes at once; the last ones may have been looked at before. */
static inline bool
has_break(str_t value)
{
    const size_t word = sizeof(uint64_t), half = word / 2;

    if (value.n >= word) {
        for (size_t at = 0; at < value.n - word; at += word)
            if (word_has_break(word_at(value.p + at)))
                return true;
        return word_has_break(word_at(value.p + value.n - word));
    }
    if (value.n >= half)
        return word_has_break(halves_at(value.p, value.p + value.n - half));
    for (size_t i = 0; i < value.n; i++)
        if (is_break(value.p[i]))
            return true;
    return false;
}


bool
field_has_break(str_t value)
{
    return has_break(value);
}


static inline char *
put_text(char *p, str_t text)
{
    char *end = str_put(p, text);

    if (has_break(text))
        for (; p < end; p++)
            if (is_break(*p))
                *p = ' ';
    return end;
}


char *
field_put_text(char *p, str_t text)
{
    return put_text(p, text);
}


char *
field_put(char *p, str_t name, str_t value)
{
    p = str_put(p, name);
    *p++ = ':';
    *p++ = ' ';
    p = put_text(p, value);
    *p++ = '\r';
    *p++ = '\n';
    return p;
}


str_t
field_clean(struct arena *a, str_t value)
{
    char *p;

    if (!field_has_break(value))
        return value;
    p = arena_bytes(a, value.n);
    field_put_text(p, value);
    return (str_t){ p, value.n };
}
