/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Characters without a counterpart become "?", or in the place of UTF-8 a
 * numeric entity.  On the way to UTF-8, bytes without a character stay as they
 * are until the first one that has more than a byte: a text that was UTF-8 all
 * along comes to no harm where a table has none of its bytes.
 *
 * Broken UTF-8 (RFC 3629): its first byte becomes "?", and the next one is
 * looked at again.  A character that the body's end cuts is dropped.
 */
#include "modules/filter/charset_table.h"

#include <stdio.h>


void
charset_table_init(struct charset_table *t, bool is_wide)
{
    unsigned i;

    *t = (struct charset_table){ .is_wide = is_wide };
    for (i = 0; i < 256; i++) {
        t->first[i] = t->second[i] = i < 128 ? (uint8_t) i : '?';
        t->wide_n[i] = i < 128;
        t->wide[i][0] = (char) i;
    }
}


/* --- UTF-8 --------------------------------------------------------------- */

/* The bytes that may follow the first one are 0x80 to 0xbf, but for some. */
static bool
may_be_second(uint8_t first, uint8_t second)
{
    switch (first) {
    case 0xe0:
        return second >= 0xa0 && second <= 0xbf;
    case 0xed:
        return second >= 0x80 && second <= 0x9f;
    case 0xf0:
        return second >= 0x90 && second <= 0xbf;
    case 0xf4:
        return second >= 0x80 && second <= 0x8f;
    default:
        return second >= 0x80 && second <= 0xbf;
    }
}


/* The bytes of a character that begins so; 0: none does. */
static unsigned
length_of(uint8_t first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}


/* Whether p[n - 1] may stand there, the bytes before it being right. */
static bool
fits(const char *p, unsigned n)
{
    uint8_t first = (uint8_t) p[0], last = (uint8_t) p[n - 1];

    if (n == 1)
        return length_of(first) != 0;
    return n == 2 ? may_be_second(first, last) : (last & 0xc0) == 0x80;
}


static uint32_t
code_of(const char *p, unsigned n)
{
    uint32_t code = (uint8_t) p[0];
    unsigned i;

    if (n > 1)
        code &= 0x7fu >> n;
    for (i = 1; i < n; i++)
        code = code << 6 | ((uint8_t) p[i] & 0x3f);
    return code;
}


/* --- tables -------------------------------------------------------------- */

/* Its place in codes, or the free one where it belongs. */
static unsigned
place_of(const struct charset_table *t, uint32_t code)
{
    unsigned i = code * 2654435761u >> 23;

    while (t->codes[i].code != 0 && t->codes[i].code != code)
        i = (i + 1) % CHARSET_CODES;
    return i;
}


static bool
is_character(str_t s)
{
    unsigned i;

    if (s.n < 2 || s.n > CHARSET_UTF8_MAX || length_of((uint8_t) *s.p) != s.n)
        return false;
    for (i = 2; i <= s.n; i++)
        if (!fits(s.p, i))
            return false;
    return true;
}


bool
charset_table_add(struct charset_table *t, uint8_t byte, str_t text)
{
    uint32_t code;
    unsigned i;

    if (!t->is_wide) {
        if (text.n != 1)
            return false;
        t->second[byte] = (uint8_t) text.p[0];
        t->first[(uint8_t) text.p[0]] = byte;
        return true;
    }
    if (!is_character(text))
        return false;
    code = code_of(text.p, (unsigned) text.n);
    i = place_of(t, code);
    if (t->codes[i].code == 0 && t->n_codes == CHARSET_CODES - 1)
        return false;
    t->n_codes += t->codes[i].code == 0;
    t->codes[i].code = code;
    t->codes[i].byte = byte;
    if (code < CHARSET_TWO)
        t->of_two[code] = byte;
    t->wide_n[byte] = (uint8_t) text.n;
    memcpy(t->wide[byte], text.p, text.n);
    return true;
}


/* --- conversion ---------------------------------------------------------- */

static bool
keeps_byte(const struct charset_recoder *c, uint8_t byte)
{
    const struct charset_table *t = c->table;

    if (!t->is_wide)
        return (c->is_back ? t->first : t->second)[byte] == byte;
    if (c->is_back)
        return byte < 128;
    return t->wide_n[byte] == 1 || (t->wide_n[byte] == 0 && !c->has_begun);
}


