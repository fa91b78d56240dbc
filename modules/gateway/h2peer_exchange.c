/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The head of a response goes through the decoder of HTTP/1, as do those that a
 * cache has; what follows it are the records of a stream.
 */
#include "modules/gateway/h2peer_exchange.h"

#include "modules/gateway/proxy.h"

enum { RECORD = 4, TRAILER = 6, FAULT = 6 };


static const struct conf_range some_streams = { 1, 1000 };

const struct directive h2peer_rows[] = {
    NUMBER("_http2_max_concurrent", 0, struct gateway_conf, streams, "100",
           &some_streams,
           "How many requests may use a connection of HTTP/2 to the upstream "
           "at a time, where the upstream allows it, too. Connections are "
           "shared where they are kept (keepalive), and while one is being "
           "opened, requests wait for it. 1: never, as in nginx."),
    { .name = NULL },
};


/* The use of a connection that x has; NULL: its response is a stored one. */
static struct h2peer_use *
use_of(const struct exchange *x)
{
    return exchange_has_link(x) ? exchange_link_state(x) : NULL;
}


/* --- the request ---------------------------------------------------------- */

/* Those of the client belong to its body. */
static bool
has_trailers(const struct gateway *g)
{
    return g->conf->pass_trailers && g->r->in_trailers != NULL
           && g->conf->pass_request_body && !g->upload.is_replaced;
}


enum step
h2peer_encode_head(struct exchange *x, struct chain *out)
{
    struct gateway              *g = exchange_gateway(x);
    const struct h2peer_request *own = g->protocol->own;
    struct h2peer_use           *u = use_of(x);
    struct h2peer_try           *t = exchange_state(x);
    struct h2peer_fields         h = { .arena = g->r->task.arena };
    const char                  *too_long;

    (void) out; /* that is the session's */
    if (!own->list(g, &h))
        return STEP_FAIL;
    too_long = h2peer_fields_too_long(&h);
    if (too_long != NULL) {
        log_error(g->r->task.log, "too long http2 %s", too_long);
        return STEP_FAIL;
    }
    t->headers = conf_of(&g->r->task, own->headers);
    t->is_head = h.is_head;
    u->stream.is_head = h.is_head;
    u->stream.head_max = u->stream.field_max = g->conf->head_limit;
    h2peer_link_open(u->link, h.list.at, h.list.n,
                     g->upload.is_streaming || g->upload.body.n != 0
                         || has_trailers(g));
    return STEP_NEXT;
}


enum step
h2peer_describe(struct exchange *x, struct chain *out)
{
    struct gateway              *g = exchange_gateway(x);
    const struct h2peer_request *own = g->protocol->own;
    struct h2peer_fields         h = { .arena = g->r->task.arena };

    if (!own->list(g, &h))
        return STEP_FAIL;
    VEC_EACH(&h.list, f)
        chain_add_copy(out, arena_printf(h.arena, STR_F ": " STR_F "\r\n",
                                         STR_A(f->name), STR_A(f->value)));
    return STEP_NEXT;
}


enum step
h2peer_encode_body(struct exchange *x, struct chain *in, struct chain *out,
                   bool last)
{
    const struct h2peer_try *t = exchange_state(x);
    struct gateway          *g = exchange_gateway(x);
    struct h2peer_fields     trailers = { .arena = g->r->task.arena };

    chain_join(out, in);
    if (!last)
        return STEP_NEXT;
    if (has_trailers(g))
        set_headers_trailers(&trailers, t->headers, g->r);
    h2peer_link_last(use_of(x)->link, trailers.list.at, trailers.list.n);
    return STEP_NEXT;
}


/* --- the response --------------------------------------------------------- */

static void
blame(struct exchange *x, enum h2peer_fault fault)
{
    enum gateway_fault why = GATEWAY_FAULT_NONE;

    switch ((int) fault) {
    case H2PEER_FAULT_RESET:
    case H2PEER_FAULT_REFUSED:
        why = GATEWAY_FAULT_RESET;
        break;
    case H2PEER_FAULT_NAME:
    case H2PEER_FAULT_VALUE:
    case H2PEER_FAULT_HEAD:
        why = GATEWAY_FAULT_HEADER_TOO_BIG;
        break;
    default:
        break;
    }
    if (why != GATEWAY_FAULT_NONE)
        gateway_blame(exchange_gateway(x), why);
}


/* The text; the value is for those that have a number in it. */
static const char *
text_of(enum h2peer_fault fault)
{
    static const char *const texts[] = {
        [H2PEER_FAULT_RESET] = "upstream rejected request with error %u",
        [H2PEER_FAULT_REFUSED] = "upstream rejected request with error %u",
        [H2PEER_FAULT_NAME]
        = "upstream sent too large http2 header name length: %u",
        [H2PEER_FAULT_VALUE]
        = "upstream sent too large http2 header value length: %u",
        [H2PEER_FAULT_HEAD] = "upstream sent too large http2 header",
        [H2PEER_FAULT_FIELD] = "upstream sent invalid http2 header",
        [H2PEER_FAULT_STATUS] = "upstream sent no valid :status header",
        [H2PEER_FAULT_PSEUDO] = "upstream sent invalid pseudo-header",
        [H2PEER_FAULT_TRAILER]
        = "upstream sent trailers before the end of stream",
        [H2PEER_FAULT_SHORT] = "upstream prematurely closed stream",
        [H2PEER_FAULT_LONG]
        = ("upstream sent response body larger than indicated "
           "content length"),
        [H2PEER_FAULT_WINDOW] = "upstream sent zero window update",
        [H2PEER_FAULT_FRAME] = "upstream sent invalid http2 frame of type %u",
        [H2PEER_FAULT_PROTOCOL] = "upstream sent no valid http2",
    };

    return fault < countof(texts) ? texts[fault] : texts[H2PEER_FAULT_PROTOCOL];
}


