/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One field: "name: value".
 */
#include "http/h1/parse.h"

#include "http/field.h"


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
    const char *p = line.p, *end = line.p + line.n;
    unsigned class, found = 0;

    for (; p < end; p++) {
        class = field_classes[(unsigned char) *p];
        if (class & FIELD_STOP)
            break;
        found |= class;
    }

    out->name = str_span(line.p, p);
    out->value = (str_t){ p, 0 };

    if (is_response && str_starts(line, STR("HTTP/")))
        return H1_FIELD_NO_COLON;
    if (p == line.p)
        return H1_FIELD_BAD;
    if (p == end)
        return H1_FIELD_NO_COLON;
    if (*p != ':')
        return H1_FIELD_BAD;

    out->value = strip_spaces(p + 1, end);

    if (str_chr(out->value, '\r') != NULL || str_chr(out->value, '\0') != NULL)
        return H1_FIELD_BAD;

    return is_response ? H1_FIELD : kind_of(found);
}
