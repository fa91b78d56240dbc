/* SPDX-License-Identifier: BSD-2-Clause */
/*
 *     HEADER -> CONTENT -> PADDING
 *        ^--------------------'
 */
#include "modules/gateway/fastcgi_record.h"

enum { HEADER, CONTENT, PADDING };


static bool
fault(struct fastcgi_reader *f, enum fastcgi_fault what, unsigned value)
{
    f->fault = what;
    f->value = value;
    return false;
}


static bool
read_header(struct fastcgi_reader *f, const char *header)
{
    const unsigned char *b = (const unsigned char *) header;

    if (b[0] != 1)
        return fault(f, FASTCGI_FAULT_VERSION, b[0]);
    if (b[1] != FASTCGI_STDOUT && b[1] != FASTCGI_STDERR && b[1] != FASTCGI_END)
        return fault(f, FASTCGI_FAULT_TYPE, b[1]);
    if (b[2] != 0)
        return fault(f, FASTCGI_FAULT_ID_HIGH, b[2]);
    if (b[3] != 1)
        return fault(f, FASTCGI_FAULT_ID_LOW, b[3]);
    f->type = b[1];
    f->left = (size_t) b[4] << 8 | b[5];
    f->padding = b[6];
    return true;
}


enum fastcgi_event
fastcgi_next(struct fastcgi_reader *f, str_t *in)
{
    size_t n;

    if (f->state == HEADER) {
        if (in->n < FASTCGI_HEADER)
            return FASTCGI_WANTS_MORE;
        if (!read_header(f, in->p))
            return FASTCGI_SAW_BROKEN;
        *in = str_from(*in, FASTCGI_HEADER);
        f->state = CONTENT;
        return FASTCGI_SAW_RECORD;
    }
    if (f->state == CONTENT && f->left != 0) {
        f->data = (str_t){ in->p, in->n < f->left ? in->n : f->left };
        return in->n ? FASTCGI_SAW_DATA : FASTCGI_WANTS_MORE;
    }
    f->state = PADDING;
    n = in->n < f->padding ? in->n : f->padding;
    if (n)
        *in = str_from(*in, n);
    f->padding -= n;
    if (f->padding)
        return FASTCGI_WANTS_MORE;
    f->state = HEADER;
    return FASTCGI_SAW_END;
}


void
fastcgi_took(struct fastcgi_reader *f, str_t *in, size_t n)
{
    f->left -= n;
    *in = str_from(*in, n);
}


void
fastcgi_put_header(char out[FASTCGI_HEADER], enum fastcgi_type type, size_t n)
{
    const unsigned char header[FASTCGI_HEADER] = { 1,
                                                   (unsigned char) type,
                                                   0,
                                                   1,
                                                   (unsigned char) (n >> 8),
                                                   (unsigned char) n,
                                                   0,
                                                   0 };

    memcpy(out, header, FASTCGI_HEADER);
}
