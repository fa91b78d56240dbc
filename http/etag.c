/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists of entity tags.  Tags are compared literally, so a malformed tag
 * without quotes can only match itself.
 */
#include "http/etag.h"


static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}


static str_t
skip_blanks(str_t s)
{
    while (s.n != 0 && is_blank(s.p[0]))
        s = str_from(s, 1);
    return s;
}


/* Skips to the tag after the next comma; a comma inside a tag's quotes does
 * not count. */
static str_t
skip_tag(str_t s)
{
    const char *end;

    s = skip_blanks(s);
    if (str_starts(s, STR("W/\"")))
        s = str_from(s, 2);
    if (s.n > 1 && s.p[0] == '"') {
        end = str_chr(str_from(s, 1), '"');
        if (end != NULL)
            s = str_span(end + 1, s.p + s.n);
    }
    end = str_chr(s, ',');
    return end ? str_span(end + 1, s.p + s.n) : str_from(s, s.n);
}


bool
etag_is_listed(str_t list, str_t etag, bool is_weak)
{
    str_t rest;

    if (is_weak && str_starts(etag, STR("W/")))
        etag = str_from(etag, 2);
    if (etag.n == 0)
        return false;
    for (; list.n != 0; list = skip_tag(list)) {
        rest = skip_blanks(list);
        if (is_weak && str_starts(rest, STR("W/")))
            rest = str_from(rest, 2);
        if (!str_starts(rest, etag))
            continue;
        rest = skip_blanks(str_from(rest, etag.n));
        if (rest.n == 0 || rest.p[0] == ',')
            return true;
    }
    return false;
}


str_t
etag_cut(str_t *list)
{
    str_t all = *list;

    *list = skip_tag(all);
    return (str_t){ all.p, all.n - list->n };
}


str_t
etag_of(str_t element)
{
    str_t       tag = skip_blanks(element);
    size_t      mark = str_starts(tag, STR("W/")) ? 2 : 0;
    const char *end;

    if (tag.n <= mark || tag.p[mark] != '"')
        return STR_NONE;
    end = str_chr(str_from(tag, mark + 1), '"');
    return end != NULL ? str_span(tag.p, end + 1) : STR_NONE;
}
