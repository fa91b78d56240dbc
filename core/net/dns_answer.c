/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A name is a sequence of labels, each preceded by its length, up to an empty
 * one or to a pointer to the rest of the name.  Each pointer must lead further
 * back than the one before, so that every name ends.
 */
#include "core/net/dns_answer.h"

#include <stdint.h>

enum { HEAD = 12, QUESTION_TAIL = 4, RECORD_HEAD = 10, SERVICE_HEAD = 6 };

enum { CLASS_IN = 1, TYPE_CNAME = 5 };

enum { POINTER = 0xc0, LABEL_MAX = 63 };


static unsigned
read_u16(const uint8_t *p)
{
    return (unsigned) p[0] << 8 | p[1];
}


/* Returns the end of the name at p; NULL: broken. */
static const uint8_t *
skip_name(const uint8_t *p, const uint8_t *end)
{
    while (p < end) {
        if (*p == 0)
            return p + 1;
        if ((*p & POINTER) == POINTER)
            return end - p >= 2 ? p + 2 : NULL;
        if (*p > LABEL_MAX)
            return NULL;
        p += 1 + *p;
    }
    return NULL;
}


/* Bytes that could not be written in a textual name are refused, since the
 * name may be sent in a query. */
static bool
is_plain(const uint8_t *label, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (label[i] <= ' ' || label[i] > '~' || label[i] == '.'
            || label[i] == '\\')
            return false;
    return true;
}


/* The name at p as text, in lower case. */
static bool
read_name(str_t packet, const uint8_t *p, char out[DNS_NAME_MAX + 1])
{
    const uint8_t *start = (const uint8_t *) packet.p, *end = start + packet.n;
    const uint8_t *limit = p;
    size_t         n = 0;

    while (p < end && *p != 0) {
        if ((*p & POINTER) == POINTER) {
            if (end - p < 2 || start + (read_u16(p) & 0x3fff) >= limit)
                return false;
            p = limit = start + (read_u16(p) & 0x3fff);
            continue;
        }
        if (*p > LABEL_MAX || end - p <= *p || !is_plain(p + 1, *p)
            || n + 1 + *p > DNS_NAME_MAX)
            return false;
        if (n != 0)
            out[n++] = '.';
        for (size_t i = 1; i <= *p; i++)
            out[n++] = ascii_lower((char) p[i]);
        p += 1 + *p;
    }
    out[n] = '\0';
    return p < end && n != 0;
}


struct record {
    unsigned       type, class;
    uint32_t       ttl;
    const uint8_t *data;
    size_t         n;
};


/* Returns the end of the record at p; NULL: broken. */
static const uint8_t *
read_record(const uint8_t *p, const uint8_t *end, struct record *r)
{
    p = skip_name(p, end);
    if (p == NULL || end - p < RECORD_HEAD)
        return NULL;
    r->type = read_u16(p);
    r->class = read_u16(p + 2);
    r->ttl = (uint32_t) read_u16(p + 4) << 16 | read_u16(p + 6);
    r->n = read_u16(p + 8);
    r->data = p + RECORD_HEAD;
    return (size_t) (end - r->data) < r->n ? NULL : r->data + r->n;
}


/* A host that is "." says that there is no such service. */
static bool
take_service(struct dns_answer *out, str_t packet, const struct record *r)
{
    struct dns_service *s = &out->service[out->n_services];

    if (r->n <= SERVICE_HEAD)
        return false;
    if (out->n_services == DNS_SERVICES_MAX)
        return true;
    s->priority = read_u16(r->data);
    s->weight = read_u16(r->data + 2);
    s->port = read_u16(r->data + 4);
    if (read_name(packet, r->data + SERVICE_HEAD, s->host) && s->port != 0)
        out->n_services++;
    return true;
}


static bool
take_address(struct dns_answer *out, const struct record *r)
{
    if (r->n != (r->type == DNS_A ? 4 : 16))
        return false;
    if (out->n == DNS_ADDRESSES_MAX)
        return true;
    memset(out->at[out->n], 0, sizeof(out->at[0]));
    memcpy(out->at[out->n++], r->data, r->n);
    return true;
}


static bool
take_record(struct dns_answer *out, str_t packet, enum dns_type type,
            const struct record *r)
{
    if (r->class != CLASS_IN || (r->type != type && r->type != TYPE_CNAME))
        return true;
    /* RFC 2181 section 8: a TTL with the top bit set counts as zero */
    if (r->ttl < out->ttl || r->ttl > INT32_MAX)
        out->ttl = r->ttl > INT32_MAX ? 0 : r->ttl;
    if (r->type == TYPE_CNAME) {
        if (!read_name(packet, r->data, out->alias))
            out->alias[0] = '\0';
        return true;
    }
    return r->type == DNS_SRV ? take_service(out, packet, r)
                              : take_address(out, r);
}


bool
dns_answer_read(struct dns_answer *out, str_t packet, enum dns_type type)
{
    const uint8_t *p = (const uint8_t *) packet.p, *end = p + packet.n;
    struct record  r;
    unsigned       questions, answers;

    out->n = out->n_services = 0;
    out->alias[0] = '\0';
    out->ttl = INT32_MAX;
    if (packet.n < HEAD)
        return false;
    questions = read_u16(p + 4);
    answers = read_u16(p + 6);
    p += HEAD;
    for (; questions != 0; questions--) {
        p = skip_name(p, end);
        if (p == NULL || end - p < QUESTION_TAIL)
            return false;
        p += QUESTION_TAIL;
    }
    for (; answers != 0; answers--) {
        p = read_record(p, end, &r);
        if (p == NULL || !take_record(out, packet, type, &r))
            return false;
    }
    return true;
}