static enum step
tell_fault(struct exchange *x, str_t record)
{
    enum h2peer_fault fault = (unsigned char) record.p[1];
    unsigned          value = (unsigned) h2peer_number(record.p + 2, 4);
    const char       *text = text_of(fault), *at = strstr(text, "%u");
    str_t             start = at != NULL ? str_span(text, at) : str_of(text);
    struct log       *log = exchange_request(x)->task.log;
    enum log_level    level = LEVEL_ERROR;

    if (fault == H2PEER_FAULT_REFUSED
        && (value == 0 || value == H2PEER_TOO_MANY)) {
        exchange_moved(x);
        if (exchange_gateway(x)->moves < GATEWAY_MOVES)
            level = LEVEL_INFO;
    }
    blame(x, fault);
    if (at != NULL)
        log_at(log, level, 0, STR_F "%u%s", STR_A(start), value, at + 2);
    else
        log_at(log, level, 0, "%s", text);
    return STEP_FAIL;
}


static enum step
take_fault(struct exchange *x, struct buf *in)
{
    str_t record = buf_str(in);

    if (record.n < FAULT)
        return STEP_WAIT;
    in->read += FAULT;
    return tell_fault(x, record);
}


static enum step
decode_head(struct exchange *x, struct h2peer_try *t, struct buf *in)
{
    enum h1_event event;
    enum step     step;

    t->head.has_no_body = t->is_head;
    do {
        str_t rest = buf_str(in);

        if (!t->in_fields && rest.n != 0 && rest.p[0] == 'R')
            return take_fault(x, in);
        event = h1_response_next(&t->head, &rest);
        t->in_fields = event == H1_SAW_STATUS
                       || (t->in_fields && event != H1_SAW_INTERIM);
        in->read = in->write - rest.n;
        step = proxy_tell(x, &t->head, event);
    } while (step == STEP_WAIT && event != H1_WANTS_MORE);
    t->has_head = step == STEP_NEXT;
    return step;
}


static enum step
take_data(struct exchange *x, struct h2peer_try *t, struct buf *in)
{
    str_t data = buf_str(in);

    if (data.n > t->left)
        data.n = t->left;
    in->read += data.n;
    t->left -= data.n;
    h2peer_link_used(use_of(x)->link, data.n);
    if (t->on_data != NULL)
        return t->on_data(x, data) ? STEP_WAIT : STEP_FAIL;
    exchange_body(x, data);
    return STEP_WAIT;
}


static enum step
take_trailer(struct exchange *x, struct buf *in, size_t n)
{
    str_t  rest = str_from(buf_str(in), RECORD);
    size_t name_n;

    rest.n = n;
    name_n = h2peer_number(rest.p, TRAILER - RECORD);
    rest = str_from(rest, TRAILER - RECORD);
    in->read += RECORD + n;
    return exchange_trailer(x, (str_t){ rest.p, name_n },
                            str_from(rest, name_n))
               ? STEP_WAIT
               : STEP_FAIL;
}


/* The next record, or a part of its data.  STEP_WAIT: there may be more. */
static enum step
take_record(struct exchange *x, struct h2peer_try *t, struct buf *in)
{
    const char *p = in->read;
    size_t      n;

    switch (*p) {
    case 'E':
        in->read++;
        exchange_reusable(x, true);
        return STEP_DONE;
    case 'R':
        return take_fault(x, in);
    default:
        break;
    }
    if (buf_len(in) < RECORD)
        return STEP_WAIT;
    n = h2peer_number(p + 1, RECORD - 1);
    if (*p == 'T')
        return buf_len(in) < RECORD + n ? STEP_WAIT : take_trailer(x, in, n);
    in->read += RECORD;
    t->left = n;
    return STEP_WAIT;
}


enum step
h2peer_decode(struct exchange *x, struct buf *in)
{
    struct h2peer_try *t = exchange_state(x);
    enum step          s = STEP_WAIT;
    const char        *before;

    if (!t->has_head)
        return decode_head(x, t, in);
    do {
        before = in->read;
        if (buf_len(in) != 0)
            s = t->left != 0 ? take_data(x, t, in) : take_record(x, t, in);
    } while (s == STEP_WAIT && in->read != before);
    return s;
}


bool
h2peer_has_ended(const struct buf *in)
{
    return buf_len(in) != 0 && *in->read == 'E';
}


enum step
h2peer_decode_eof(struct exchange *x)
{
    (void) x;
    return STEP_FAIL;
}
