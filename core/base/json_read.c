/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A value is skipped by counting brackets outside of strings, so that depth
 * costs nothing.
 */
#include "core/base/json_read.h"

#include "core/base/number.h"


static str_t
skip_space(str_t s)
{
    while (s.n != 0
           && (*s.p == ' ' || *s.p == '\t' || *s.p == '\n' || *s.p == '\r'))
        s = str_from(s, 1);
    return s;
}


/* The length of the string at the start of s, with its quotes; 0: it does not
 * end. */
static size_t
string_length(str_t s)
{
    for (size_t i = 1; i < s.n; i++) {
        if (s.p[i] == '"')
            return i + 1;
        if (s.p[i] == '\\')
            i++;
    }
    return 0;
}


/* The length of the value at the start of s; 0: there is none, or it does not
 * end. */
static size_t
value_length(str_t s)
{
    size_t i = 0, n, depth = 0;

    while (i < s.n) {
        char c = s.p[i];

        n = 1;
        if (c == '"') {
            n = string_length(str_from(s, i));
            if (n == 0)
                return 0;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && depth != 0) {
            depth--;
        } else if (depth == 0 && str_chr(STR(",:]} \t\r\n"), c)) {
            return i;
        }
        i += n;
        if (depth == 0 && str_chr(STR("\"}]"), c))
            return i;
    }
    return depth == 0 ? i : 0;
}


/* Takes the value at the start of *s, and the space around it. */
static bool
take_value(str_t *s, str_t *value)
{
    size_t n;

    *s = skip_space(*s);
    n = value_length(*s);
    if (n == 0)
        return false;
    *value = (str_t){ s->p, n };
    *s = skip_space(str_from(*s, n));
    return true;
}


static bool
take_char(str_t *s, char c)
{
    if (s->n == 0 || *s->p != c)
        return false;
    *s = str_from(*s, 1);
    return true;
}


bool
json_member(str_t object, const char *name, str_t *value)
{
    str_t s = skip_space(object), key;

    if (!take_char(&s, '{'))
        return false;
    do {
        if (!take_value(&s, &key) || key.n < 2 || !take_char(&s, ':')
            || !take_value(&s, value))
            return false;
        if (*key.p == '"'
            && str_eq(str_span(key.p + 1, key.p + key.n - 1), str_of(name)))
            return true;
    } while (take_char(&s, ','));
    return false;
}


bool
json_item(str_t *rest, str_t *value)
{
    str_t s = skip_space(*rest);

    if (!take_char(&s, '[') && !take_char(&s, ','))
        return false;
    if (!take_value(&s, value))
        return false;
    *rest = s;
    return true;
}


/* --- strings ---------------------------------------------------------------- */

/* Four digits at p, of which n bytes are there. */
static bool
take_unit(const char *p, size_t n, uint64_t *unit)
{
    return n >= 4 && number_hex((str_t){ p, 4 }, 0xFFFF, unit);
}


/* The number of a character after "\u", which may be a pair of surrogates;
 * returns the bytes that it takes, 0: it is not valid. */
static size_t
take_number(str_t s, uint64_t *number)
{
    uint64_t low;

    if (!take_unit(s.p, s.n, number))
        return 0;
    if (*number < 0xD800 || *number > 0xDFFF)
        return 4;
    if (*number > 0xDBFF || s.n < 10 || s.p[4] != '\\' || s.p[5] != 'u'
        || !take_unit(s.p + 6, s.n - 6, &low) || low < 0xDC00 || low > 0xDFFF)
        return 0;
    *number = 0x10000 + ((*number - 0xD800) << 10) + (low - 0xDC00);
    return 10;
}


/* Writes the character in UTF-8; returns its length. */
static size_t
put_number(char *out, uint64_t number)
{
    size_t                     n = number < 0x80      ? 1
                                   : number < 0x800   ? 2
                                   : number < 0x10000 ? 3
                                                      : 4;
    static const unsigned char lead[] = { 0, 0, 0xC0, 0xE0, 0xF0 };

    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char) (0x80 | (number & 0x3F));
        number >>= 6;
    }
    out[0] = (char) (lead[n] | number);
    return n;
}


static char
short_form(char c)
{
    static const char to[] = "\"\\/\b\f\n\r\t";
    const str_t       from = STR("\"\\/bfnrt");
    const char       *at = str_chr(from, c);

    return at != NULL ? to[at - from.p] : '\0';
}


/* Takes the escape at the start of *s; returns what it is written as, 0: it is
 * not valid. */
static size_t
take_escape(str_t *s, char *out)
{
    uint64_t number;
    size_t   n;

    if (s->n < 2)
        return 0;
    if (s->p[1] != 'u') {
        *out = short_form(s->p[1]);
        *s = str_from(*s, 2);
        return *out != '\0';
    }
    n = take_number(str_from(*s, 2), &number);
    if (n == 0)
        return 0;
    *s = str_from(*s, 2 + n);
    return put_number(out, number);
}


bool
json_string(struct arena *a, str_t value, str_t *out)
{
    str_t  s;
    char  *p;
    size_t n = 0, taken;

    if (value.n < 2 || *value.p != '"' || string_length(value) != value.n)
        return false;
    s = str_span(value.p + 1, value.p + value.n - 1);
    p = arena_bytes(a, s.n + 1);
    while (s.n != 0) {
        if (*s.p != '\\') {
            p[n++] = *s.p;
            s = str_from(s, 1);
            continue;
        }
        taken = take_escape(&s, p + n);
        if (taken == 0)
            return false;
        n += taken;
    }
    p[n] = '\0';
    *out = (str_t){ p, n };
    return true;
}


bool
json_number(str_t value, uint64_t *out)
{
    return number_parse(value, UINT64_MAX, out);
}
