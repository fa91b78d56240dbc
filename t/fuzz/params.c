/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parameters in the three forms in which they are sent.  Each is read as its
 * specification says, and has to give what went in.  A line of the input is a
 * name, a "=" and a value; "*" at its start makes it as long as the records of
 * FastCGI, and some more.
 */
#include "core/base/check.h"
#include "modules/gateway/fastcgi_record.h"
#include "modules/gateway/params_form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MANY = 64, LONG = FASTCGI_MAX + 10 };


static unsigned
byte(str_t s, size_t at)
{
    CHECK(at < s.n);
    return (unsigned char) s.p[at];
}


static str_t
take(str_t *s, size_t n)
{
    str_t taken = { s->p, n };

    CHECK(n <= s->n);
    *s = str_from(*s, n);
    return taken;
}


/* --- what went in --------------------------------------------------------- */

struct param {
    str_t name, value;
};

struct list {
    struct param at[MANY];
    size_t       n;
};


static str_t
lengthen(struct arena *a, str_t s)
{
    char *p = arena_bytes(a, LONG);

    for (size_t i = 0; i < LONG; i++)
        p[i] = s.p[i % s.n];
    return (str_t){ p, LONG };
}


static void
read_list(struct arena *a, struct list *out, str_t in)
{
    out->n = 0;
    while (in.n != 0 && out->n < MANY) {
        const char *end = str_chr(in, '\n');
        str_t       line = end ? str_span(in.p, end) : in;
        const char *equal = str_chr(line, '=');
        str_t       name = equal ? str_span(line.p, equal) : line;

        in = str_from(in, line.n + (end != NULL));
        line = str_from(line, name.n + (equal != NULL));
        if (name.n != 0 && name.p[0] == '*' && line.n != 0)
            line = lengthen(a, line);
        out->at[out->n++] = (struct param){ name, line };
    }
}


static void
add_all(struct params *out, struct arena *a, params_put *put,
        const struct list *list)
{
    params_init(out, a, put);
    for (size_t i = 0; i < list->n; i++)
        params_add(out, list->at[i].name, list->at[i].value);
}


/* --- what came out -------------------------------------------------------- */

static bool
is_spaced(str_t text, str_t of)
{
    if (text.n != of.n)
        return false;
    for (size_t i = 0; i < of.n; i++)
        if (text.p[i] != (of.p[i] == '\0' ? ' ' : of.p[i]))
            return false;
    return true;
}


static str_t
take_ended(str_t *s)
{
    const char *end = str_chr(*s, '\0');
    str_t       taken;

    CHECK(end != NULL);
    taken = take(s, (size_t) (end - s->p));
    (void) take(s, 1);
    return taken;
}


static void
read_scgi(const struct list *params, str_t s)
{
    size_t n = 0;

    while (byte(s, 0) != ':')
        n = n * 10 + byte(take(&s, 1), 0) - '0';
    (void) take(&s, 1);
    CHECK(s.n == n + 1 && s.p[n] == ',');
    s.n = n;
    for (size_t i = 0; i < params->n; i++) {
        CHECK(is_spaced(take_ended(&s), params->at[i].name));
        CHECK(is_spaced(take_ended(&s), params->at[i].value));
    }
    CHECK(s.n == 0);
}


static str_t
take_sized(str_t *s)
{
    str_t size = take(s, 2);

    return take(s, byte(size, 0) | byte(size, 1) << 8);
}


static void
read_uwsgi(const struct list *params, str_t s, size_t size)
{
    str_t head;

    if (size > UWSGI_MAX) {
        CHECK(s.p == NULL);
        return;
    }
    head = take(&s, UWSGI_HEADER);
    CHECK(byte(head, 0) == 7 && byte(head, 3) == 9 && s.n == size);
    CHECK((byte(head, 1) | byte(head, 2) << 8) == size);
    for (size_t i = 0; i < params->n; i++) {
        CHECK(str_eq(take_sized(&s), params->at[i].name));
        CHECK(str_eq(take_sized(&s), params->at[i].value));
    }
    CHECK(str_is(s, "more"));
}


static size_t
take_length(str_t *s)
{
    size_t n = byte(take(s, 1), 0);

    if (n < 128)
        return n;
    n = n & 127;
    for (int i = 0; i < 3; i++)
        n = n << 8 | byte(take(s, 1), 0);
    CHECK(n >= 128);
    return n;
}


/* The contents of the records behind the first, which are taken together. */
static str_t
join_records(struct arena *a, str_t s, bool has_body)
{
    char  *start = arena_bytes(a, s.n), *p = start;
    size_t n = 1;

    while (n != 0) {
        str_t head = take(&s, FASTCGI_HEADER);

        n = byte(head, 4) << 8 | byte(head, 5);
        CHECK(byte(head, 1) == FASTCGI_PARAMS && byte(head, 6) == 0);
        memcpy(p, take(&s, n).p, n);
        p += n;
    }
    if (!has_body)
        CHECK(byte(take(&s, FASTCGI_HEADER), 1) == FASTCGI_STDIN);
    CHECK(s.n == 0);
    return str_span(start, p);
}


static void
read_fastcgi(struct arena *a, const struct list *params, str_t s, bool keeps,
             bool has_body)
{
    str_t begin = take(&s, 2 * FASTCGI_HEADER);

    CHECK(byte(begin, 0) == 1 && byte(begin, 1) == FASTCGI_BEGIN);
    CHECK(byte(begin, 5) == FASTCGI_HEADER && byte(begin, 9) == 1);
    CHECK(byte(begin, 10) == keeps);
    s = join_records(a, s, has_body);
    for (size_t i = 0; i < params->n; i++) {
        size_t name = take_length(&s), value = take_length(&s);

        CHECK(str_eq(take(&s, name), params->at[i].name));
        CHECK(str_eq(take(&s, value), params->at[i].value));
    }
    CHECK(s.n == 0);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned char modifiers[] = { 7, 9 };
    struct arena              *a = arena_new(0);
    static struct list         in;
    struct params              params;
    size_t                     n;
    str_t                      s;

    read_list(a, &in, (str_t){ (const char *) data, size });
    add_all(&params, a, params_put_scgi, &in);
    read_scgi(&in, params_scgi(&params));
    add_all(&params, a, params_put_uwsgi, &in);
    s = params_uwsgi(&params, modifiers, STR("more"), &n);
    read_uwsgi(&in, s, n);
    add_all(&params, a, params_put_fastcgi, &in);
    s = params_fastcgi(&params, size & 1, size & 2);
    read_fastcgi(a, &in, s, size & 1, size & 2);
    arena_free(a);
    return 0;
}
