/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes responses to the wire (RFC 9112 sections 4 to 7): the head, assembled
 * into one piece, and the framing of the body.
 */
#include "core/base/date.h"
#include "core/os/clock.h"
#include "http/debug.h"
#include "http/error_page.h"
#include "http/h1/conn.h"
#include "http/response.h"
#include "http/settings.h"


/* --- Location ------------------------------------------------------------------- */

/* A Location of our own that is only a path gets scheme, host and port, unless
 * absolute_redirect is off.  It then comes before the other fields. */
static void
complete_location(struct http_request *r)
{
    const struct http_reply_conf *c = reply_conf(&r->task);
    struct field   *f = fields_get(&r->out.fields, FIELD_LOCATION);
    struct addr_any local;
    char            text[ADDR_TEXT];
    unsigned        port = 0;
    str_t           host;

    if (f == NULL || !r->out.is_own_location || f->value.n == 0
        || f->value.p[0] != '/' || !c->absolute_redirect)
    {
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


/* --- the head ---------------------------------------------------------------------- */

static char *
put(char *p, str_t s)
{
    memcpy(p, s.p, s.n);
    return p + s.n;
}


static char *
put_status(char *p, unsigned status, str_t reason)
{
    p = put(p, STR("HTTP/1.1 "));
    *p++ = (char) ('0' + status / 100 % 10);
    *p++ = (char) ('0' + status / 10 % 10);
    *p++ = (char) ('0' + status % 10);
    *p++ = ' ';
    p = field_put_text(p, reason.n ? reason : http_reason(status));
    return put(p, STR("\r\n"));
}


static bool
is_bodiless(unsigned status)
{
    return status < 200 || status == 204 || status == 304;
}


/* Chooses how the end of the body is marked; this may require closing the
 * connection. */
static void
choose_framing(struct http_request *r)
{
    struct http_response *o = &r->out;

    if (o->is_upgraded || is_bodiless(o->status) || r->method == HTTP_HEAD
        || (o->length != -1 && !o->has_trailers))
        return;
    if (r->version >= HTTP_11 && send_conf(&r->task)->chunked_transfer_encoding)
    {
        o->is_chunked = true;
        o->length = -1;
    } else if (o->length == -1) {
        r->keeps_alive = false;
    }
}


static size_t
head_room(const struct http_request *r)
{
    const struct http_response *o = &r->out;
    size_t                      n = 512;

    n += o->reason.n + o->content_type.n + o->type_tail.n;
    VEC_EACH(&o->fields.list, f)
        n += f->name.n + f->value.n + FIELD_FRAME;
    return n;
}


static char *
put_content_type(char *p, const struct http_response *o)
{
    if (o->content_type.n == 0)
        return p;
    p = put(p, STR("Content-Type: "));
    p = field_put_text(p, o->content_type);
    p = field_put_text(p, o->type_tail);
    return put(p, STR("\r\n"));
}


static char *
put_connection(char *p, const struct http_request *r)
{
    uint64_t seconds = keep_conf(&r->task)->keepalive_timeout.header;

    if (r->out.status == 101)
        return put(p, STR("Connection: upgrade\r\n"));
    if (!r->keeps_alive)
        return put(p, STR("Connection: close\r\n"));
    p = put(p, STR("Connection: keep-alive\r\n"));
    if (seconds != 0) {
        p = put(p, STR("Keep-Alive: timeout="));
        p += number_put(p, seconds);
        p = put(p, STR("\r\n"));
    }
    return p;
}


static char *
put_known(char *p, const struct http_request *r)
{
    const struct http_response *o = &r->out;
    const struct field         *location;

    if (!o->hides_server && fields_get(&o->fields, FIELD_SERVER) == NULL)
        p = field_put(p, STR("Server"), str_of(http_server_token(r)));
    if (!o->hides_date && fields_get(&o->fields, FIELD_DATE) == NULL)
        p = field_put(p, STR("Date"), clock_http());
    p = put_content_type(p, o);
    if (o->length != -1 && (!is_bodiless(o->status) || o->status == 304)) {
        p = put(p, STR("Content-Length: "));
        p += number_put(p, (uint64_t) o->length);
        p = put(p, STR("\r\n"));
    }
    if (o->last_modified != -1) {
        p = put(p, STR("Last-Modified: "));
        date_http(p, o->last_modified);
        p = put(p + DATE_LEN, STR("\r\n"));
    }
    location = o->is_own_location ? fields_get(&o->fields, FIELD_LOCATION)
                                  : NULL;
    if (location != NULL)
        p = field_put(p, STR("Location"), location->value);
    if (o->is_chunked)
        p = put(p, STR("Transfer-Encoding: chunked\r\n"));
    p = put_connection(p, r);
    return o->varies ? put(p, STR("Vary: Accept-Encoding\r\n")) : p;
}


enum step
h1_send_head(struct http_request *r)
{
    struct http_response *o = &r->out;
    const struct field   *first;
    char                 *start, *p;

    if (r->version == HTTP_09) {
        r->keeps_alive = false;
        return STEP_NEXT;
    }
    choose_framing(r);
    complete_location(r);
    p = start = arena_bytes(r->task.arena, head_room(r));
    p = put_status(p, o->status, o->reason);
    p = put_known(p, r);
    first = o->is_own_location ? fields_get(&o->fields, FIELD_LOCATION) : NULL;
    VEC_EACH(&o->fields.list, f) {
        if (f->is_hidden || f == first)
            continue;
        p = field_put(p, f->name, f->value);
    }
    p = put(p, STR("\r\n"));
    http_debug_head(r->task.log, "", str_span(start, p), "");
    r->head_size = (uint64_t) (p - start);
    chain_add(&r->task.conn->out, str_span(start, p));
    return STEP_NEXT;
}


void
h1_send_interim(struct http_request *r, unsigned status,
                const struct fields *fields)
{
    size_t n = 64;
    char  *start, *p;

    if (fields != NULL)
        VEC_EACH(&fields->list, f)
            n += f->name.n + f->value.n + FIELD_FRAME;
    p = start = arena_bytes(r->task.arena, n);
    p = put_status(p, status, STR_NONE);
    if (fields != NULL)
        VEC_EACH(&fields->list, it)
            if (!it->is_hidden)
                p = field_put(p, it->name, it->value);
    p = put(p, STR("\r\n"));
    chain_add(&r->task.conn->out, str_span(start, p));
    r->codec->flush(r, 0, false);
    r->sent_before += (uint64_t) (p - start);
}


/* --- the body ----------------------------------------------------------------------- */

static void
add_chunk_head(struct chain *out, uint64_t n)
{
    char text[20], *p = text + sizeof(text);

    *--p = '\n';
    *--p = '\r';
    p = number_put_hex(p, n);
    chain_add_copy(out, str_span(p, text + sizeof(text)));
}


static void
end_chunks(struct http_request *r, struct chain *out)
{
    struct fields *t = &r->out.trailers;
    size_t         n = 2;
    char          *start, *p;

    if (t->list.n == 0) {
        chain_add(out, STR("0\r\n\r\n"));
        return;
    }
    chain_add(out, STR("0\r\n"));
    VEC_EACH(&t->list, f)
        n += f->name.n + f->value.n + FIELD_FRAME;
    p = start = arena_bytes(r->task.arena, n);
    VEC_EACH(&t->list, it)
        if (!it->is_hidden)
            p = field_put(p, it->name, it->value);
    p = put(p, STR("\r\n"));
    chain_add(out, str_span(start, p));
}


/* A response can be endless, so no chunk may leave memory in the arena: free
 * links are passed back and forth between the chains, also for the last piece
 * of a chunk. */
void
h1_send_body(struct http_request *r, struct chain *in, bool last)
{
    struct chain *out = &r->task.conn->out;

    if (!r->out.is_chunked) {
        chain_join(out, in);
        return;
    }
    if (in->n != 0) {
        add_chunk_head(out, in->n);
        chain_join(out, in);
        chain_take_links(out, in);
        chain_add(out, STR("\r\n"));
        chain_take_links(in, out);
    }
    if (last && !r->out.is_head_only)
        end_chunks(r, out);
}
