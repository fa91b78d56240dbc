/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes responses to the wire (RFC 9112 sections 4 to 7): the head, assembled
 * into one piece, and the framing of the body.
 */
#include "core/tls/tls.h"
#include "http/debug.h"
#include "http/h1/conn.h"
#include "http/reply_head.h"
#include "http/response.h"
#include "http/settings.h"


/* --- the head ---------------------------------------------------------------------- */

static char *
put_status(char *p, unsigned status, str_t reason)
{
    p = str_put(p, STR("HTTP/1.1 "));
    *p++ = (char) ('0' + status / 100 % 10);
    *p++ = (char) ('0' + status / 10 % 10);
    *p++ = (char) ('0' + status % 10);
    *p++ = ' ';
    p = field_put_text(p, reason.n ? reason : http_reason(status));
    return str_put(p, STR("\r\n"));
}


/* Chooses how the end of the body is marked; this may require closing the
 * connection. */
static void
choose_framing(struct http_request *r)
{
    struct http_response *o = &r->out;

    if (o->is_upgraded || reply_is_bodiless(o->status) || r->method == HTTP_HEAD
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


static char *
put_connection(char *p, const struct http_request *r)
{
    uint64_t seconds = keep_conf(&r->task)->keepalive_timeout.header;

    if (r->out.status == 101)
        return str_put(p, STR("Connection: upgrade\r\n"));
    if (!r->keeps_alive)
        return str_put(p, STR("Connection: close\r\n"));
    p = str_put(p, STR("Connection: keep-alive\r\n"));
    if (seconds != 0) {
        p = str_put(p, STR("Keep-Alive: timeout="));
        p += number_put(p, seconds);
        p = str_put(p, STR("\r\n"));
    }
    return p;
}


static char *
put_lines(char *p, const struct reply_head *h, unsigned from, unsigned until)
{
    for (; from < until; from++) {
        const struct reply_line *l = &h->at[from];

        if (!l->is_clean) {
            p = field_put(p, field_name(l->id), l->value);
            continue;
        }
        p = str_put(p, field_name(l->id));
        p = str_put(p, STR(": "));
        p = str_put(p, l->value);
        p = str_put(p, STR("\r\n"));
    }
    return p;
}


/* What is not a field of reply_head.h, at most. */
enum { STATUS_AND_FRAMING = 256 };


enum step
h1_send_head(struct http_request *r)
{
    struct http_response *o = &r->out;
    struct reply_head     h;
    char                 *start, *p;

    if (r->version == HTTP_09) {
        r->keeps_alive = false;
        return STEP_NEXT;
    }
    choose_framing(r);
    reply_head_make(r, &h);
    p = start = arena_bytes(r->task.arena, STATUS_AND_FRAMING + o->reason.n
                                               + reply_head_size(r, &h));
    p = put_status(p, o->status, o->reason);
    p = put_lines(p, &h, 0, h.framing);
    if (o->is_chunked)
        p = str_put(p, STR("Transfer-Encoding: chunked\r\n"));
    p = put_connection(p, r);
    p = put_lines(p, &h, h.framing, h.n);
    VEC_EACH(&o->fields.list, f)
        if (!f->is_hidden && f != h.location)
            p = field_put(p, f->name, f->value);
    p = str_put(p, STR("\r\n"));
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
    p = str_put(p, STR("\r\n"));
    chain_add(&r->task.conn->out, str_span(start, p));
    r->codec->flush(r, 0, false);
    h1_of(r)->sent_before += (uint64_t) (p - start);
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
    const struct fields *t = r->out.trailers;
    size_t               n = 2;
    char                *start, *p;

    if (t == NULL) {
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
    p = str_put(p, STR("\r\n"));
    chain_add(out, str_span(start, p));
}


/* A response can be endless, so no chunk may leave memory in the arena: free
 * links are passed back and forth between the chains, also for the last piece
 * of a chunk. */
void
h1_send_body(struct http_request *r, struct chain *in, bool last)
{
    struct chain *out = &r->task.conn->out;

    if (last && !r->keeps_alive && !r->out.is_upgraded)
        tls_end_after(r->task.conn);
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
