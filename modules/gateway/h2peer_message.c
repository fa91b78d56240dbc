/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RFC 9113, 8.1 to 8.3, of responses.
 */
#include "modules/gateway/h2peer_message.h"

#include <stdlib.h>

#include "core/base/number.h"
#include "http/framed_field.h"

enum {
    RECORD = 4,       /* bytes in front of data                              */
    TRAILER = 6,      /* ... of a trailer                                    */
    DATA_MAX = 65535, /* of one record                                       */
    FIRST_ROOM = 1024,
};


static void
fault(struct h2peer_stream *t, enum h2peer_fault what, size_t value)
{
    if (t->fault != 0)
        return;
    t->fault = what + 1;
    t->value = (uint32_t) value;
}


/* The same, where there is less at the end. */
static char *
room_made(struct h2peer_bytes *b, size_t n)
{
    size_t size = b->size != 0 ? b->size : FIRST_ROOM;
    char  *p;

    if (b->read != 0) {
        memmove(b->p, b->p + b->read, b->write - b->read);
        b->write -= b->read;
        b->read = 0;
    }
    while (size - b->write < n)
        size *= 2;
    if (size != b->size) {
        p = realloc(b->p, size);
        if (p == NULL)
            return NULL;
        b->p = p;
        b->size = size;
    }
    b->write += n;
    return b->p + b->write - n;
}


/* Room for n more bytes; NULL: no memory. */
static inline char *
room(struct h2peer_bytes *b, size_t n)
{
    if (b->size - b->write < n)
        return room_made(b, n);
    b->write += n;
    return b->p + b->write - n;
}


static char *
put(char *p, str_t s)
{
    if (s.n != 0)
        memcpy(p, s.p, s.n);
    return p + s.n;
}


static void
put_number(char *p, size_t bytes, size_t value)
{
    while (bytes-- != 0)
        *p++ = (char) (value >> 8 * bytes & 0xff);
}


static void
add(struct h2peer_bytes *b, struct h2peer_stream *t, str_t s)
{
    char *p = room(b, s.n);

    if (p == NULL)
        fault(t, H2PEER_FAULT_HEAD, 0);
    else
        put(p, s);
}


void
h2peer_message_fail(struct h2peer_stream *t, enum h2peer_fault what,
                    uint32_t value)
{
    char record[6] = { 'R' };

    if (t->is_ended)
        return;
    t->is_ended = true;
    fault(t, what, value);
    record[1] = (char) (t->fault - 1);
    value = t->value;
    put_number(record + 2, 4, value);
    add(&t->in, t, (str_t){ record, sizeof(record) });
    t->on_input(t);
}


void
h2peer_message_begin(struct h2peer_stream *t)
{
    t->head->read = t->head->write = 0;
    if (t->has_head) /* interim ones count with it */
        t->head_n = 0;
    t->status = 0;
    t->has_fields = false;
    if (!t->has_head)
        t->has_length = false;
}


/* --- fields --------------------------------------------------------------- */

/* Of the connection: they mean nothing here. */
static bool
is_dropped(str_t name)
{
    switch (name.n) {
    case sizeof("upgrade") - 1:
        return str_is(name, "upgrade");
    case sizeof("connection") - 1: /* and keep-alive */
        return str_is(name, "connection") || str_is(name, "keep-alive");
    case sizeof("proxy-connection") - 1:
        return str_is(name, "proxy-connection");
    case sizeof("transfer-encoding") - 1:
        return str_is(name, "transfer-encoding");
    default:
        return false;
    }
}


static void
take_pseudo(struct h2peer_stream *t, str_t name, str_t value)
{
    static const char version[] = "HTTP/2.0 ";
    uint64_t          status;

    if (t->has_fields || t->has_head || !str_is(name, ":status")) {
        fault(t, H2PEER_FAULT_PSEUDO, 0);
        return;
    }
    if (t->status != 0 || value.n != 3 || !number_parse(value, 999, &status)
        || status < 100 || status == 101)
    {
        fault(t, H2PEER_FAULT_STATUS, 0);
        return;
    }
    t->status = (unsigned) status;
    add(t->head, t, (str_t){ version, sizeof(version) - 1 });
    add(t->head, t, value);
    add(t->head, t, STR("\r\n"));
}


static void
put_trailer(struct h2peer_stream *t, str_t name, str_t value)
{
    char *p = room(t->head, TRAILER + name.n + value.n);

    if (p == NULL) {
        fault(t, H2PEER_FAULT_HEAD, 0);
        return;
    }
    *p = 'T';
    put_number(p + 1, 3, 2 + name.n + value.n);
    put_number(p + RECORD, 2, name.n);
    put(put(p + TRAILER, name), value);
}


