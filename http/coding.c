/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accept-Encoding.  If a coding is listed more than once, the first one
 * counts.  "*" is not taken for any coding: a client that does not list what
 * it knows may know nothing.
 */
#include "http/coding.h"

enum { WEIGHT_DIGITS = 3 };


/* A weight that is at most 1 and not zero: "1", "1.000", "0.5". */
static bool
is_positive(str_t s)
{
    bool   is_one = s.n != 0 && s.p[0] == '1', has_more = false;
    size_t i;

    if (s.n == 0 || (s.p[0] != '0' && s.p[0] != '1'))
        return false;
    if (s.n == 1 || s.p[1] == ',' || s.p[1] == ' ')
        return is_one;
    if (s.p[1] != '.')
        return false;
    for (i = 2; i < s.n && s.p[i] != ',' && s.p[i] != ' '; i++) {
        if (s.p[i] < '0' || s.p[i] > '9' || i - 2 >= WEIGHT_DIGITS)
            return false;
        if (s.p[i] != '0')
            has_more = true;
    }
    return is_one != has_more;
}


/* Whether what follows the name of the coding allows it. */
static bool
allows(str_t s)
{
    s = str_skip(s, ' ');
    if (s.n == 0 || s.p[0] == ',')
        return true;
    if (s.p[0] != ';')
        return false;
    s = str_skip(str_from(s, 1), ' ');
    if (s.n == 0)
        return true;
    return s.n > 2 && ascii_lower(s.p[0]) == 'q' && s.p[1] == '='
           && is_positive(str_from(s, 2));
}


bool
coding_is_accepted(str_t accept, str_t coding)
{
    str_t       rest = accept;
    const char *at;

    while ((at = str_ifind(rest, coding)) != NULL) {
        rest = str_span(at + coding.n, accept.p + accept.n);
        if (at == accept.p || at[-1] == ',' || at[-1] == ' ')
            return allows(rest);
    }
    return false;
}
