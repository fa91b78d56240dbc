/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Protobuf by hand: a row of fields, each a tag (number and kind) and a value.
 */
#include "modules/gateway/grpc_health.h"

#include <string.h>

#include "core/base/check.h"
#include "core/base/number.h"

enum { GRPC_STATUS_MAX = 16 };

enum {
    PREFIX = 5,     /* a flag and the length                                  */
    SERVICE = 0x0a, /* field 1, bytes                                        */
    STATUS = 1,     /* field                                                  */
    VARINT_MAX = 10,
};

/* The low three bits of a tag. */
enum wire { WIRE_VARINT, WIRE_64, WIRE_BYTES, WIRE_32 = 5 };


static char *
put_varint(char *p, uint64_t n)
{
    for (; n > 0x7f; n >>= 7)
        *p++ = (char) (n | 0x80);
    *p++ = (char) n;
    return p;
}


str_t
grpc_health_question(struct arena *a, str_t service)
{
    char  *text = arena_bytes(a, PREFIX + 1 + VARINT_MAX + service.n);
    char  *p = text + PREFIX;
    size_t n;

    if (service.n != 0) {
        *p++ = SERVICE;
        p = put_varint(p, service.n);
        memcpy(p, service.p, service.n);
        p += service.n;
    }
    n = (size_t) (p - text) - PREFIX;
    text[0] = 0;
    for (unsigned i = 1; i < PREFIX; i++)
        text[i] = (char) (n >> (8 * (PREFIX - 1 - i)));
    return str_span(text, p);
}


static bool
take_varint(str_t *in, uint64_t *out)
{
    *out = 0;
    for (unsigned i = 0; i < VARINT_MAX && i < in->n; i++) {
        unsigned char c = (unsigned char) in->p[i];

        *out |= (uint64_t) (c & 0x7f) << (7 * i);
        if (c < 0x80) {
            *in = str_from(*in, i + 1);
            return true;
        }
    }
    return false;
}


static bool
skip(str_t *in, uint64_t n)
{
    if (n > in->n)
        return false;
    *in = str_from(*in, (size_t) n);
    return true;
}


/* The value of a field that is not the status. */
static bool
skip_field(str_t *in, unsigned wire)
{
    uint64_t n;

    switch (wire) {
    case WIRE_VARINT:
        return take_varint(in, &n);
    case WIRE_64:
        return skip(in, 8);
    case WIRE_BYTES:
        return take_varint(in, &n) && skip(in, n);
    case WIRE_32:
        return skip(in, 4);
    default:
        return false;
    }
}


/* Of a field that is there more than once, the last one counts. */
static bool
read_message(str_t in, uint64_t *status)
{
    uint64_t tag;

    *status = GRPC_UNKNOWN;
    while (in.n != 0) {
        if (!take_varint(&in, &tag))
            return false;
        if (tag == (STATUS << 3 | WIRE_VARINT) ? !take_varint(&in, status)
                                               : !skip_field(&in, tag & 7))
            return false;
    }
    return true;
}


bool
grpc_health_answer(str_t body, uint64_t *status)
{
    size_t n = 0;

    if (body.n < PREFIX || body.p[0] != 0) /* it would be compressed */
        return false;
    for (unsigned i = 1; i < PREFIX; i++)
        n = n << 8 | (unsigned char) body.p[i];
    body = str_from(body, PREFIX);
    return n == body.n && read_message(body, status);
}


const char *
grpc_health_name(uint64_t status)
{
    static const char *const names[]
        = { "UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN" };

    return status < countof(names) ? names[status] : "another one";
}


bool
grpc_status_parse(str_t text, unsigned *out)
{
    static const char *const names[] = { "OK",
                                         "CANCELLED",
                                         "UNKNOWN",
                                         "INVALID_ARGUMENT",
                                         "DEADLINE_EXCEEDED",
                                         "NOT_FOUND",
                                         "ALREADY_EXISTS",
                                         "PERMISSION_DENIED",
                                         "RESOURCE_EXHAUSTED",
                                         "FAILED_PRECONDITION",
                                         "ABORTED",
                                         "OUT_OF_RANGE",
                                         "UNIMPLEMENTED",
                                         "INTERNAL",
                                         "UNAVAILABLE",
                                         "DATA_LOSS",
                                         "UNAUTHENTICATED" };
    uint64_t                 n;

    if (number_parse(text, GRPC_STATUS_MAX, &n)) {
        *out = (unsigned) n;
        return n != 0;
    }
    for (unsigned i = 1; i < countof(names); i++) {
        if (!str_eq(text, str_of(names[i])))
            continue;
        *out = i;
        return true;
    }
    return false;
}
