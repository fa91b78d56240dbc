/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading X-Forwarded-For and its kin from the end to the front.
 */
#include "http/forwarded.h"


bool
cidrs_match(const struct cidrs *c, const struct sockaddr *sa)
{
    VEC_EACH(&c->list, it) {
        if (cidr_match(it, sa))
            return true;
    }
    return false;
}


static bool
is_separator(char c)
{
    return c == ' ' || c == ',';
}


/* Cuts the last word off *rest; false when there is none. */
static bool
cut_last(str_t *rest, str_t *word)
{
    size_t end, start;

    for (end = rest->n; end != 0 && is_separator(rest->p[end - 1]); end--)
        ;
    for (start = end; start != 0 && !is_separator(rest->p[start - 1]); start--)
        ;
    *word = str_span(rest->p + start, rest->p + end);
    rest->n = start;
    return end != start;
}


/* "1.2.3.4:80" and "[::1]:80" without the port. */
static str_t
without_port(str_t s)
{
    const char *colon = str_rchr(s, ':'), *bracket = str_rchr(s, ']');

    if (colon == NULL)
        return s;
    if (bracket != NULL)
        return str_span(s.p, bracket + 1);
    return str_chr(s, ':') == colon ? str_span(s.p, colon) : s;
}


bool
forwarded_addr(struct addr_any *at, str_t value, const struct cidrs *trusted,
               bool is_recursive)
{
    struct addr_any next;
    str_t           word;
    bool            is_changed = false;

    while (cidrs_match(trusted, &at->sa) && cut_last(&value, &word)) {
        if (!addr_parse(without_port(word), &next))
            break;
        *at = next;
        is_changed = true;
        if (!is_recursive)
            break;
    }
    return is_changed;
}
