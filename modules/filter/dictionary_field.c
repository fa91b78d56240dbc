/* SPDX-License-Identifier: BSD-2-Clause */
/* The fields of dictionaries are structured ones (http/structured.h). */
#include "modules/filter/dictionary_field.h"

#include "core/base/escape.h"
#include "http/structured.h"

enum { DIGITS = (DICTIONARY_HASH + 2) / 3 * 4 };


/* Whether a member allows the response to be a dictionary.  Those that are
 * unknown say nothing. */
static bool
is_sound(const struct structured_member *m, bool *has_match)
{
    if (str_is(m->key, "match")) {
        *has_match = true;
        return m->kind == STRUCTURED_STRING && m->text.n != 0;
    }
    if (str_is(m->key, "type"))
        return m->kind == STRUCTURED_TOKEN && str_is(m->text, "raw");
    if (str_is(m->key, "id"))
        return m->kind == STRUCTURED_STRING && m->text.n <= DICTIONARY_ID;
    if (str_is(m->key, "match-dest"))
        return m->kind == STRUCTURED_LIST;
    return true;
}


bool
dictionary_is_offered(str_t value)
{
    struct structured_member m;
    enum parse               got;
    bool                     has_match = false, is_good = true;

    while ((got = structured_next(&value, &m)) == PARSE_OK)
        is_good = is_good && is_sound(&m, &has_match);
    return got == PARSE_END && is_good && has_match;
}


bool
dictionary_is_available(struct arena *a, str_t value,
                        unsigned char hash[DICTIONARY_HASH])
{
    str_t text, bytes;
    bool  is_good;

    if (!structured_item(value, STRUCTURED_BYTES, &text) || text.n != DIGITS)
        return false;
    bytes = base64_decode(a, text, false, &is_good);
    if (!is_good || bytes.n != DICTIONARY_HASH)
        return false;
    memcpy(hash, bytes.p, DICTIONARY_HASH);
    return true;
}


bool
dictionary_is_string(str_t s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < ' ' || s.p[i] > '~')
            return false;
    return true;
}


bool
dictionary_is_pattern(str_t pattern)
{
    return pattern.n != 0 && pattern.p[0] == '/'
           && !str_starts(pattern, STR("//")) && str_chr(pattern, '(') == NULL
           && dictionary_is_string(pattern);
}