static void
put_field(struct h2peer_stream *t, str_t name, str_t value)
{
    char *p = room(t->head, name.n + value.n + 4);

    if (p == NULL) {
        fault(t, H2PEER_FAULT_HEAD, 0);
        return;
    }
    p = put(p, name);
    p = put(p, STR(": "));
    p = put(p, value);
    put(p, STR("\r\n"));
}


static bool
is_too_large(struct h2peer_stream *t, str_t name, str_t value)
{
    t->head_n += name.n + value.n + 4;
    if (name.n > t->field_max || name.n > UINT16_MAX)
        fault(t, H2PEER_FAULT_NAME, name.n);
    else if (value.n > t->field_max)
        fault(t, H2PEER_FAULT_VALUE, value.n);
    else if (t->head_n > t->head_max)
        fault(t, H2PEER_FAULT_HEAD, 0);
    return t->fault != 0;
}


void
h2peer_message_field(struct h2peer_stream *t, str_t name, str_t value)
{
    if (t->is_ended || t->fault != 0 || is_too_large(t, name, value))
        return;
    if (name.n != 0 && name.p[0] == ':') {
        take_pseudo(t, name, value);
        return;
    }
    t->has_fields = true;
    if (!framed_field_is_token(name) || field_has_break(value)) {
        fault(t, H2PEER_FAULT_FIELD, 0);
        return;
    }
    if (t->status == 0 && !t->has_head) {
        fault(t, H2PEER_FAULT_STATUS, 0);
        return;
    }
    if (is_dropped(name))
        return;
    if (t->has_head) {
        put_trailer(t, name, value);
        return;
    }
    if (str_is(name, "content-length"))
        t->has_length = number_parse(value, INT64_MAX, &t->length);
    put_field(t, name, value);
}


/* --- the message ---------------------------------------------------------- */

static bool
has_no_body(const struct h2peer_stream *t)
{
    return t->is_head || t->is_bodiless;
}


void
h2peer_message_end(struct h2peer_stream *t)
{
    if (t->is_ended || t->fault != 0)
        return;
    if (!t->has_head)
        fault(t, H2PEER_FAULT_STATUS, 0);
    else if (t->has_length && !has_no_body(t) && t->got != t->length)
        fault(t, H2PEER_FAULT_SHORT, 0);
    if (t->fault != 0)
        return;
    t->is_ended = true;
    add(&t->in, t, STR("E"));
    t->on_input(t);
}


void
h2peer_message_end_head(struct h2peer_stream *t, bool ends_stream)
{
    if (t->is_ended || t->fault != 0)
        return;
    if (t->has_head && !ends_stream)
        fault(t, H2PEER_FAULT_TRAILER, 0);
    else if (!t->has_head
             && (t->status == 0 || (t->status < 200 && ends_stream)))
        fault(t, H2PEER_FAULT_STATUS, 0);
    if (t->fault != 0)
        return;
    if (!t->has_head) {
        add(t->head, t, STR("\r\n"));
        t->has_head = t->status >= 200;
        t->is_bodiless = t->status == 204 || t->status == 304;
    }
    add(&t->in, t, (str_t){ t->head->p, t->head->write });
    if (ends_stream)
        h2peer_message_end(t);
    else
        t->on_input(t);
}


/* What may still come of the body. */
static uint64_t
room_left(const struct h2peer_stream *t)
{
    if (has_no_body(t))
        return 0;
    return t->has_length ? t->length - t->got : UINT64_MAX;
}


void
h2peer_message_data(struct h2peer_stream *t, str_t data)
{
    uint64_t most = room_left(t);
    bool     is_long = data.n > most;

    if (t->is_ended || t->fault != 0)
        return;
    if (!t->has_head) {
        fault(t, H2PEER_FAULT_STATUS, 0);
        return;
    }
    if (is_long)
        data.n = (size_t) most;
    t->got += data.n;
    while (data.n != 0 && t->fault == 0) {
        size_t n = data.n < DATA_MAX ? data.n : DATA_MAX;
        char  *p = room(&t->in, RECORD + n);

        if (p == NULL) {
            fault(t, H2PEER_FAULT_HEAD, 0);
            break;
        }
        *p = 'D';
        put_number(p + 1, 3, n);
        put(p + RECORD, (str_t){ data.p, n });
        data = str_from(data, n);
    }
    if (is_long)
        fault(t, H2PEER_FAULT_LONG, 0);
    t->on_input(t);
}
