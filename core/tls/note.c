/* SPDX-License-Identifier: BSD-2-Clause */
/* Each is its kind in a byte, its length in two, and so many bytes. */
#include "core/tls/note.h"

enum { HEAD = 3 };


static str_t
notes_of(SSL_SESSION *s)
{
    void  *p = NULL;
    size_t n = 0;

    (void) SSL_SESSION_get0_ticket_appdata(s, &p, &n);
    return (str_t){ p, n };
}


/* Takes the first one off *all; false: there are no more. */
static bool
next_note(str_t *all, unsigned *kind, str_t *text)
{
    size_t n;

    if (all->n < HEAD)
        return false;
    *kind = (unsigned char) all->p[0];
    n = (size_t) (unsigned char) all->p[1] << 8 | (unsigned char) all->p[2];
    if (n > all->n - HEAD)
        return false;
    *text = (str_t){ all->p + HEAD, n };
    *all = str_from(*all, HEAD + n);
    return true;
}


/* Behind have bytes; the same number where there is no room. */
static size_t
add(char *out, size_t have, unsigned kind, str_t text)
{
    if (HEAD + text.n > TLS_NOTES_MAX - have)
        return have;
    out[have] = (char) kind;
    out[have + 1] = (char) (text.n >> 8);
    out[have + 2] = (char) text.n;
    memcpy(out + have + HEAD, text.p, text.n);
    return have + HEAD + text.n;
}


bool
tls_note_set(SSL_SESSION *s, enum tls_note kind, str_t text)
{
    char     out[TLS_NOTES_MAX];
    str_t    all = notes_of(s), other;
    unsigned other_kind;
    size_t   before, n = 0;

    while (next_note(&all, &other_kind, &other))
        if (other_kind != kind)
            n = add(out, n, other_kind, other);
    before = n;
    n = add(out, n, kind, text);
    return n != before && SSL_SESSION_set1_ticket_appdata(s, out, n) == 1;
}


str_t
tls_note_get(SSL_SESSION *s, enum tls_note kind)
{
    str_t    all = notes_of(s), text;
    unsigned found;

    while (next_note(&all, &found, &text))
        if (found == kind)
            return text;
    return STR("");
}
