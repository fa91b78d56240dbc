/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The status is that of a status line, where the protocol allows one, else of
 * a Status header; without one, 302 where there is a Location, else 200.
 */
#include "modules/gateway/cgi.h"

#include "core/base/number.h"
#include "core/log/log.h"


/* Content-Length: once, and a number. */
static bool
take_length(struct exchange *x, struct cgi_response *c)
{
    const struct log      *log = exchange_request(x)->task.log;
    const struct h1_field *f = &c->head.field;
    const struct field    *before;

    if (c->has_length) {
        before = exchange_find(x, FIELD_CONTENT_LENGTH);
        log_error(log,
                  "upstream sent duplicate header line: \"" STR_F ": " STR_F
                  "\", previous value: \"" STR_F ": " STR_F "\"",
                  STR_A(f->name), STR_A(f->value), STR_A(before->name),
                  STR_A(before->value));
        return false;
    }
    if (!number_parse(f->value, INT64_MAX, &c->left)) {
        log_error(log,
                  "upstream sent invalid \"Content-Length\" header: \"" STR_F
                  ": " STR_F "\"",
                  STR_A(f->name), STR_A(f->value));
        return false;
    }
    c->has_length = true;
    return true;
}


static bool
take_field(struct exchange *x, struct cgi_response *c)
{
    const struct h1_field *f = &c->head.field;

    log_debug(exchange_request(x)->task.log,
              "http cgi header: \"" STR_F ": " STR_F "\"", STR_A(f->name),
              STR_A(f->value));
    if (f->id == FIELD_CONTENT_LENGTH && !take_length(x, c))
        return false;
    return exchange_field_known(x, f->id, f->name, f->value);
}


static bool
refuse_status(struct exchange *x, str_t text)
{
    log_error(exchange_request(x)->task.log,
              "upstream sent invalid status \"" STR_F "\"", STR_A(text));
    return false;
}


/* 101 ends the head where the client has asked for another protocol. */
static bool
take_status_line(struct exchange *x, struct cgi_response *c)
{
    const struct h1_status_line *l = &c->head.status;

    if (l->status == 101 && fields_get(&exchange_request(x)->in, FIELD_UPGRADE))
        exchange_upgrade(x);
    else if (l->status < 200)
        return refuse_status(x, c->head.line);
    exchange_status(x, l->status, l->reason);
    c->has_status = true;
    return true;
}


static bool
take_status(struct exchange *x, const struct cgi_response *c, unsigned *status)
{
    const struct field *f = exchange_find(x, FIELD_STATUS);
    str_t               reason = STR("");

    if (c->has_status) {
        *status = c->head.status.status;
        return true;
    }
    *status = exchange_find(x, FIELD_LOCATION) ? 302 : 200;
    if (f) {
        *status = cgi_status(f->value, &reason);
        if (*status == 0)
            return refuse_status(x, f->value);
    }
    exchange_status(x, *status, reason);
    return true;
}


static enum step
end_head(struct exchange *x, struct cgi_response *c)
{
    unsigned status;

    if (!take_status(x, c, &status))
        return STEP_FAIL;
    if (c->has_length)
        exchange_length(x, (int64_t) c->left);
    c->is_silent = status == 101 || status == 204 || status == 304
                   || exchange_request(x)->method == HTTP_HEAD;
    if (c->is_silent) {
        c->has_length = true;
        c->left = 0;
    }
    c->has_head = true;
    return STEP_NEXT;
}


/* Logs the line up to the byte that makes it invalid. */
static void
tell_broken(const struct log *log, const struct cgi_head *h)
{
    str_t  line = h->line;
    size_t at = h->field.name.n;

    if (at < line.n && line.p[at] == ':')
        while (at < line.n && line.p[at] != '\r' && line.p[at] != '\0')
            at++;
    log_error(log, "upstream sent invalid header: \"%.*s\\x%02x...\"", (int) at,
              line.p, at < line.n ? (unsigned char) line.p[at] : '\r');
}


enum step
cgi_take_head(struct exchange *x, struct cgi_response *c, str_t *in)
{
    struct http_request *r = exchange_request(x);

    for (;;) {
        switch (cgi_head_next(&c->head, r->task.arena, in)) {
        case CGI_WANTS_MORE:
            return STEP_WAIT;
        case CGI_SAW_FIELD:
            if (!take_field(x, c))
                return STEP_FAIL;
            break;
        case CGI_SAW_STATUS:
            if (!take_status_line(x, c))
                return STEP_FAIL;
            break;
        case CGI_SAW_END:
            return end_head(x, c);
        case CGI_SAW_BROKEN:
            tell_broken(r->task.log, &c->head);
            return STEP_FAIL;
        }
    }
}


bool
cgi_take_body(struct exchange *x, struct cgi_response *c, str_t data)
{
    bool is_too_much = false;

    if (c->is_silent)
        return true;
    if (c->has_length && data.n > c->left) {
        log_warn(exchange_request(x)->task.log,
                 "upstream sent more data than specified in "
                 "\"Content-Length\" header");
        data.n = (size_t) c->left;
        is_too_much = true;
    }
    c->left -= c->has_length ? data.n : 0;
    if (data.n)
        exchange_body(x, data);
    return !is_too_much;
}


enum step
cgi_decode(struct exchange *x, struct buf *in)
{
    struct cgi_response *c = exchange_state(x);
    str_t                rest = buf_str(in);
    enum step            s;

    if (!c->has_head) {
        c->head.takes_status = true;
        s = cgi_take_head(x, c, &rest);
        in->read = in->write - rest.n;
        return s;
    }
    in->read = in->write;
    (void) cgi_take_body(x, c, rest);
    return c->has_length && c->left == 0 ? STEP_DONE : STEP_WAIT;
}


enum step
cgi_decode_eof(struct exchange *x)
{
    return cgi_lacks_body(exchange_state(x)) ? STEP_FAIL : STEP_DONE;
}
