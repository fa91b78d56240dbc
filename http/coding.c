/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accept-Encoding.  If a coding is listed more than once, the first one
 * counts.
 */
#include "http/coding.h"

enum { WEIGHT_DIGITS = 3, UNLISTED = -1 };


/* A weight in thousandths: "1", "1.000", "0.5"; 0: it is zero, or none. */
static int
weigh(str_t s)
{
    int    weight, unit = CODING_WEIGHT_MAX;
    size_t i;

    if (s.n == 0 || (s.p[0] != '0' && s.p[0] != '1'))
        return 0;
    weight = (s.p[0] - '0') * unit;
    if (s.n == 1 || s.p[1] == ',' || s.p[1] == ' ')
        return weight;
    if (s.p[1] != '.')
        return 0;
    for (i = 2; i < s.n && s.p[i] != ',' && s.p[i] != ' '; i++) {
        if (s.p[i] < '0' || s.p[i] > '9' || i - 2 >= WEIGHT_DIGITS)
            return 0;
        unit /= 10;
        weight += (s.p[i] - '0') * unit;
    }
    return weight <= CODING_WEIGHT_MAX ? weight : 0;
}


/* The weight that follows the name of a coding. */
static int
weight_behind(str_t s)
{
    s = str_skip(s, ' ');
    if (s.n == 0 || s.p[0] == ',')
        return CODING_WEIGHT_MAX;
    if (s.p[0] != ';')
        return 0;
    s = str_skip(str_from(s, 1), ' ');
    if (s.n == 0)
        return CODING_WEIGHT_MAX;
    if (s.n <= 2 || ascii_lower(s.p[0]) != 'q' || s.p[1] != '=')
        return 0;
    return weigh(str_from(s, 2));
}


static int
weight_of(str_t accept, str_t coding)
{
    str_t       rest = accept;
    const char *at;

    while ((at = str_ifind(rest, coding)) != NULL) {
        rest = str_span(at + coding.n, accept.p + accept.n);
        if (at == accept.p || at[-1] == ',' || at[-1] == ' ')
            return weight_behind(rest);
    }
    return UNLISTED;
}


unsigned
coding_weight(str_t accept, str_t coding)
{
    int weight = weight_of(accept, coding);
    int plain = weight_of(accept, STR("identity"));

    if (weight == UNLISTED) {
        if (plain == UNLISTED)
            return 0;
        weight = weight_of(accept, STR("*"));
        return weight > plain ? (unsigned) weight : 0;
    }
    return weight >= plain ? (unsigned) weight : 0;
}


bool
coding_is_listed(str_t accept, str_t coding)
{
    return weight_of(accept, coding) != UNLISTED;
}
