/* SPDX-License-Identifier: BSD-2-Clause */
/* Fields of HTTP/2, by the classes of bytes that HTTP/1 has. */
#include "http/framed_field.h"

#include "core/base/check.h"

enum { KNOWN_MAX = 20 }; /* bytes of a known name                             */

/* The known names, each made when it is wanted for the first time. */
static char lower[FIELD_COUNT][KNOWN_MAX];


enum framed_field
framed_field_name(str_t name)
{
    const unsigned char *p = (const unsigned char *) name.p;
    unsigned             found = 0;
    size_t               i = 0;

    for (; name.n - i >= 4; i += 4)
        found |= field_classes[p[i]] | field_classes[p[i + 1]]
                 | field_classes[p[i + 2]] | field_classes[p[i + 3]];
    for (; i < name.n; i++)
        found |= field_classes[p[i]];
    if (name.n == 0 || (found & (FIELD_STOP | FIELD_UPPER)))
        return FRAMED_BAD_NAME;
    if (found & FIELD_ODD)
        return FRAMED_ODD;
    return found & FIELD_UNDERSCORED ? FRAMED_UNDERSCORE : FRAMED_FINE;
}


bool
framed_field_is_token(str_t name)
{
    static const char odd[] = "!#$%&'*+.^`|~";
    enum framed_field kind = framed_field_name(name);

    if (kind != FRAMED_ODD)
        return kind != FRAMED_BAD_NAME;
    for (size_t i = 0; i < name.n; i++)
        if ((field_classes[(unsigned char) name.p[i]] & FIELD_ODD)
            && memchr(odd, name.p[i], sizeof(odd) - 1) == NULL)
            return false;
    return true;
}


static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}


static bool
is_value(str_t s)
{
    if (s.n == 0)
        return true;
    return !field_has_break(s) && !is_blank(s.p[0]) && !is_blank(s.p[s.n - 1]);
}


enum framed_field
framed_field_judge(enum field_id id, str_t name, str_t value)
{
    enum framed_field kind = framed_field_name(name);

    if (kind == FRAMED_BAD_NAME)
        return kind;
    if (!is_value(value))
        return FRAMED_BAD_VALUE;
    switch ((int) id) {
    case FIELD_CONNECTION:
    case FIELD_PROXY_CONNECTION:
    case FIELD_KEEP_ALIVE:
    case FIELD_TRANSFER_ENCODING:
    case FIELD_UPGRADE:
        return FRAMED_CONNECTION;
    case FIELD_TE:
        return FRAMED_TE;
    }
    return kind;
}


str_t
framed_field_lower(struct arena *a, enum field_id id, str_t name)
{
    char *p = id != FIELD_UNKNOWN ? lower[id] : arena_bytes(a, name.n);

    CHECK(id == FIELD_UNKNOWN || name.n <= KNOWN_MAX);
    if (id == FIELD_UNKNOWN || p[0] == '\0')
        str_lower_to(p, name);
    return (str_t){ p, name.n };
}
