/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One field: "name: value".
 */
#include "http/h1/parse.h"


/* Strips only spaces, on both sides: a tab belongs to the value. */
static str_t
strip_spaces(const char *p, const char *end)
{
    while (p < end && *p == ' ')
        p++;
    while (p < end && end[-1] == ' ')
        end--;

    return str_span(p, end);
}


static inline unsigned
class_of(char c)
{
    return field_classes[(unsigned char) c];
}


/* The end of a name; adds the classes of its bytes to *found.  Four bytes at
 * once, up to those that have the end. */
static const char *
skip_name(const char *p, const char *end, unsigned *found)
{
    unsigned class;

    for (; end - p >= 4; p += 4) {
        class = class_of(p[0]) | class_of(p[1]) | class_of(p[2])
                | class_of(p[3]);
        if (class & FIELD_STOP)
            break;
        *found |= class;
    }
    for (; p < end; p++) {
        class = class_of(*p);
        if (class & FIELD_STOP)
            break;
        *found |= class;
    }
    return p;
}


static enum h1_field_kind
kind_of(unsigned found)
{
    if (found & FIELD_ODD)
        return H1_FIELD_ODD;

    return found & FIELD_UNDERSCORED ? H1_FIELD_UNDERSCORE : H1_FIELD;
}


/*
 * From an upstream every name is accepted, with underscores and other odd
 * bytes too; and a second status line among the fields (IIS sent such) is
 * skipped like a line without a colon.  A line without a colon has its text in
 * the name, and an empty value.
 */
enum h1_field_kind
h1_field(struct h1_field *out, str_t line, bool is_response)
{
    const char *p = str_chr(line, ':'), *end = line.p + line.n;
    unsigned    found = 0;

    /* None of the bytes of a known name ends it. */
    out->id = p ? field_id(str_span(line.p, p)) : FIELD_UNKNOWN;
    if (out->id == FIELD_UNKNOWN)
        p = skip_name(line.p, end, &found);

    out->name = str_span(line.p, p);
    out->value = (str_t){ p, 0 };

    if (is_response && (found & FIELD_ODD) && str_starts(line, STR("HTTP/")))
        return H1_FIELD_NO_COLON;
    if (p == line.p)
        return H1_FIELD_BAD;
    if (p == end) {
        out->id = field_id(out->name);
        return H1_FIELD_NO_COLON;
    }
    if (*p != ':')
        return H1_FIELD_BAD;

    out->value = strip_spaces(p + 1, end);

    if (field_has_break(out->value))
        return H1_FIELD_BAD;

    return is_response ? H1_FIELD : kind_of(found);
}
