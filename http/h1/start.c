/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the lines of a head to a running request: determines how the body is
 * framed and whether the connection can be kept.
 */
#include "http/h1/conn.h"
#include "http/request_head.h"
#include "http/settings.h"


/* --- fields ------------------------------------------------------------------------ */

/* A name must not contain spaces or controls, a value no CR and no NUL. */
static unsigned
bad_line(struct h1 *h, str_t line)
{
    bool   in_name = true;
    size_t i;

    for (i = 0; i < line.n; i++) {
        unsigned char c = (unsigned char) line.p[i];

        if (in_name ? c <= ' ' || c == 127 : c == '\r' || c == '\0')
            break;
        if (c == ':' && i > 0)
            in_name = false;
    }
    if (i < line.n)
        log_info(h->r->task.log,
                 "client sent invalid header line: \"%.*s\\x%02x...\"", (int) i,
                 line.p, (unsigned char) line.p[i]);
    else
        log_info(h->r->task.log,
                 "client sent invalid header line: \"" STR_F "\"", STR_A(line));
    return 400;
}


unsigned
h1_take_field(struct h1 *h, str_t line)
{
    const struct http_head_conf *c = head_conf(&h->r->task);
    struct h1_field f            UNSET;

    switch (h1_field(&f, line, false)) {
    case H1_FIELD_UNDERSCORE:
        if (c->underscores_in_headers)
            break;
        __attribute__((fallthrough));
    case H1_FIELD_ODD:
        if (!c->ignore_invalid_headers)
            break;
        log_info(h->r->task.log,
                 "client sent invalid header line: \"" STR_F "\"", STR_A(line));
        return 0;
    case H1_FIELD_NO_COLON:
        return 0;
    case H1_FIELD_BAD:
        return bad_line(h, line);
    case H1_FIELD:
        break;
    }
    log_debug(h->r->task.log, "http header: \"" STR_F "\"", STR_A(line));
    return request_head_known(h->r, f.id, f.name, f.value);
}


/* --- the whole head ------------------------------------------------------------------- */

static unsigned
refuse(struct h1 *h, unsigned status, const char *text)
{
    log_info(h->r->task.log, "%s", text);
    return status;
}


static unsigned
take_coding(struct h1 *h)
{
    struct http_request *r = h->r;
    const struct field  *f = fields_get(&r->in, FIELD_TRANSFER_ENCODING);

    r->has_body = f != NULL || r->content_length > 0;
    if (f == NULL)
        return 0;
    if (r->version < HTTP_11)
        return refuse(h, 400,
                      "client sent HTTP/1.0 request with "
                      "\"Transfer-Encoding\" header");
    if (!str_ieq(f->value, STR("chunked"))) {
        log_info(h->r->task.log,
                 "client sent unknown \"Transfer-Encoding\": \"" STR_F "\"",
                 STR_A(f->value));
        return 501;
    }
    if (r->content_length != -1)
        return refuse(h, 400,
                      "client sent \"Content-Length\" and "
                      "\"Transfer-Encoding\" headers at the same time");
    return 0;
}


/* "close" and "keep-alive" may be anywhere in the value, as in nginx. */
static void
take_connection(struct http_request *r)
{
    const struct field *f = fields_get(&r->in, FIELD_CONNECTION);

    r->keeps_alive = r->version >= HTTP_11;
    for (; f != NULL; f = fields_next(&r->in, f)) {
        if (str_ifind(f->value, STR("close")) != NULL) {
            r->keeps_alive = false;
            return;
        }
        if (str_ifind(f->value, STR("keep-alive")) != NULL)
            r->keeps_alive = true;
    }
}


static unsigned
check_head(struct h1 *h)
{
    struct http_request *r = h->r;
    unsigned             status;

    if (r->version >= HTTP_11 && fields_get(&r->in, FIELD_HOST) == NULL)
        return refuse(h, 400,
                      "client sent HTTP/1.1 request without \"Host\" header");
    take_connection(r);
    status = request_head_length(r);
    if (status == 0)
        status = take_coding(h);
    if (status != 0)
        return status;
    return request_head_method(r);
}


static void
run(struct h1 *h)
{
    struct http_request *r = h->r;

    h->head_timer = false;
    h1_set_state(h, H1_BUSY);
    r->log.action = NULL;
    if (h->http.conn.event.hangup)
        r->client_gone = r->came_half_closed = true;
    http_run(&r->task);
}


void
h1_start_bad(struct h1 *h, unsigned status)
{
    request_head_refuse(h->r, status);
    run(h);
}


void
h1_start(struct h1 *h)
{
    struct http_request *r = h->r;
    unsigned             status = 0;

    log_debug(r->task.log, "http header done");
    if (r->version == HTTP_09)
        r->keeps_alive = false;
    else
        status = check_head(h);
    if (status == 0)
        status = request_head_end(r);
    if (status != 0)
        h1_start_bad(h, status);
    else
        run(h);
}
