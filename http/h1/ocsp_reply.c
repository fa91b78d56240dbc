/* SPDX-License-Identifier: BSD-2-Clause */
/* All that comes is counted: heads that do not end are as bad as bodies. */
#include "http/h1/ocsp_reply.h"


static enum parse
fail(const struct log *log, const char *why)
{
    log_error(log, "OCSP responder %s", why);
    return PARSE_BAD;
}


static bool
is_type(str_t value)
{
    str_t rest = value, type = str_cut(&rest, ';');

    while (type.n != 0 && type.p[type.n - 1] == ' ')
        type.n--;
    return str_ieq(type, STR("application/ocsp-response"));
}


static enum parse
take_field(const struct ocsp_reply *r, const struct log *log)
{
    const struct h1_field *f = &r->response.field;

    if (r->response.status.status != 200
        || !str_ieq(f->name, STR("Content-Type")) || is_type(f->value))
        return PARSE_AGAIN;
    log_error(log,
              "OCSP responder sent invalid \"Content-Type\" header: "
              "\"" STR_F "\"",
              STR_A(f->value));
    return PARSE_BAD;
}


static enum parse
take_head(const struct ocsp_reply *r, const struct log *log)
{
    if (r->response.status.status == 200)
        return PARSE_AGAIN;
    log_error(log, "OCSP responder answered with status %u",
              r->response.status.status);
    return PARSE_BAD;
}


static enum parse
take_data(struct ocsp_reply *r, const struct log *log)
{
    str_t data = r->response.data;

    if (data.n > OCSP_REPLY_MAX - r->n)
        return fail(log, "sent too large response");
    if (r->body == NULL)
        r->body = arena_bytes(r->arena, OCSP_REPLY_MAX);
    memcpy(r->body + r->n, data.p, data.n);
    r->n += data.n;
    return PARSE_AGAIN;
}


static enum parse
take_end(const struct ocsp_reply *r, const struct log *log)
{
    return r->n != 0 ? PARSE_OK : fail(log, "sent invalid response");
}


static enum parse
take(struct ocsp_reply *r, enum h1_event event, const struct log *log)
{
    switch (event) {
    case H1_WANTS_MORE:
    case H1_SAW_STATUS:
    case H1_SAW_INTERIM:
    case H1_SAW_TRAILER:
        return PARSE_AGAIN;
    case H1_SAW_NAMED:
        return take_field(r, log);
    case H1_SAW_HEAD:
        return take_head(r, log);
    case H1_SAW_DATA:
        return take_data(r, log);
    case H1_SAW_END:
        return take_end(r, log);
    case H1_SAW_HEADLESS:
    case H1_SAW_BROKEN:
        break;
    }
    return fail(log, "sent invalid response");
}


enum parse
ocsp_reply_take(struct ocsp_reply *r, str_t *in, const struct log *log)
{
    size_t        before = in->n;
    enum parse    result;
    enum h1_event event;

    do {
        event = h1_response_next(&r->response, in);
        result = take(r, event, log);
    } while (result == PARSE_AGAIN && event != H1_WANTS_MORE);
    r->total += before - in->n;
    if (result == PARSE_AGAIN
        && r->total + in->n > OCSP_REPLY_MAX + OCSP_REPLY_HEAD)
        return fail(log, "sent too large response");
    return result;
}


enum parse
ocsp_reply_eof(struct ocsp_reply *r, const struct log *log)
{
    if (h1_response_eof(&r->response) == H1_SAW_END)
        return take_end(r, log);
    return fail(log, "prematurely closed connection");
}
