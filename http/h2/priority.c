/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A parser of dictionaries (RFC 8941 section 4.2.2) that keeps what it looks for.
 * Lists of values, dates and other later types are no priorities: the whole is
 * ignored then.
 */
#include "http/h2/priority.h"

struct at {
    const char *p, *end;
};

/* A bare item. */
struct item {
    bool    is_number, is_bool; /* neither: of another type                  */
    int64_t n;
};


static bool
is_at(const struct at *a, char c)
{
    return a->p < a->end && *a->p == c;
}


static bool
take(struct at *a, char c)
{
    if (!is_at(a, c))
        return false;
    a->p++;
    return true;
}


static void
skip_blanks(struct at *a, bool tabs)
{
    while (is_at(a, ' ') || (tabs && is_at(a, '\t')))
        a->p++;
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


static bool
is_key(char c)
{
    return is_lower(c) || is_digit(c) || c == '_' || c == '-' || c == '.'
           || c == '*';
}


static bool
take_key(struct at *a, str_t *out)
{
    const char *start = a->p;

    if (a->p == a->end || (!is_lower(*a->p) && *a->p != '*'))
        return false;
    while (a->p < a->end && is_key(*a->p))
        a->p++;
    *out = str_span(start, a->p);
    return true;
}


/* An integer has at most 15 digits; a decimal is of another type. */
static bool
take_number(struct at *a, struct item *out)
{
    bool     is_negative = take(a, '-');
    unsigned digits = 0, behind = 0;

    for (; a->p < a->end && is_digit(*a->p) && digits < 16; a->p++, digits++)
        out->n = out->n * 10 + (*a->p - '0');
    if (digits == 0 || digits > 15)
        return false;
    if (is_negative)
        out->n = -out->n;
    if (!take(a, '.')) {
        out->is_number = true;
        return true;
    }
    for (; a->p < a->end && is_digit(*a->p) && behind < 4; a->p++)
        behind++;
    return digits <= 12 && behind >= 1 && behind <= 3;
}


static bool
take_string(struct at *a)
{
    a->p++;
    for (; a->p < a->end && *a->p != '"'; a->p++) {
        if ((unsigned char) *a->p < ' ' || (unsigned char) *a->p > '~')
            return false;
        if (*a->p != '\\')
            continue;
        a->p++;
        if (!is_at(a, '"') && !is_at(a, '\\'))
            return false;
    }
    return take(a, '"');
}


static bool
is_of_token(char c)
{
    return is_key(c) || (c >= 'A' && c <= 'Z')
           || str_chr(STR("!#$%&'+^`|~:/"), c) != NULL;
}


static bool
is_of_bytes(char c)
{
    return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z') || c == '+'
           || c == '/' || c == '=';
}


static bool
take_item(struct at *a, struct item *out)
{
    *out = (struct item){ .n = 0 };
    if (a->p == a->end)
        return false;
    if (*a->p == '-' || is_digit(*a->p))
        return take_number(a, out);
    if (*a->p == '"')
        return take_string(a);
    if (take(a, '?')) {
        out->is_bool = true;
        out->n = is_at(a, '1');
        return take(a, '0') || take(a, '1');
    }
    if (take(a, ':')) {
        while (a->p < a->end && is_of_bytes(*a->p))
            a->p++;
        return take(a, ':');
    }
    if (*a->p != '*' && !is_lower(ascii_lower(*a->p)))
        return false;
    while (a->p < a->end && is_of_token(*a->p))
        a->p++;
    return true;
}


static bool
skip_parameters(struct at *a)
{
    struct item value;
    str_t       key;

    while (take(a, ';')) {
        skip_blanks(a, false);
        if (!take_key(a, &key) || (take(a, '=') && !take_item(a, &value)))
            return false;
    }
    return true;
}


static bool
skip_list(struct at *a)
{
    struct item value;

    for (;;) {
        skip_blanks(a, false);
        if (take(a, ')'))
            return skip_parameters(a);
        if (!take_item(a, &value) || !skip_parameters(a)
            || (!is_at(a, ' ') && !is_at(a, ')')))
            return false;
    }
}


static bool
take_member(struct at *a, struct h2_priority *p)
{
    struct item value = { .is_bool = true, .n = 1 };
    str_t       key;

    if (!take_key(a, &key))
        return false;
    if (take(a, '=')) {
        if (take(a, '('))
            return skip_list(a);
        if (!take_item(a, &value))
            return false;
    }
    if (!skip_parameters(a))
        return false;
    if (str_is(key, "u") && value.is_number && value.n >= 0 && value.n <= 7)
        p->urgency = (uint8_t) value.n;
    if (str_is(key, "i") && value.is_bool)
        p->is_incremental = value.n != 0;
    return true;
}


bool
h2_priority_parse(str_t value, struct h2_priority *p)
{
    struct at          a = { value.p, value.p + value.n };
    struct h2_priority said = *p;

    skip_blanks(&a, false);
    while (a.p < a.end) {
        if (!take_member(&a, &said))
            return false;
        skip_blanks(&a, true);
        if (a.p == a.end)
            break;
        if (!take(&a, ','))
            return false;
        skip_blanks(&a, true);
        if (a.p == a.end)
            return false;
    }
    *p = said;
    return true;
}
