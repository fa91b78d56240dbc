/* SPDX-License-Identifier: BSD-2-Clause */
/* The fields of a response's head, in nginx's order. */
#include "http/reply_head.h"

#include "core/base/date.h"
#include "core/base/number.h"
#include "core/os/clock.h"
#include "http/error_page.h"
#include "http/server.h"
#include "http/settings.h"


/* --- Location ------------------------------------------------------------------- */

static bool
is_to_be_completed(const struct http_request *r, const struct field *f)
{
    return f != NULL && r->out.is_own_location && f->value.n != 0
           && f->value.p[0] == '/' && reply_conf(&r->task)->absolute_redirect;
}


static void
complete_location(struct http_request *r)
{
    const struct http_reply_conf *c = reply_conf(&r->task);
    struct field   *f = fields_get(&r->out.fields, FIELD_LOCATION);
    struct addr_any local;
    char            text[ADDR_TEXT];
    unsigned        port = 0;
    str_t           host;

    if (!is_to_be_completed(r, f)) {
        r->out.is_own_location = false;
        return;
    }
    if (conn_local(r->task.conn, &local))
        port = addr_port(&local.sa);
    if (c->server_name_in_redirect && r->server->name.n != 0) {
        host = r->server->name;
    } else if (r->has_host) {
        host = r->host;
    } else {
        host = (str_t){ text, addr_text(text, &local.sa, local.len, false) };
    }
    if (!c->port_in_redirect || port == 80)
        port = 0;
    if (port != 0)
        f->value = arena_printf(r->task.arena, STR_F "://" STR_F ":%u" STR_F,
                                STR_A(r->scheme), STR_A(host), port,
                                STR_A(f->value));
    else
        f->value = arena_printf(r->task.arena, STR_F "://" STR_F STR_F,
                                STR_A(r->scheme), STR_A(host), STR_A(f->value));
}


/* --- the fields ----------------------------------------------------------------------- */

bool
reply_is_bodiless(unsigned status)
{
    return status < 200 || status == 204 || status == 304;
}


static void
add(struct reply_head *h, enum field_id id, str_t value, bool is_clean)
{
    h->at[h->n++] = (struct reply_line){ id, value, is_clean };
}


static void
add_length(struct reply_head *h, const struct http_response *o)
{
    if (o->length == -1 || (reply_is_bodiless(o->status) && o->status != 304))
        return;
    add(h, FIELD_CONTENT_LENGTH,
        (str_t){ h->length, number_put(h->length, (uint64_t) o->length) },
        true);
}


static void
add_modified(struct reply_head *h, const struct http_response *o)
{
    if (o->last_modified == -1)
        return;
    date_http(h->modified, o->last_modified);
    add(h, FIELD_LAST_MODIFIED, (str_t){ h->modified, DATE_LEN }, true);
}


void
reply_head_make(struct http_request *r, struct reply_head *h)
{
    struct http_response *o = &r->out;

    complete_location(r);
    h->n = 0;
    if (!o->hides_server && fields_get(&o->fields, FIELD_SERVER) == NULL)
        add(h, FIELD_SERVER, str_of(http_server_token(r)), true);
    if (!o->hides_date && fields_get(&o->fields, FIELD_DATE) == NULL)
        add(h, FIELD_DATE, clock_http(), true);
    if (o->content_type.n != 0)
        add(h, FIELD_CONTENT_TYPE,
            o->type_tail.n != 0
                ? str_join(r->task.arena, o->content_type, o->type_tail)
                : o->content_type,
            false);
    add_length(h, o);
    add_modified(h, o);
    h->location = o->is_own_location ? fields_get(&o->fields, FIELD_LOCATION)
                                     : NULL;
    if (h->location != NULL)
        add(h, FIELD_LOCATION, h->location->value, false);
    h->framing = h->n;
    if (o->varies_by_dictionary) /* RFC 9842 sections 6.2 and 9.3             */
        add(h, FIELD_VARY,
            STR("Accept-Encoding, Available-Dictionary, Sec-Fetch-Site"), true);
    else if (o->varies)
        add(h, FIELD_VARY, STR("Accept-Encoding"), true);
}


size_t
reply_head_size(const struct http_request *r, const struct reply_head *h)
{
    size_t n = 0;

    for (unsigned i = 0; i < h->n; i++)
        n += field_name(h->at[i].id).n + h->at[i].value.n + FIELD_FRAME;
    VEC_EACH(&r->out.fields.list, f)
        n += f->name.n + f->value.n + FIELD_FRAME;
    return n;
}
