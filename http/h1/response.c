/* SPDX-License-Identifier: BSD-2-Clause */
/*
 *     STATUS -> FIELDS -> BODY -> ENDED
 *        ^---------'  (1xx)
 *
 * Lines are consumed only as a whole.  Fields that determine the length of the
 * body are checked as they arrive, so that an error names the field.
 */
#include "http/h1/response.h"

#include "core/base/number.h"

enum { STATUS, FIELDS, BODY, ENDED };


static enum h1_event
fault(struct h1_response *h, enum h1_fault what)
{
    h->error = what;
    return H1_SAW_BROKEN;
}


static enum h1_event
headless(struct h1_response *h)
{
    h->is_close = true;
    h->state = BODY;
    return H1_SAW_HEADLESS;
}


static enum h1_event
take_status(struct h1_response *h, str_t *in)
{
    static const char prefix[] = "HTTP/";
    size_t            n, known = sizeof(prefix) - 1;
    str_t             line;

    if (known > in->n)
        known = in->n;
    if (memcmp(in->p, prefix, known) != 0)
        return headless(h);
    n = h1_line(*in, &h->seen, &line);
    if (n == 0)
        return H1_WANTS_MORE;
    if (!h1_status_line(&h->status, line))
        return headless(h);
    *in = str_from(*in, n);
    h->is_close = h->status.major < 1
                  || (h->status.major == 1 && h->status.minor == 0);
    h->state = FIELDS;
    return H1_SAW_STATUS;
}


/* The position of the byte at which h1_field gave up. */
static size_t
find_fault(str_t line)
{
    size_t i = 0;

    while (i < line.n && (unsigned char) line.p[i] > ' ' && line.p[i] != ':'
           && line.p[i] != 0x7f)
        i++;
    if (i == 0 || i == line.n || line.p[i] != ':')
        return i;
    while (i < line.n && line.p[i] != '\r' && line.p[i] != '\0')
        i++;
    return i;
}


static enum h1_event
judge_length(struct h1_response *h)
{
    if (h->has_length)
        return fault(h, H1_FAULT_DUPLICATE);
    if (h->is_chunked)
        return fault(h, H1_FAULT_BOTH);
    if (!number_parse(h->field.value, INT64_MAX, &h->length))
        return fault(h, H1_FAULT_LENGTH);
    h->has_length = true;
    return H1_SAW_NAMED;
}


static enum h1_event
judge_coding(struct h1_response *h)
{
    if (h->is_chunked)
        return fault(h, H1_FAULT_DUPLICATE);
    if (h->has_length)
        return fault(h, H1_FAULT_BOTH);
    if (!str_ieq(h->field.value, STR("chunked")))
        return fault(h, H1_FAULT_CODING);
    h->is_chunked = true;
    return H1_SAW_NAMED;
}


static void
judge_connection(struct h1_response *h)
{
    str_t value = h->field.value;

    if (str_ieq(value, STR("keep-alive")))
        h->is_close = false;
    else if (str_ifind(value, STR("close")))
        h->is_close = true;
    else if (str_ifind(value, STR("keep-alive")))
        h->is_close = false;
}


static enum h1_event
judge(struct h1_response *h)
{
    switch ((int) h->field.id) {
    case FIELD_CONNECTION:
        judge_connection(h);
        break;
    case FIELD_CONTENT_LENGTH:
        return judge_length(h);
    case FIELD_TRANSFER_ENCODING:
        return judge_coding(h);
    default:
        break;
    }
    return H1_SAW_NAMED;
}


/* Starts over for the final response, after a 1xx response. */
static enum h1_event
start_again(struct h1_response *h)
{
    bool has_no_body = h->has_no_body;

    memset(h, 0, sizeof(*h));
    h->has_no_body = has_no_body;
    return H1_SAW_INTERIM;
}


static enum h1_event
end_head(struct h1_response *h)
{
    unsigned status = h->status.status;

    if (status < 200 && status != 101)
        return start_again(h);
    if (h->has_no_body || status == 204 || status == 304 || status == 101) {
        h->left = 0;
        h->has_no_body = true;
    } else {
        h->left = h->length;
    }
    h->is_reusable = !h->is_close && status != 101
                     && (h->has_no_body || h->has_length || h->is_chunked);
    h->state = BODY;
    return H1_SAW_HEAD;
}


static enum h1_event
take_field(struct h1_response *h, str_t *in)
{
    for (;;) {
        str_t  line;
        size_t n = h1_line(*in, &h->seen, &line);

        if (n == 0)
            return H1_WANTS_MORE;
        *in = str_from(*in, n);
        if (line.n == 0)
            return end_head(h);
        switch (h1_field(&h->field, line, true)) {
        case H1_FIELD_BAD:
            h->line = line;
            h->at = find_fault(line);
            return fault(h, H1_FAULT_FIELD);
        case H1_FIELD_NO_COLON:
            break;
        case H1_FIELD:
        case H1_FIELD_ODD:
        case H1_FIELD_UNDERSCORE:
            return judge(h);
        }
    }
}


static enum h1_event
take_chunked(struct h1_response *h, str_t *in)
{
    switch (h1_chunked_next(&h->chunked, in, &h->data, &h->field)) {
    case PARSE_OK:
        return h->data.p ? H1_SAW_DATA : H1_SAW_TRAILER;
    case PARSE_AGAIN:
        return H1_WANTS_MORE;
    case PARSE_END:
        h->state = ENDED;
        return H1_SAW_END;
    case PARSE_BAD:
        break;
    }
    return fault(h, H1_FAULT_CHUNK);
}


static enum h1_event
take_body(struct h1_response *h, str_t *in)
{
    if (h->is_chunked && !h->has_no_body)
        return take_chunked(h, in);
    if (!h->has_length && !h->has_no_body) { /* until the connection ends */
        if (in->n == 0)
            return H1_WANTS_MORE;
        h->data = *in;
        *in = str_from(*in, in->n);
        return H1_SAW_DATA;
    }
    if (h->left == 0) {
        h->state = ENDED;
        return H1_SAW_END;
    }
    if (in->n == 0)
        return H1_WANTS_MORE;
    h->data = (str_t){ in->p, in->n < h->left ? in->n : (size_t) h->left };
    *in = str_from(*in, h->data.n);
    h->left -= h->data.n;
    return H1_SAW_DATA;
}


enum h1_event
h1_response_next(struct h1_response *h, str_t *in)
{
    switch (h->state) {
    case STATUS:
        return in->n ? take_status(h, in) : H1_WANTS_MORE;
    case FIELDS:
        return take_field(h, in);
    case BODY:
        return take_body(h, in);
    default:
        return H1_SAW_END;
    }
}


enum h1_event
h1_response_eof(const struct h1_response *h)
{
    bool is_until_end = h->state == BODY && !h->has_length && !h->is_chunked;

    return h->state == ENDED || is_until_end ? H1_SAW_END : H1_WANTS_MORE;
}
