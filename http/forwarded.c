/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads X-Forwarded-For and similar fields from the end to the front.
 */
#include "http/forwarded.h"

#include "core/base/number.h"


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


/* Takes the last word off *rest; false if there is none. */
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


/* "1.2.3.4", "::1", "1.2.3.4:80", "[::1]:80"; the port is kept, and both kinds
 * of addresses may have brackets. */
static bool
parse_word(str_t s, struct addr_any *out)
{
    const char *colon;
    uint64_t    port;

    if (s.n != 0 && s.p[0] != '[' && addr_parse(s, out))
        return true;
    colon = str_rchr(s, ':');
    if (colon == NULL
        || !number_parse(str_span(colon + 1, s.p + s.n), 65535, &port)
        || port == 0)
        return false;
    s = str_span(s.p, colon);
    if (s.n > 1 && s.p[0] == '[' && s.p[s.n - 1] == ']')
        s = (str_t){ s.p + 1, s.n - 2 };
    else if (str_chr(s, ':') != NULL)
        return false;
    if (s.n == 0 || s.p[0] == '[' || !addr_parse(s, out))
        return false;
    addr_set_port(&out->sa, (unsigned) port);
    return true;
}


bool
forwarded_addr(struct addr_any *at, str_t value, const struct cidrs *trusted,
               bool is_recursive)
{
    struct addr_any next;
    str_t           word;
    bool            is_changed = false;

    while (cidrs_match(trusted, &at->sa) && cut_last(&value, &word)) {
        if (!parse_word(word, &next))
            break;
        *at = next;
        is_changed = true;
        if (!is_recursive)
            break;
    }
    return is_changed;
}


void
forwarded_client(struct addr_any *out, struct task *t,
                 const struct cidrs *trusted, bool is_recursive)
{
    str_t value;

    memset(out, 0, sizeof(*out));
    memcpy(&out->sa, &t->peer->sa, sizeof(*t->peer));
    if (trusted->list.n == 0 || t->kind != FOR_HTTP)
        return;
    value = fields_joined(t->arena, &http_of(t)->in, STR("x_forwarded_for"),
                          ", ");
    forwarded_addr(out, value, trusted, is_recursive);
}
