/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A list of header fields, filled by thousands: each byte of the input is
 * something that is done to it, and to a plain list that only says what
 * stands where.  Both give the same fields, in the same order.
 */
#include "core/base/check.h"
#include "http/field.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    MANY = 8000, /* fewer than a list may get                               */
    EACH = 257,  /* added at once                                           */
    ASKED = 12,  /* times that a step reads all of it                       */
};

/* Known and unknown, and of each the same in other words. */
static const str_t names[] = {
    STR_INIT("Host"),       STR_INIT("hOST"),
    STR_INIT("Set-Cookie"), STR_INIT("ETag"),
    STR_INIT("X-A"),        STR_INIT("x-a"),
    STR_INIT("x_a"),        STR_INIT("X-Accel-Limit-Rate"),
    STR_INIT("Trailer"),    STR_INIT("Trailers"),
    STR_INIT(""),           STR_INIT("X-Forwarded-For"),
};

static const str_t values[]
    = { STR_INIT(""), STR_INIT("a"), STR_INIT("b, c"), STR_INIT("d\r\ne") };

enum what { ADD, ADD_MANY, SET, HIDE, ASK, WHATS };

static struct plain {
    unsigned char name, value;
    bool          is_hidden;
} plain[MANY];

struct lists {
    struct arena *arena;
    struct fields fields;
    size_t        n; /* of plain                                             */
};


static void
add(struct lists *l, unsigned name, unsigned value)
{
    struct field *new;

    if (l->n == MANY)
        return;
    plain[l->n++]
        = (struct plain){ (unsigned char) name, (unsigned char) value, false };
    new = fields_add(l->arena, &l->fields, names[name], values[value]);
    CHECK(new->id == field_id(names[name]));
    CHECK(str_eq(new->name, names[name]) && !new->is_hidden);
}


static void
hide(struct lists *l, str_t name)
{
    for (size_t i = 0; i < l->n; i++)
        plain[i].is_hidden |= str_ieq(names[plain[i].name], name);
}


static void
set(struct lists *l, unsigned name, unsigned value)
{
    enum field_id id = field_id(names[name]);

    if (id == FIELD_UNKNOWN || l->n == MANY)
        return;
    hide(l, names[name]);
    plain[l->n++]
        = (struct plain){ (unsigned char) name, (unsigned char) value, false };
    fields_set(l->arena, &l->fields, id, values[value]);
    CHECK(str_eq(fields_value(&l->fields, id), values[value]));
}


/* The next plain one of that name from i on. */
static size_t
next(const struct lists *l, size_t i, str_t name)
{
    while (i < l->n
           && (plain[i].is_hidden || !str_ieq(names[plain[i].name], name)))
        i++;
    return i;
}


static void
find(const struct lists *l, str_t name)
{
    const struct field *at = fields_find(&l->fields, name);
    size_t              i = next(l, 0, name);

    CHECK((at == NULL) == (i == l->n));
    CHECK(at == NULL || at == &l->fields.list.at[i]);
}


static void
walk(const struct lists *l, str_t name)
{
    enum field_id       id = field_id(name);
    const struct field *at;
    size_t              i = next(l, 0, name);

    if (id == FIELD_UNKNOWN)
        return;
    for (at = fields_get(&l->fields, id); at != NULL;
         at = fields_next(&l->fields, at))
    {
        CHECK(i < l->n && at == &l->fields.list.at[i] && at->id == id);
        CHECK(str_eq(at->value, values[plain[i].value]));
        i = next(l, i + 1, name);
    }
    CHECK(i == l->n);
}


/* As in variables: "-" is "_". */
static bool
is_named(str_t name, str_t variable)
{
    for (size_t i = 0; i < name.n && name.n == variable.n; i++)
        if (ascii_lower(name.p[i] == '-' ? '_' : name.p[i]) != variable.p[i])
            return false;
    return name.n == variable.n;
}


static void
join(const struct lists *l, str_t name)
{
    char   low[32];
    str_t  variable = { low, name.n }, rest;
    size_t i, n = 0;

    for (i = 0; i < name.n; i++)
        low[i] = ascii_lower(name.p[i] == '-' ? '_' : name.p[i]);
    rest = fields_joined(l->arena, &l->fields, variable, "; ");
    for (i = 0; i < l->n; i++) {
        if (plain[i].is_hidden || !is_named(names[plain[i].name], variable))
            continue;
        if (n++ != 0) {
            CHECK(str_starts(rest, STR("; ")));
            rest = str_from(rest, 2);
        }
        CHECK(str_starts(rest, values[plain[i].value]));
        rest = str_from(rest, values[plain[i].value].n);
    }
    CHECK(rest.n == 0 && (n != 0 || rest.p == NULL));
}


static void
check_all(const struct lists *l)
{
    char out[128];

    CHECK(l->fields.list.n == l->n);
    for (size_t i = 0; i < l->n; i++) {
        const struct field *at = &l->fields.list.at[i];
        str_t               text;

        CHECK(str_ieq(at->name, names[plain[i].name]));
        CHECK(str_eq(at->value, values[plain[i].value]));
        CHECK(at->is_hidden == plain[i].is_hidden);
        text = str_span(out, field_put(out, at->name, at->value));
        CHECK(text.n == at->name.n + at->value.n + FIELD_FRAME);
        CHECK(str_chr(text, '\n') == text.p + text.n - 1);
    }
}


static void
step(struct lists *l, enum what what, unsigned name, unsigned value)
{
    switch (what) {
    case ADD:
        add(l, name, value);
        break;
    case ADD_MANY:
        for (unsigned k = 0; k < EACH; k++)
            add(l, (name + k * value) % countof(names), value);
        break;
    case SET:
        set(l, name, value);
        break;
    case HIDE:
        if (field_id(names[name]) == FIELD_UNKNOWN)
            break;
        hide(l, names[name]);
        fields_hide(&l->fields, field_id(names[name]));
        break;
    case ASK:
    case WHATS:
        find(l, names[name]);
        walk(l, names[name]);
        join(l, names[name]);
        break;
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lists l = { .arena = arena_new(0) };
    unsigned     dear = 0;
    enum what    what;

    for (size_t i = 0; i + 1 < size; i += 2) {
        what = (enum what)(data[i] % WHATS);
        if (what != ADD && what != ADD_MANY && dear++ == ASKED)
            break;
        step(&l, what, data[i + 1] % countof(names),
             data[i] / WHATS % countof(values));
    }
    check_all(&l);
    arena_free(l.arena);
    return 0;
}
