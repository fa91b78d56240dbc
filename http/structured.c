/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every function that takes something off *s leaves it behind that, and returns
 * false where something else stands there.
 */
#include "http/structured.h"


static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}


static bool
is_alpha(char c)
{
    return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}


static bool
is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}


static bool
is_key_char(char c)
{
    return (c >= 'a' && c <= 'z') || is_digit(c) || is_one_of(c, "_-.*");
}


static bool
is_token_char(char c)
{
    return is_alpha(c) || is_digit(c) || is_one_of(c, "!#$%&'*+-.^_`|~:/");
}


static bool
is_base64_char(char c)
{
    return is_alpha(c) || is_digit(c) || is_one_of(c, "+/=");
}


static bool
is_number_char(char c)
{
    return is_digit(c) || c == '.';
}


/* Takes what consists of such characters. */
static str_t
take_while(str_t *s, bool (*is_such)(char))
{
    str_t whole = *s;

    while (s->n != 0 && is_such(s->p[0]))
        *s = str_from(*s, 1);
    return str_span(whole.p, s->p);
}


static bool
take(str_t *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = str_from(*s, 1);
    return true;
}


static bool
take_key(str_t *s, str_t *key)
{
    if (s->n == 0 || is_digit(s->p[0]) || is_one_of(s->p[0], "_-."))
        return false;
    *key = take_while(s, is_key_char);
    return key->n != 0;
}


/* Behind the first quote. */
static bool
take_string(str_t *s, str_t *text)
{
    const char *start = s->p;

    for (; s->n != 0; *s = str_from(*s, 1)) {
        if (s->p[0] == '"') {
            *text = str_span(start, s->p);
            return take(s, '"');
        }
        if (s->p[0] == '\\') {
            *s = str_from(*s, 1);
            if (s->n == 0 || !is_one_of(s->p[0], "\"\\"))
                return false;
        } else if (s->p[0] < ' ' || s->p[0] > '~') {
            return false;
        }
    }
    return false;
}


/* A number, also that of a date. */
static bool
take_number(str_t *s, str_t *text)
{
    const char *start = s->p;
    str_t       digits;

    (void) take(s, '@');
    (void) take(s, '-');
    digits = take_while(s, is_number_char);
    *text = str_span(start, s->p);
    return digits.n != 0 && is_digit(digits.p[0])
           && is_digit(digits.p[digits.n - 1])
           && str_chr(digits, '.') == str_rchr(digits, '.');
}


static bool
take_bare(str_t *s, enum structured_kind *kind, str_t *text)
{
    char c = s->n != 0 ? s->p[0] : '\0';

    if (c == '"') {
        *kind = STRUCTURED_STRING;
        *s = str_from(*s, 1);
        return take_string(s, text);
    }
    if (c == ':') {
        *kind = STRUCTURED_BYTES;
        *s = str_from(*s, 1);
        *text = take_while(s, is_base64_char);
        return take(s, ':');
    }
    if (c == '?') {
        *kind = STRUCTURED_BOOL;
        *s = str_from(*s, 1);
        *text = (str_t){ s->p, 1 };
        return take(s, '0') || take(s, '1');
    }
    if (is_alpha(c) || c == '*') {
        *kind = STRUCTURED_TOKEN;
        *text = take_while(s, is_token_char);
        return true;
    }
    *kind = STRUCTURED_NUMBER;
    return take_number(s, text);
}


static bool
take_parameters(str_t *s)
{
    enum structured_kind kind;
    str_t                key, text;

    while (take(s, ';')) {
        *s = str_skip(*s, ' ');
        if (!take_key(s, &key) || (take(s, '=') && !take_bare(s, &kind, &text)))
            return false;
    }
    return true;
}


/* Behind the opening parenthesis. */
static bool
take_list(str_t *s, str_t *text)
{
    const char          *start = s->p;
    enum structured_kind kind;
    str_t                item;

    for (;;) {
        *s = str_skip(*s, ' ');
        *text = str_span(start, s->p);
        if (take(s, ')'))
            return true;
        if (!take_bare(s, &kind, &item) || !take_parameters(s) || s->n == 0
            || !is_one_of(s->p[0], " )"))
            return false;
    }
}


/* What stands behind a key, with its parameters. */
static bool
take_value(str_t *s, struct structured_member *m)
{
    bool is_good;

    if (!take(s, '=')) {
        m->kind = STRUCTURED_BOOL;
        m->text = STR("1");
        return take_parameters(s);
    }
    if (take(s, '(')) {
        m->kind = STRUCTURED_LIST;
        is_good = take_list(s, &m->text);
    } else {
        is_good = take_bare(s, &m->kind, &m->text);
    }
    return is_good && take_parameters(s);
}


static str_t
skip_blanks(str_t s)
{
    while (s.n != 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = str_from(s, 1);
    return s;
}


enum parse
structured_next(str_t *rest, struct structured_member *m)
{
    *rest = skip_blanks(*rest);
    if (rest->n == 0)
        return PARSE_END;
    if (!take_key(rest, &m->key) || !take_value(rest, m))
        return PARSE_BAD;
    *rest = skip_blanks(*rest);
    if (rest->n == 0)
        return PARSE_OK;
    if (!take(rest, ','))
        return PARSE_BAD;
    *rest = skip_blanks(*rest);
    return rest->n != 0 ? PARSE_OK : PARSE_BAD; /* no comma at the end */
}


bool
structured_item(str_t value, enum structured_kind kind, str_t *text)
{
    enum structured_kind is;

    value = str_skip(value, ' ');
    if (!take_bare(&value, &is, text) || !take_parameters(&value))
        return false;
    return is == kind && str_skip(value, ' ').n == 0;
}
