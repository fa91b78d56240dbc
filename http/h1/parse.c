/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The status line of an upstream.  Request lines, fields and chunks have files
 * of their own.
 */
#include "http/h1/parse.h"


/* Takes 1 to limit digits off *s; false if there are none, or more. */
static bool
take_digits(str_t *s, size_t limit, unsigned *out)
{
    size_t i;

    *out = 0;

    for (i = 0; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++) {
        if (i == limit)
            return false;
        *out = *out * 10 + (unsigned) (s->p[i] - '0');
    }

    *s = str_from(*s, i);
    return i > 0;
}


static bool
take_char(str_t *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;

    *s = str_from(*s, 1);
    return true;
}


/*
 * Parsed as in nginx: any major version from 1 to 999 (an upstream that sends
 * HTTP/2.0 in clear text is treated as HTTP/1.1), several spaces before the
 * status, and after its three digits a space, a dot (old IIS: 403.1) or the
 * end.
 */
bool
h1_status_line(struct h1_status_line *out, str_t line)
{
    str_t s = line;

    if (!str_starts(s, STR("HTTP/")))
        return false;

    s = str_from(s, sizeof("HTTP/") - 1);

    if (s.n == 0 || s.p[0] == '0' || !take_digits(&s, 3, &out->major))
        return false;
    if (!take_char(&s, '.') || !take_digits(&s, 3, &out->minor))
        return false;
    if (!take_char(&s, ' '))
        return false;

    while (take_char(&s, ' '))
        continue;

    if (!take_digits(&s, 3, &out->status) || out->status < 100)
        return false;
    if (s.n > 0 && s.p[0] != ' ' && s.p[0] != '.')
        return false;
    if (str_chr(s, '\r') != NULL)
        return false;

    (void) take_char(&s, ' ');
    out->reason = s;
    return true;
}
