/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The response: passes the events of the HTTP/1 decoder to the engine, and
 * logs its errors.
 */
#include "modules/gateway/proxy.h"


static enum step
tell_fault(struct exchange *x, const struct h1_response *h)
{
    struct log            *log = exchange_request(x)->task.log;
    const struct h1_field *f = &h->field;
    struct field          *previous;

    switch (h->error) {
    case H1_FAULT_FIELD:
        log_error(log, "upstream sent invalid header: \"%.*s\\x%02x...\"",
                  (int) h->at, h->line.p,
                  h->at < h->line.n ? (unsigned char) h->line.p[h->at] : '\r');
        break;
    case H1_FAULT_LENGTH:
        log_error(log,
                  "upstream sent invalid \"Content-Length\" header: \"" STR_F
                  ": " STR_F "\"",
                  STR_A(f->name), STR_A(f->value));
        break;
    case H1_FAULT_DUPLICATE:
        previous = exchange_find(x, h->field.id);
        log_error(log,
                  "upstream sent duplicate header line: \"" STR_F ": " STR_F
                  "\", previous value: \"" STR_F ": " STR_F "\"",
                  STR_A(f->name), STR_A(f->value), STR_A(previous->name),
                  STR_A(previous->value));
        break;
    case H1_FAULT_CODING:
        log_error(log,
                  "upstream sent unknown \"Transfer-Encoding\": \"" STR_F "\"",
                  STR_A(f->value));
        break;
    case H1_FAULT_BOTH:
        log_error(log, "upstream sent \"Content-Length\" and "
                       "\"Transfer-Encoding\" headers at the same time");
        break;
    case H1_FAULT_CHUNK:
        log_error(log, "upstream sent invalid chunked response");
        break;
    case H1_FAULT_NONE:
        break;
    }
    return STEP_FAIL;
}


static enum step
tell_headless(struct exchange *x)
{
    log_error(exchange_request(x)->task.log,
              "upstream sent no valid HTTP/1.0 header");
    if (exchange_stray(x))
        return STEP_FAIL;
    exchange_status(x, 200, STR(""));
    exchange_reusable(x, false);
    exchange_headless(x);
    return STEP_NEXT;
}


/* "Keep-Alive: timeout=5, max=100": a connection that has been idle for nearly
 * that long is not used, as the peer may be closing it. */
static void
tell_idle_limit(struct exchange *x)
{
    static const str_t  name = STR_INIT("timeout=");
    const struct field *f = exchange_find(x, FIELD_KEEP_ALIVE);
    const char         *at = f ? str_ifind(f->value, name) : NULL;
    str_t               digits;
    uint64_t            seconds;

    if (!at)
        return;
    digits = str_from(f->value, (size_t) (at - f->value.p) + name.n);
    for (size_t n = 0; n <= digits.n; n++)
        if (n == digits.n || digits.p[n] < '0' || digits.p[n] > '9')
            digits.n = n;
    if (!number_parse(digits, UINT32_MAX, &seconds))
        return;
    if (seconds <= 1)
        exchange_reusable(x, false);
    else
        exchange_idle_limit(x, (seconds - 1) * 1000);
}


/* The head promises a body that must not come: to HEAD, with 204 or 304.  Some
 * servers of applications leave it to these to send none. */
static bool
is_doubtful(const struct h1_response *h)
{
    if (!h->has_no_body || h->status.status == 101)
        return false;
    if (h->has_length)
        return h->length != 0;
    return h->is_chunked
           || (h->status.status != 204 && h->status.status != 304);
}


static void
tell_head(struct exchange *x, const struct h1_response *h)
{
    struct http_request *r = exchange_request(x);

    if (h->has_length)
        exchange_length(x, (int64_t) h->length);
    exchange_reusable(x, h->is_reusable);
    tell_idle_limit(x);
    if (is_doubtful(h))
        exchange_doubtful(x);
    if (h->status.status == 101 && fields_get(&r->in, FIELD_UPGRADE))
        exchange_upgrade(x);
}


static enum step
tell_field(struct exchange *x, const struct h1_response *h)
{
    log_debug(exchange_request(x)->task.log,
              "http proxy header: \"" STR_F ": " STR_F "\"",
              STR_A(h->field.name), STR_A(h->field.value));
    return exchange_field_known(x, h->field.id, h->field.name, h->field.value)
               ? STEP_WAIT
               : STEP_FAIL;
}


enum step
proxy_tell(struct exchange *x, const struct h1_response *h, enum h1_event event)
{
    switch (event) {
    case H1_WANTS_MORE:
        break;
    case H1_SAW_STATUS:
        log_debug(exchange_request(x)->task.log,
                  "http proxy status %u \"%u " STR_F "\"", h->status.status,
                  h->status.status, STR_A(h->status.reason));
        exchange_status(x, h->status.status, h->status.reason);
        break;
    case H1_SAW_HEADLESS:
        return tell_headless(x);
    case H1_SAW_NAMED:
        return tell_field(x, h);
    case H1_SAW_INTERIM:
        exchange_interim(x);
        break;
    case H1_SAW_HEAD:
        log_debug(exchange_request(x)->task.log, "http proxy header done");
        tell_head(x, h);
        return STEP_NEXT;
    case H1_SAW_DATA:
        exchange_body(x, h->data);
        break;
    case H1_SAW_TRAILER:
        if (!exchange_trailer(x, h->field.name, h->field.value))
            return STEP_FAIL;
        break;
    case H1_SAW_END:
        return STEP_DONE;
    case H1_SAW_BROKEN:
        return tell_fault(x, h);
    }
    return STEP_WAIT;
}


enum step
proxy_decode(struct exchange *x, struct buf *in)
{
    struct h1_response       *h = exchange_state(x);
    const struct proxy_state *s = exchange_gateway(x)->data;
    str_t                     rest = buf_str(in);
    enum h1_event             event;
    enum step                 step;

    h->has_no_body = h->has_no_body || s->is_head;
    do {
        event = h1_response_next(h, &rest);
        in->read = in->write - rest.n;
        step = event == H1_SAW_NAMED ? tell_field(x, h)
                                     : proxy_tell(x, h, event);
    } while (step == STEP_WAIT && event != H1_WANTS_MORE);
    return step;
}


enum step
proxy_decode_eof(struct exchange *x)
{
    const struct h1_response *h = exchange_state(x);

    return h1_response_eof(h) == H1_SAW_END ? STEP_DONE : STEP_FAIL;
}


bool
proxy_hides(str_t name)
{
    return str_ieq(name, STR("X-Pad"));
}
