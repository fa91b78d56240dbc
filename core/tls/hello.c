/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ClientHello (RFC 8446 4.1.2, 4.2.10, RFC 6066 3 and 8, RFC 7301 3.1): finds its end over
 * the records that it comes in, then the extensions of interest.
 */
#include "core/tls/hello.h"

enum {
    RECORD_HEAD = 5,
    MESSAGE_HEAD = 4,
    RECORD_MAX = 16384 + 256, /* more is refused by OpenSSL                  */
    TYPE_HANDSHAKE = 22,
    MESSAGE_CLIENT_HELLO = 1,
    EXTENSION_NAME = 0,
    EXTENSION_STATUS = 5,
    EXTENSION_ALPN = 16,
    EXTENSION_EARLY_DATA = 42,
    NAME_MAX = 255,
};


static size_t
byte_at(str_t s, size_t i)
{
    return (unsigned char) s.p[i];
}


/* A number of n bytes from the front of s; SIZE_MAX: too short. */
static size_t
take_number(str_t *s, size_t n)
{
    size_t value = 0;

    if (s->n < n)
        return SIZE_MAX;
    for (size_t i = 0; i < n; i++)
        value = value << 8 | byte_at(*s, i);
    *s = str_from(*s, n);
    return value;
}


/* What follows its length, which has n bytes; p is NULL where s is too
 * short. */
static str_t
take_vector(str_t *s, size_t n)
{
    size_t size = take_number(s, n);
    str_t  v;

    if (size == SIZE_MAX || size > s->n)
        return STR_NONE;
    v = (str_t){ s->p, size };
    *s = str_from(*s, size);
    return v;
}


/* server_name: a list that has one host name. */
static bool
read_name(str_t in, struct tls_hello *out)
{
    str_t  list = take_vector(&in, 2), name;
    size_t type;

    if (list.p == NULL || in.n != 0 || out->name.p != NULL)
        return false;
    type = take_number(&list, 1);
    name = take_vector(&list, 2);
    if (type != 0 || name.p == NULL || list.n != 0 || name.n == 0
        || name.n > NAME_MAX || memchr(name.p, '\0', name.n) != NULL)
        return false;
    out->name = name;
    return true;
}


static bool
read_alpn(str_t in, struct tls_hello *out)
{
    str_t list = take_vector(&in, 2), rest = list;

    if (list.n < 2 || in.n != 0 || out->alpn.p != NULL)
        return false;
    while (rest.n != 0)
        if (take_vector(&rest, 1).n == 0)
            return false;
    out->alpn = list;
    return true;
}


static bool
read_extensions(str_t in, struct tls_hello *out)
{
    size_t type;
    str_t  body;

    while (in.n != 0) {
        type = take_number(&in, 2);
        body = take_vector(&in, 2);
        if (type == SIZE_MAX || body.p == NULL)
            return false;
        if (type == EXTENSION_NAME && !read_name(body, out))
            return false;
        if (type == EXTENSION_ALPN && !read_alpn(body, out))
            return false;
        if (type == EXTENSION_EARLY_DATA)
            out->has_early = true;
        if (type == EXTENSION_STATUS)
            out->wants_status = true;
    }
    return true;
}


static enum parse
read_hello(str_t in, struct tls_hello *out)
{
    str_t extensions;

    *out = (struct tls_hello){ STR_NONE, STR_NONE, false, false };
    if (in.n < 34)
        return PARSE_BAD;
    in = str_from(in, 34);                /* version, random */
    if (take_vector(&in, 1).p == NULL     /* session                        */
        || take_vector(&in, 2).p == NULL  /* ciphers                        */
        || take_vector(&in, 1).p == NULL) /* compression                    */
        return PARSE_BAD;
    if (in.n == 0)
        return PARSE_OK;
    extensions = take_vector(&in, 2);
    if (extensions.p == NULL || in.n != 0 || !read_extensions(extensions, out))
        return PARSE_BAD;
    return PARSE_OK;
}


/* Takes the next record off in, or its start where the rest has not come. */
static enum parse
next_record(str_t *in, str_t *body)
{
    size_t n;

    if (in->n != 0 && byte_at(*in, 0) != TYPE_HANDSHAKE)
        return PARSE_BAD;
    if (in->n > 1 && byte_at(*in, 1) != 3)
        return PARSE_BAD;
    if (in->n < RECORD_HEAD)
        return PARSE_AGAIN;
    n = byte_at(*in, 3) << 8 | byte_at(*in, 4);
    if (n == 0 || n > RECORD_MAX)
        return PARSE_BAD;
    *in = str_from(*in, RECORD_HEAD);
    *body = (str_t){ in->p, n < in->n ? n : in->n };
    *in = str_from(*in, body->n);
    return body->n == n ? PARSE_OK : PARSE_AGAIN;
}


/* Whether a message is there as a whole: its body, then. */
static enum parse
whole_message(str_t in, str_t *body)
{
    size_t n;

    if (in.n != 0 && byte_at(in, 0) != MESSAGE_CLIENT_HELLO)
        return PARSE_BAD;
    if (in.n < MESSAGE_HEAD)
        return PARSE_AGAIN;
    in = str_from(in, 1);
    n = take_number(&in, 3);
    if (n > TLS_HELLO_MAX - MESSAGE_HEAD)
        return PARSE_BAD;
    *body = (str_t){ in.p, n };
    return in.n >= n ? PARSE_OK : PARSE_AGAIN;
}


enum parse
tls_hello_parse(str_t in, char *flat, struct tls_hello *out)
{
    str_t      piece = STR_NONE, body, message = STR_NONE;
    enum parse record = next_record(&in, &piece), is_whole;

    if (record == PARSE_BAD || piece.p == NULL)
        return record;
    message = piece;
    for (;;) {
        is_whole = whole_message(message, &body);
        if (is_whole == PARSE_OK)
            return read_hello(body, out);
        if (is_whole == PARSE_BAD || record != PARSE_OK)
            return is_whole;
        if (message.p != flat)
            memcpy(flat, message.p, message.n < TLS_HELLO_MAX ? message.n : 0);
        record = next_record(&in, &piece);
        if (record == PARSE_BAD || piece.p == NULL)
            return record;
        if (message.n + piece.n > TLS_HELLO_MAX)
            return PARSE_BAD;
        memcpy(flat + message.n, piece.p, piece.n);
        message = (str_t){ flat, message.n + piece.n };
        piece = STR_NONE;
    }
}