bool
charset_keeps(const struct charset_recoder *c, str_t in)
{
    size_t i;

    if (c->n_part != 0)
        return false;
    for (i = 0; i < in.n; i++)
        if (!keeps_byte(c, (uint8_t) in.p[i]))
            return false;
    return true;
}


static void
recode_byte(struct charset_recoder *c, uint8_t byte, char **out)
{
    const struct charset_table *t = c->table;
    unsigned                    n = t->wide_n[byte];

    if (n == 0) {
        *(*out)++ = c->has_begun ? '?' : (char) byte;
        return;
    }
    c->has_begun |= n > 1;
    memcpy(*out, t->wide[byte], n);
    *out += n;
}


static void
put_character(struct charset_recoder *c, char **out)
{
    uint32_t code = code_of(c->part, c->n_part);
    unsigned i = place_of(c->table, code);

    if (c->n_part == 1)
        *(*out)++ = c->part[0];
    else if (c->table->codes[i].code == code)
        *(*out)++ = (char) c->table->codes[i].byte;
    else
        *out += sprintf(*out, "&#%u;", (unsigned) code);
    c->n_part = 0;
}


/* Takes a byte of UTF-8.  False: it has to be taken again. */
static bool
take_byte(struct charset_recoder *c, char byte, char **out)
{
    unsigned i;

    c->part[c->n_part++] = byte;
    if (fits(c->part, c->n_part)) {
        if (c->n_part == length_of((uint8_t) c->part[0]))
            put_character(c, out);
        return true;
    }
    if (c->n_part == 1) {
        *(*out)++ = '?';
        c->n_part = 0;
        return true;
    }
    for (i = 1; i < c->n_part; i++)
        *(*out)++ = '?';
    c->n_part = 0;
    return false;
}


/* The quick ways, for the bulk of a text: they end where a byte is not as usual,
 * or in or out is at its end. */

static const char *
run_narrow(const struct charset_recoder *c, const char *p, const char *end,
           char **out, const char *limit)
{
    const uint8_t *by = c->is_back ? c->table->first : c->table->second;
    char          *to = *out;

    while (p < end && to <= limit)
        *to++ = (char) by[(uint8_t) *p++];
    *out = to;
    return p;
}


static const char *
run_to_utf8(const struct charset_recoder *c, const char *p, const char *end,
            char **out, const char *limit)
{
    const struct charset_table *t = c->table;
    char                       *to = *out;
    unsigned                    most = c->has_begun ? CHARSET_UTF8_MAX : 1;

    while (p < end && to <= limit) {
        uint8_t  byte = (uint8_t) *p;
        unsigned n = t->wide_n[byte];

        if (n - 1 >= most)
            break;
        memcpy(to, t->wide[byte], sizeof(t->wide[byte]));
        to += n;
        p++;
    }
    *out = to;
    return p;
}


static const char *
run_from_utf8(const struct charset_recoder *c, const char *p, const char *end,
              char **out, const char *limit)
{
    char *to = *out;

    while (p + 1 < end && to <= limit && c->n_part == 0) {
        uint8_t  first = (uint8_t) p[0], second = (uint8_t) p[1], byte;
        unsigned code = (first & 0x1fu) << 6 | (second & 0x3f);

        if (first < 0x80) {
            *to++ = (char) first;
            p++;
            continue;
        }
        if (first < 0xc2 || first > 0xdf || (second & 0xc0) != 0x80)
            break;
        byte = c->table->of_two[code];
        if (byte == 0)
            break;
        *to++ = (char) byte;
        p += 2;
    }
    *out = to;
    return p;
}


size_t
charset_recode(struct charset_recoder *c, str_t *in, char *out, size_t room)
{
    const char *p = in->p, *end = in->p + in->n;
    char       *to = out, *limit = out + room - CHARSET_STEP;
    bool        is_utf8 = c->table->is_wide && c->is_back;

    while (p < end && to <= limit) {
        if (!c->table->is_wide) {
            p = run_narrow(c, p, end, &to, limit);
            continue;
        }
        p = is_utf8 ? run_from_utf8(c, p, end, &to, limit)
                    : run_to_utf8(c, p, end, &to, limit);
        if (p == end || to > limit)
            break;
        if (!is_utf8)
            recode_byte(c, (uint8_t) *p++, &to);
        else if (take_byte(c, *p, &to))
            p++;
    }
    *in = str_span(p, end);
    return (size_t) (to - out);
}
