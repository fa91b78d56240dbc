/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines that lie whole in the input are parsed where they are; only what is
 * cut is copied.  As from HTTP upstreams, a line may end with a bare LF, and a
 * status line among the headers is skipped; but a line without a colon is a
 * header without a value.
 */
#include "modules/gateway/cgi_head.h"

enum { PART_MIN = 256 };


/* Keeps s behind what there is of the line. */
static void
keep(struct cgi_head *h, struct arena *a, str_t s)
{
    size_t have = buf_len(&h->part), room = PART_MIN;
    char  *p;

    if (buf_room(&h->part) < s.n) {
        while (room < have + s.n)
            room *= 2;
        p = arena_bytes(a, room);
        if (have)
            memcpy(p, h->part.start, have);
        buf_init(&h->part, p, room);
        h->part.write += have;
    }
    memcpy(h->part.write, s.p, s.n);
    h->part.write += s.n;
}


/* The next line, without its end; false: it is not complete, and was kept. */
static bool
next_line(struct cgi_head *h, struct arena *a, str_t *in)
{
    size_t seen = 0, n = h1_line(*in, &seen, &h->line);
    str_t  taken = { in->p, n ? n : in->n };

    *in = str_from(*in, taken.n);
    if (n == 0 || buf_len(&h->part) != 0) {
        if (taken.n)
            keep(h, a, taken);
        if (n == 0)
            return false;
        seen = 0;
        (void) h1_line(buf_str(&h->part), &seen, &h->line);
        buf_reset(&h->part);
    }
    return true;
}


enum cgi_event
cgi_head_next(struct cgi_head *h, struct arena *a, str_t *in)
{
    while (next_line(h, a, in)) {
        bool is_first = !h->has_line;

        h->has_line = true;
        if (h->line.n == 0)
            return CGI_SAW_END;
        if (is_first && h->takes_status && h1_status_line(&h->status, h->line))
            return CGI_SAW_STATUS;
        switch (h1_field(&h->field, h->line, true)) {
        case H1_FIELD_BAD:
            return CGI_SAW_BROKEN;
        case H1_FIELD_NO_COLON:
            if (str_starts(h->line, STR("HTTP/")))
                break;
            return CGI_SAW_FIELD;
        case H1_FIELD:
        case H1_FIELD_ODD:
        case H1_FIELD_UNDERSCORE:
            return CGI_SAW_FIELD;
        }
    }
    return CGI_WANTS_MORE;
}


unsigned
cgi_status(str_t value, str_t *reason)
{
    unsigned status = 0;

    if (value.n < 3 || (value.n > 3 && value.p[3] != ' '))
        return 0;
    for (size_t i = 0; i < 3; i++) {
        if (value.p[i] < '0' || value.p[i] > '9')
            return 0;
        status = status * 10 + (unsigned) (value.p[i] - '0');
    }
    *reason = str_trim(str_from(value, 3));
    return status >= 200 ? status : 0;
}
