/* SPDX-License-Identifier: BSD-2-Clause */
/* The new list is not longer than the client's: each tag loses two bytes. */
#include "http/own_tag.h"

#include "core/shm/seen.h"
#include "http/etag.h"

enum { TAGS_MAX = 32 }; /* that are looked up                             */


/* Host and target cannot contain a line break. */
static str_t
key_of(const struct http_request *r, str_t tag)
{
    return arena_printf(r->task.arena, STR_F "\n" STR_F "\n" STR_F,
                        STR_A(r->host), STR_A(r->target), STR_A(tag));
}


void
own_tag_note(const struct http_request *r, str_t strong)
{
    seen_note(key_of(r, strong));
}


static bool
is_own(const struct http_request *r, str_t tag)
{
    return str_starts(tag, STR("W/"))
           && seen_before(key_of(r, str_from(tag, 2)));
}


void
own_tag_undo(struct http_request *r)
{
    struct field *f = fields_get(&r->in, FIELD_IF_NONE_MATCH);
    str_t         list, element, tag;
    char         *start, *p;
    unsigned      n = 0;

    if (f == NULL || str_find(f->value, STR("W/")) == NULL)
        return;
    list = f->value;
    p = start = arena_bytes(r->task.arena, list.n);
    while (list.n != 0) {
        element = etag_cut(&list);
        tag = etag_of(element);
        if (n++ < TAGS_MAX && is_own(r, tag)) {
            r->has_own_tag = true;
            memcpy(p, element.p, (size_t) (tag.p - element.p));
            p += tag.p - element.p;
            element = str_span(tag.p + 2, element.p + element.n);
        }
        memcpy(p, element.p, element.n);
        p += element.n;
    }
    if (r->has_own_tag)
        f->value = str_span(start, p);
}
