/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The chunked transfer coding, one token per call:
 *
 *     SIZE -> DATA -> DATA_END -> SIZE ... -> TRAILER -> ENDED
 *
 * Lines are consumed only as a whole, but an error in one is reported as soon
 * as its bytes are there, so that a peer gets an answer instead of a timeout.
 */
#include "core/base/number.h"
#include "http/h1/parse.h"

enum { SIZE, DATA, DATA_END, TRAILER, ENDED };

/* Up to this size, adding the head and the framing of the next chunk cannot
 * exceed the largest file offset. */
#define SIZE_LIMIT ((uint64_t) INT64_MAX - 64)


/* The number of hexadecimal digits at the start of in; 0: none, or the number
 * is too large. */
static size_t
read_size(str_t in, uint64_t *size)
{
    size_t i;
    int    digit;

    for (*size = 0, i = 0; i < in.n; i++) {
        digit = number_hex_digit(in.p[i]);
        if (digit < 0)
            break;
        if (*size > SIZE_LIMIT >> 4)
            return 0;
        *size = *size << 4 | (unsigned) digit;
    }

    return *size > SIZE_LIMIT ? 0 : i;
}


/* "size[;extension]" CR LF.  The extension may contain anything but CR and LF
 * (nginx accepts any bytes after a space or ";"). */
static enum parse
take_size(struct h1_chunked *c, str_t *in)
{
    uint64_t    size;
    size_t      i;
    const char *p, *end;

    if (in->n == 0)
        return PARSE_AGAIN;

    end = in->p + in->n;
    i = read_size(*in, &size);
    if (i == 0)
        return PARSE_BAD;

    p = in->p + i;
    if (p < end && *p != '\r' && *p != ';' && *p != ' ' && *p != '\t')
        return PARSE_BAD;

    while (p < end && *p != '\r' && *p != '\n')
        p++;

    if (p - in->p > H1_CHUNK_LINE - 2 || (p < end && *p == '\n'))
        return PARSE_BAD;
    if (end - p < 2)
        return PARSE_AGAIN;
    if (p[1] != '\n')
        return PARSE_BAD;

    *in = str_span(p + 2, end);
    c->left = size;
    c->state = size > 0 ? DATA : TRAILER;
    return PARSE_OK;
}


static enum parse
take_data(struct h1_chunked *c, str_t *in, str_t *data)
{
    size_t n = in->n;

    if (n == 0)
        return PARSE_AGAIN;

    if (n > c->left)
        n = (size_t) c->left;

    *data = (str_t){ in->p, n };
    *in = str_from(*in, n);
    c->left -= n;

    if (c->left == 0)
        c->state = DATA_END;

    return PARSE_OK;
}


static enum parse
take_data_end(struct h1_chunked *c, str_t *in)
{
    if (in->n == 0)
        return PARSE_AGAIN;
    if (in->p[0] != '\r' || (in->n > 1 && in->p[1] != '\n'))
        return PARSE_BAD;
    if (in->n == 1)
        return PARSE_AGAIN;

    *in = str_from(*in, 2);
    c->state = SIZE;
    return PARSE_OK;
}


/* A field, or the empty line; both must end in CR LF. */
static enum parse
take_trailer(struct h1_chunked *c, str_t *in, struct h1_field *field)
{
    str_t  line = STR_NONE;
    size_t n, seen = 0;

    n = h1_line(*in, &seen, &line);

    if (n == 0)
        return in->n >= H1_CHUNK_LINE ? PARSE_BAD : PARSE_AGAIN;
    if (n > H1_CHUNK_LINE || n < 2 || in->p[n - 2] != '\r')
        return PARSE_BAD;

    c->trailer_bytes += n;
    if (c->trailer_bytes > H1_TRAILER_MAX)
        return PARSE_BAD;

    if (line.n == 0) {
        *in = str_from(*in, n);
        c->state = ENDED;
        return PARSE_END;
    }

    if (h1_field(field, line, false) == H1_FIELD_BAD)
        return PARSE_BAD;

    *in = str_from(*in, n);
    return PARSE_OK;
}


enum parse
h1_chunked_next(struct h1_chunked *c, str_t *in, str_t *data,
                struct h1_field *field)
{
    enum parse found = PARSE_OK;

    *data = STR_NONE;

    while (found == PARSE_OK) {
        switch (c->state) {
        case SIZE:
            found = take_size(c, in);
            break;
        case DATA:
            return take_data(c, in, data);
        case DATA_END:
            found = take_data_end(c, in);
            break;
        case TRAILER:
            return take_trailer(c, in, field);
        default:
            return PARSE_END;
        }
    }

    return found;
}
